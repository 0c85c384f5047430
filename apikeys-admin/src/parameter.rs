use schemars::{Schema, SchemaGenerator};

use crate::body::schema;

/// A query parameter of an endpoint.
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) schema: fn(&mut SchemaGenerator) -> Schema,
}

pub(crate) const LIMIT: Parameter = Parameter {
    name: "limit",
    description: "The maximum number of entries in the response.",
    schema: SchemaGenerator::subschema_for::<schema::PageSize>,
};
pub(crate) const CURSOR: Parameter = Parameter {
    name: "cursor",
    description: "The `next_cursor` of the previous page. The filters must be the same.",
    schema: SchemaGenerator::subschema_for::<schema::Cursor>,
};
pub(crate) const KEY_ID: Parameter = Parameter {
    name: "key_id",
    description: "Returns only the events of this key. The key may have been deleted. If the key is unknown, there are no events.",
    schema: SchemaGenerator::subschema_for::<schema::Id>,
};
pub(crate) const ACTION: Parameter = Parameter {
    name: "action",
    description: "Returns only events with this action.",
    schema: SchemaGenerator::subschema_for::<schema::ActionName>,
};
pub(crate) const SINCE: Parameter = Parameter {
    name: "since",
    description: "The beginning of the time range, which is included.",
    schema: SchemaGenerator::subschema_for::<schema::Time>,
};
pub(crate) const UNTIL: Parameter = Parameter {
    name: "until",
    description: "The end of the time range, which is not included.",
    schema: SchemaGenerator::subschema_for::<schema::Time>,
};
pub(crate) const STEP: Parameter = Parameter {
    name: "step",
    description: "The length of time that each point covers: an hour or a UTC day.",
    schema: SchemaGenerator::subschema_for::<schema::Step>,
};
