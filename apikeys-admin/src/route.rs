use schemars::{Schema, SchemaGenerator};

use crate::{
    ManageErrorCode,
    body::{CreatedKey, EventList, Key, KeyList, KeyPatchBody, NewKeyBody, Usage},
    examples,
    query::{ACTION, CURSOR, KEY_ID, LIMIT, Parameter, SINCE, STEP, UNTIL},
};

/// A call of the API. Requests are dispatched by the table of routes, and the OpenAPI document is
/// generated from the same table, so that both have the same calls.
pub(crate) struct Route {
    pub(crate) method: &'static str,
    /// The path below the mount. `{id}` matches one segment.
    pub(crate) template: &'static str,
    pub(crate) call: Call,
    /// The name of the operation in the OpenAPI document, for generated clients.
    pub(crate) operation: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) description: &'static str,
    pub(crate) parameters: &'static [Parameter],
    pub(crate) body: Option<Content>,
    pub(crate) success: Success,
    /// The errors of this call, besides those of every call.
    pub(crate) codes: &'static [ManageErrorCode],
}

/// The call of a route.
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

/// The content of a body.
pub(crate) struct Content {
    pub(crate) schema: fn(&mut SchemaGenerator) -> Schema,
    pub(crate) example: &'static str,
}

/// The response of a call that succeeds.
pub(crate) struct Success {
    pub(crate) status: u16,
    pub(crate) description: &'static str,
    pub(crate) content: Option<Content>,
}

/// The errors that every call may return.
/// The codes of requests that belong to no call.
pub(crate) const UNROUTED_CODES: &[ManageErrorCode] =
    &[ManageErrorCode::NotFound, ManageErrorCode::MethodNotAllowed];

/// All codes that the API responds with, in the order in which they are decided.
pub(crate) fn codes() -> Vec<ManageErrorCode> {
    let routed = ROUTES.iter().flat_map(|route| route.codes);
    let used: Vec<_> = COMMON_CODES.iter().chain(UNROUTED_CODES).chain(routed).collect();
    ManageErrorCode::ALL.iter().filter(|code| used.contains(code)).copied().collect()
}

pub(crate) const COMMON_CODES: &[ManageErrorCode] =
    &[ManageErrorCode::AdminRequired, ManageErrorCode::InvalidQuery];

pub(crate) static ROUTES: [Route; 8] = [
    Route {
        method: "POST",
        template: "/api/keys",
        call: Call::CreateKey,
        operation: "createKey",
        summary: "Create a key",
        description: "The key works at once. This response is the only one that ever shows the secret.",
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
        call: Call::ListKeys,
        operation: "listKeys",
        summary: "List keys",
        description: "Lists keys, newest first. Keys that are created while a client pages through the list neither repeat nor hide others.",
        parameters: &[LIMIT, CURSOR],
        body: None,
        success: Success {
            status: 200,
            description: "A page of keys, and the quota of the plan.",
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
        call: Call::GetKey,
        operation: "getKey",
        summary: "Get a key",
        description: "`request_count` and `last_used_at` lag behind by at most the interval in which the audit log is written.",
        parameters: &[],
        body: None,
        success: Success { status: 200, description: "The key.", content: KEY },
        codes: &[ManageErrorCode::KeyNotFound, ManageErrorCode::ManagementUnavailable],
    },
    Route {
        method: "PATCH",
        template: "/api/keys/{id}",
        call: Call::UpdateKey,
        operation: "updateKey",
        summary: "Change, activate or deactivate a key",
        description: "The change is in effect everywhere before the response is sent. An update that changes nothing is not recorded.",
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
        call: Call::DeleteKey,
        operation: "deleteKey",
        summary: "Delete a key permanently",
        description: "The key is refused everywhere before the response is sent. The audit log keeps its name.",
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
        call: Call::ListEvents,
        operation: "listEvents",
        summary: "Read the audit log",
        description: "Lists all changes and all requests made with keys, newest first. Events match all given filters.",
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
        call: Call::GetUsage,
        operation: "getUsage",
        summary: "Get the usage of a key",
        description: "Counts requests from the hour or day of `since` to the time before `until`. The default of \
                      `until` is now; that of `since` is 24 hours before `until`, or 30 days with \
                      `step=day`. The range is at most 90 days, or 1,100 days with `step=day`.",
        parameters: &[SINCE, UNTIL, STEP],
        body: None,
        success: Success {
            status: 200,
            description: "Requests and denials by hour or UTC day. Hours and days without any are left out.",
            content: Some(Content {
                schema: SchemaGenerator::subschema_for::<Usage>,
                example: examples::USAGE,
            }),
        },
        codes: &[ManageErrorCode::KeyNotFound, ManageErrorCode::ManagementUnavailable],
    },
    Route {
        method: "GET",
        template: "/api/openapi.json",
        call: Call::GetDocument,
        operation: "getDocument",
        summary: "Get this document",
        description: "Returns the OpenAPI 3.1 document of this API.",
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

/// The result of looking up a method and a path.
pub(crate) enum Match<'p> {
    /// A call, and the segment in the place of `{id}`.
    Call(&'static Route, Option<&'p str>),
    /// The path exists for other methods, as `Allow` lists them.
    OtherMethods(String),
    /// The path does not exist.
    Nothing,
}

/// Looks up a method and a path below the mount. `HEAD` finds the call of `GET`.
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

/// Compares a path with a template, segment by segment and without decoding: `/api/keys/`,
/// `//api/keys` and `/api/%6beys` do not match. Returns the segment of `{id}` of a match.
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
    fn find_compares_paths_exactly() {
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
    fn find_with_another_method_lists_the_methods_of_the_path() {
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
