use schemars::{Schema, SchemaGenerator};

use crate::{
    ErrorCode,
    body::{CreatedKey, EventList, Key, KeyList, KeyPatchBody, NewKeyBody, Usage},
    example,
    query::{ACTION, CURSOR, KEY_ID, LIMIT, Parameter, SINCE, STEP, UNTIL},
};

/// A call of the API. Requests are dispatched by this table, and the document is written from it,
/// so that neither can know a call that the other does not.
pub(crate) struct Route {
    pub(crate) method: &'static str,
    /// The path below the mount; `{id}` stands for one segment.
    pub(crate) template: &'static str,
    pub(crate) call: Call,
    /// Its name in the document, for generated clients.
    pub(crate) operation: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) description: &'static str,
    pub(crate) parameters: &'static [Parameter],
    pub(crate) body: Option<Content>,
    pub(crate) answer: Answer,
    /// What it may refuse with, besides what every call may.
    pub(crate) codes: &'static [ErrorCode],
}

/// Which code carries a call out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    CreateKey,
    ListKeys,
    GetKey,
    UpdateKey,
    DeleteKey,
    ListEvents,
    GetUsage,
    GetDocument,
}

/// What stands in a body.
pub(crate) struct Content {
    pub(crate) schema: fn(&mut SchemaGenerator) -> Schema,
    pub(crate) example: &'static str,
}

/// What a call answers when it succeeds.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) description: &'static str,
    pub(crate) content: Option<Content>,
}

/// What may be wrong with every call.
pub(crate) const COMMON_CODES: &[ErrorCode] = &[ErrorCode::AdminRequired, ErrorCode::InvalidQuery];

pub(crate) static ROUTES: [Route; 8] = [
    Route {
        method: "POST",
        template: "/api/keys",
        call: Call::CreateKey,
        operation: "createKey",
        summary: "Create a key",
        description: "The key works at once. Its secret is in this answer and nowhere else, ever.",
        parameters: &[],
        body: Some(Content {
            schema: SchemaGenerator::subschema_for::<NewKeyBody>,
            example: example::NEW_KEY,
        }),
        answer: Answer {
            status: 201,
            description: "The key and its secret.",
            content: Some(Content {
                schema: SchemaGenerator::subschema_for::<CreatedKey<'static>>,
                example: example::CREATED_KEY,
            }),
        },
        codes: &[
            ErrorCode::CrossSiteRequest,
            ErrorCode::BodyTooLarge,
            ErrorCode::UnsupportedMediaType,
            ErrorCode::MalformedJson,
            ErrorCode::ValidationFailed,
            ErrorCode::ApiAccessNotAvailable,
            ErrorCode::KeyLimitReached,
            ErrorCode::ManagementUnavailable,
        ],
    },
    Route {
        method: "GET",
        template: "/api/keys",
        call: Call::ListKeys,
        operation: "listKeys",
        summary: "List keys",
        description: "Newest first. A key created meanwhile makes no other appear twice or not at all.",
        parameters: &[LIMIT, CURSOR],
        body: None,
        answer: Answer {
            status: 200,
            description: "A page of keys, and how many there are and may be.",
            content: Some(Content {
                schema: SchemaGenerator::subschema_for::<KeyList>,
                example: example::KEY_LIST,
            }),
        },
        codes: &[ErrorCode::InvalidCursor, ErrorCode::ManagementUnavailable],
    },
    Route {
        method: "GET",
        template: "/api/keys/{id}",
        call: Call::GetKey,
        operation: "getKey",
        summary: "Get a key",
        description: "Counters lag by at most the interval in which the audit log is written.",
        parameters: &[],
        body: None,
        answer: Answer { status: 200, description: "The key.", content: KEY },
        codes: &[ErrorCode::KeyNotFound, ErrorCode::ManagementUnavailable],
    },
    Route {
        method: "PATCH",
        template: "/api/keys/{id}",
        call: Call::UpdateKey,
        operation: "updateKey",
        summary: "Change, activate or deactivate a key",
        description: "When this has been answered, the change holds everywhere. What changes nothing is no event.",
        parameters: &[],
        body: Some(Content {
            schema: SchemaGenerator::subschema_for::<KeyPatchBody>,
            example: example::KEY_PATCH,
        }),
        answer: Answer { status: 200, description: "The key as it is now.", content: KEY },
        codes: &[
            ErrorCode::CrossSiteRequest,
            ErrorCode::KeyNotFound,
            ErrorCode::BodyTooLarge,
            ErrorCode::UnsupportedMediaType,
            ErrorCode::MalformedJson,
            ErrorCode::ValidationFailed,
            ErrorCode::ManagementUnavailable,
        ],
    },
    Route {
        method: "DELETE",
        template: "/api/keys/{id}",
        call: Call::DeleteKey,
        operation: "deleteKey",
        summary: "Delete a key for good",
        description: "When this has been answered, the key is refused everywhere. The audit log keeps its name.",
        parameters: &[],
        body: None,
        answer: Answer { status: 204, description: "It is gone.", content: None },
        codes: &[ErrorCode::CrossSiteRequest, ErrorCode::KeyNotFound, ErrorCode::ManagementUnavailable],
    },
    Route {
        method: "GET",
        template: "/api/audit",
        call: Call::ListEvents,
        operation: "listEvents",
        summary: "Read the audit log",
        description: "Newest first: every change, and every request made with a key. Filters are joined by 'and'.",
        parameters: &[KEY_ID, ACTION, SINCE, UNTIL, LIMIT, CURSOR],
        body: None,
        answer: Answer {
            status: 200,
            description: "A page of events.",
            content: Some(Content {
                schema: SchemaGenerator::subschema_for::<EventList>,
                example: example::EVENT_LIST,
            }),
        },
        codes: &[ErrorCode::InvalidCursor, ErrorCode::ManagementUnavailable],
    },
    Route {
        method: "GET",
        template: "/api/keys/{id}/usage",
        call: Call::GetUsage,
        operation: "getUsage",
        summary: "See how much a key is used",
        description: "From the hour or day that holds `since` to before `until`. Without `until`: up to now; \
                      without `since`: 24 hours or 30 days before `until`. At most 90 days of hours or \
                      1,100 days of days.",
        parameters: &[SINCE, UNTIL, STEP],
        body: None,
        answer: Answer {
            status: 200,
            description: "Requests and denials by hour or UTC day; those without any are left out.",
            content: Some(Content {
                schema: SchemaGenerator::subschema_for::<Usage>,
                example: example::USAGE,
            }),
        },
        codes: &[ErrorCode::KeyNotFound, ErrorCode::ManagementUnavailable],
    },
    Route {
        method: "GET",
        template: "/api/openapi.json",
        call: Call::GetDocument,
        operation: "getDocument",
        summary: "This document",
        description: "OpenAPI 3.1.",
        parameters: &[],
        body: None,
        answer: Answer {
            status: 200,
            description: "The document.",
            content: Some(Content { schema: any_object, example: "{\"openapi\": \"3.1.1\"}" }),
        },
        codes: &[],
    },
];

const KEY: Option<Content> =
    Some(Content { schema: SchemaGenerator::subschema_for::<Key>, example: example::KEY });

fn any_object(_: &mut SchemaGenerator) -> Schema {
    schemars::json_schema!({ "type": "object" })
}

/// What the table says of a request.
pub(crate) enum Match<'p> {
    /// A call, and the segment that stands for `{id}`.
    Call(&'static Route, Option<&'p str>),
    /// The path is one of ours, for these methods.
    OtherMethods(String),
    /// No such path.
    Nothing,
}

/// Finds the call for a method and a path below the mount. `HEAD` is `GET` whose body is left out.
pub(crate) fn find<'p>(method: &str, path: &'p str) -> Match<'p> {
    let method = if method == "HEAD" { "GET" } else { method };
    let mut methods: Vec<&str> = Vec::new();
    for route in &ROUTES {
        let Some(id) = matches(route.template, path) else { continue };
        if route.method == method {
            return Match::Call(route, id);
        }
        methods.push(route.method);
        methods.extend((route.method == "GET").then_some("HEAD"));
    }
    if methods.is_empty() { Match::Nothing } else { Match::OtherMethods(methods.join(", ")) }
}

/// Segment by segment and to the letter: `/api/keys/`, `//api/keys` and `/api/%6beys` are no paths
/// of ours.
fn matches<'p>(template: &str, path: &'p str) -> Option<Option<&'p str>> {
    let (mut wanted, mut found) = (template.split('/'), path.split('/'));
    let mut id = None;
    loop {
        match (wanted.next(), found.next()) {
            (None, None) => return Some(id),
            (Some("{id}"), Some(segment)) if !segment.is_empty() => id = Some(segment),
            (Some(wanted), Some(found)) if wanted == found => {}
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_to_the_letter() {
        for (path, wanted) in [
            ("/api/keys", Some(None)),
            ("/api/keys/x", Some(Some("x"))),
            ("/api/keys/%2e%2e", Some(Some("%2e%2e"))),
            ("/api/keys/x/usage", Some(Some("x"))),
            ("/api/audit", Some(None)),
            ("/api/openapi.json", Some(None)),
        ] {
            let Match::Call(_, id) = find("GET", path) else { panic!("{path}") };
            assert_eq!(Some(id), wanted, "{path}");
        }
        for odd in [
            "",
            "/",
            "/api",
            "/api/",
            "/api/keys/",
            "//api/keys",
            "/api//keys",
            "/api/keys//",
            "/api/keys//usage",
            "/api/KEYS",
            "/api/%6beys",
            "/api/keys/x/",
            "/api/keys/x/usage/",
            "/api/keys/x/y",
            "/api/../api/keys",
            "api/keys",
            "/api/keys;x",
            "/api/keys/x/usage/y",
            "/x/api/keys",
            "/api/openapi",
        ] {
            assert!(matches!(find("GET", odd), Match::Nothing), "{odd}");
        }
    }

    #[test]
    fn other_methods_are_told_which_there_are() {
        let allow = |method, path| match find(method, path) {
            Match::OtherMethods(methods) => methods,
            _ => panic!("{method} {path}"),
        };
        assert_eq!(allow("PUT", "/api/keys"), "POST, GET, HEAD");
        assert_eq!(allow("POST", "/api/keys/x"), "GET, HEAD, PATCH, DELETE");
        assert_eq!(allow("post", "/api/audit"), "GET, HEAD");
        assert_eq!(allow("OPTIONS", "/api/openapi.json"), "GET, HEAD");
    }
}
