use schemars::{Schema, SchemaGenerator};

use crate::{
    ManageErrorCode,
    body::{CreatedKey, EventList, Key, KeyList, KeyPatchBody, NewKeyBody, Plan, Usage},
    examples,
    parameter::{ACTION, CURSOR, KEY_ID, LIMIT, SINCE, STEP, UNTIL},
    route::{Content, Endpoint, Route, Success},
};

/// All endpoints. Requests are dispatched by this table, and the OpenAPI document is generated from it, so
/// that the document describes what the API does.
pub(crate) static ROUTES: [Route; 9] = [
    Route {
        method: "POST",
        template: "/api/keys",
        endpoint: Endpoint::CreateKey,
        operation: "createKey",
        summary: "Create a key",
        description: "Creates a key, which works immediately. Only this response contains the secret.",
        parameters: &[],
        body: Some(Content {
            schema: SchemaGenerator::subschema_for::<NewKeyBody>,
            example: examples::NEW_KEY,
        }),
        success: Success {
            status: 201,
            description: "The key and its secret.",
            content: Some(Content {
                schema: SchemaGenerator::subschema_for::<CreatedKey<'static>>,
                example: examples::CREATED_KEY,
            }),
        },
        codes: &[
            ManageErrorCode::CrossSiteRequest,
            ManageErrorCode::BodyTooLarge,
            ManageErrorCode::UnsupportedMediaType,
            ManageErrorCode::MalformedJson,
            ManageErrorCode::ValidationFailed,
            ManageErrorCode::ApiAccessNotAvailable,
            ManageErrorCode::KeyLimitReached,
            ManageErrorCode::ManagementUnavailable,
        ],
    },
    Route {
        method: "GET",
        template: "/api/keys",
        endpoint: Endpoint::ListKeys,
        operation: "listKeys",
        summary: "List keys",
        description: "Lists keys, newest first. A key that is created between two requests does not cause other keys \
                      to be repeated or left out.",
        parameters: &[LIMIT, CURSOR],
        body: None,
        success: Success {
            status: 200,
            description: "A page of keys, with the quota.",
            content: Some(Content {
                schema: SchemaGenerator::subschema_for::<KeyList>,
                example: examples::KEY_LIST,
            }),
        },
        codes: &[ManageErrorCode::InvalidCursor, ManageErrorCode::ManagementUnavailable],
    },
    Route {
        method: "GET",
        template: "/api/keys/{id}",
        endpoint: Endpoint::GetKey,
        operation: "getKey",
        summary: "Get a key",
        description: "Returns the key. `request_count` and `last_used_at` are updated each time that the audit log is \
                      written, which is every 100 milliseconds by default.",
        parameters: &[],
        body: None,
        success: Success { status: 200, description: "The key.", content: KEY },
        codes: &[ManageErrorCode::KeyNotFound, ManageErrorCode::ManagementUnavailable],
    },
    Route {
        method: "PATCH",
        template: "/api/keys/{id}",
        endpoint: Endpoint::UpdateKey,
        operation: "updateKey",
        summary: "Change, activate or deactivate a key",
        description: "Changes the members that the body contains. The change takes effect in all instances of the service \
                      before the response is sent. A request that changes nothing succeeds and records no event.",
        parameters: &[],
        body: Some(Content {
            schema: SchemaGenerator::subschema_for::<KeyPatchBody>,
            example: examples::KEY_PATCH,
        }),
        success: Success { status: 200, description: "The changed key.", content: KEY },
        codes: &[
            ManageErrorCode::CrossSiteRequest,
            ManageErrorCode::KeyNotFound,
            ManageErrorCode::BodyTooLarge,
            ManageErrorCode::UnsupportedMediaType,
            ManageErrorCode::MalformedJson,
            ManageErrorCode::ValidationFailed,
            ManageErrorCode::ManagementUnavailable,
        ],
    },
    Route {
        method: "DELETE",
        template: "/api/keys/{id}",
        endpoint: Endpoint::DeleteKey,
        operation: "deleteKey",
        summary: "Delete a key permanently",
        description: "All instances of the service refuse the key before the response is sent. The audit log keeps the key's \
                      name.",
        parameters: &[],
        body: None,
        success: Success { status: 204, description: "The key is deleted.", content: None },
        codes: &[
            ManageErrorCode::CrossSiteRequest,
            ManageErrorCode::KeyNotFound,
            ManageErrorCode::ManagementUnavailable,
        ],
    },
    Route {
        method: "GET",
        template: "/api/audit",
        endpoint: Endpoint::ListEvents,
        operation: "listEvents",
        summary: "Read the audit log",
        description: "Lists changes and the requests that were made with keys, newest first. If several filters are given, \
                      the events match all of them.",
        parameters: &[KEY_ID, ACTION, SINCE, UNTIL, LIMIT, CURSOR],
        body: None,
        success: Success {
            status: 200,
            description: "A page of events.",
            content: Some(Content {
                schema: SchemaGenerator::subschema_for::<EventList>,
                example: examples::EVENT_LIST,
            }),
        },
        codes: &[ManageErrorCode::InvalidCursor, ManageErrorCode::ManagementUnavailable],
    },
    Route {
        method: "GET",
        template: "/api/keys/{id}/usage",
        endpoint: Endpoint::GetUsage,
        operation: "getUsage",
        summary: "Get the usage of a key",
        description: "Counts requests and denials by hour, or by UTC day with `step=day`. The response covers whole \
                      hours or days, from the one that contains `since` to the last one that begins before `until`. \
                      The default of `until` is now. The default of `since` is 24 hours before `until`, or 30 days \
                      with `step=day`. The time from `since` to `until` may be at most 90 days, or 1,100 days with \
                      `step=day`.",
        parameters: &[SINCE, UNTIL, STEP],
        body: None,
        success: Success {
            status: 200,
            description: "The requests and denials. Hours and days without requests are left out.",
            content: Some(Content {
                schema: SchemaGenerator::subschema_for::<Usage>,
                example: examples::USAGE,
            }),
        },
        codes: &[ManageErrorCode::KeyNotFound, ManageErrorCode::ManagementUnavailable],
    },
    Route {
        method: "GET",
        template: "/api/plan",
        endpoint: Endpoint::GetPlan,
        operation: "getPlan",
        summary: "Get the plan",
        description: "Returns the plan of the organization: what it allows, and which plan allows more.",
        parameters: &[],
        body: None,
        success: Success {
            status: 200,
            description: "The plan.",
            content: Some(Content {
                schema: SchemaGenerator::subschema_for::<Plan>,
                example: examples::PLAN,
            }),
        },
        codes: &[ManageErrorCode::ManagementUnavailable],
    },
    Route {
        method: "GET",
        template: "/api/openapi.json",
        endpoint: Endpoint::GetDocument,
        operation: "getDocument",
        summary: "Get the OpenAPI document",
        description: "Returns this document.",
        parameters: &[],
        body: None,
        success: Success {
            status: 200,
            description: "The document.",
            content: Some(Content { schema: any_object, example: "{\"openapi\": \"3.1.1\"}" }),
        },
        codes: &[],
    },
];

const KEY: Option<Content> =
    Some(Content { schema: SchemaGenerator::subschema_for::<Key>, example: examples::KEY });

fn any_object(_: &mut SchemaGenerator) -> Schema {
    schemars::json_schema!({ "type": "object" })
}
