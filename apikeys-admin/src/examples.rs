//! Examples for the OpenAPI document. The test `document_examples_match_their_schemas` checks them.

pub(crate) const NEW_KEY: &str =
    r#"{"name": "CI deploys", "expires_at": "2031-01-31T00:00:00Z", "rate_limit": 600}"#;

pub(crate) const KEY_PATCH: &str = r#"{"name": "CI deploys (old)", "expires_at": null, "active": false}"#;

pub(crate) const KEY: &str = r#"{
    "id": "aydq2ea5zmm6bbkxvyfs3mx4ea",
    "name": "CI deploys",
    "prefix": "acme_live_3kTm",
    "status": "active",
    "active": true,
    "created_at": "2030-01-31T09:30:00Z",
    "created_by": "ann@example.com",
    "expires_at": "2031-01-31T00:00:00Z",
    "rate_limit": 600,
    "effective_rate_limit": 600,
    "last_used_at": null,
    "request_count": 0
}"#;

pub(crate) const CREATED_KEY: &str = r#"{
    "key": {
        "id": "aydq2ea5zmm6bbkxvyfs3mx4ea",
        "name": "CI deploys",
        "prefix": "acme_live_3kTm",
        "status": "active",
        "active": true,
        "created_at": "2030-01-31T09:30:00Z",
        "created_by": "ann@example.com",
        "expires_at": null,
        "rate_limit": null,
        "effective_rate_limit": 60,
        "last_used_at": null,
        "request_count": 0
    },
    "secret": "acme_live_3kTm…"
}"#;

pub(crate) const KEY_LIST: &str = r#"{
    "keys": [{
        "id": "aydq2ea5zmm6bbkxvyfs3mx4ea",
        "name": "CI deploys",
        "prefix": "acme_live_3kTm",
        "status": "expired",
        "active": true,
        "created_at": "2030-01-31T09:30:00Z",
        "created_by": "ann@example.com",
        "expires_at": "2031-01-31T00:00:00Z",
        "rate_limit": null,
        "effective_rate_limit": 60,
        "last_used_at": "2031-01-30T23:59:58.123456Z",
        "request_count": 1204
    }],
    "next_cursor": null,
    "quota": {"used": 1, "limit": 10}
}"#;

pub(crate) const EVENT_LIST: &str = r#"{
    "events": [
        {
            "id": "aydq2ea6zmm6bbkxvyfs3mx4ea",
            "at": "2030-01-31T09:31:00Z",
            "action": "request",
            "actor": null,
            "key": {"id": "aydq2ea5zmm6bbkxvyfs3mx4ea", "name": "CI deploys", "prefix": "acme_live_3kTm"},
            "request": {
                "method": "POST",
                "path": "/v1/deploys",
                "status": 201,
                "outcome": "answered",
                "latency_ms": 12.345,
                "ip": "203.0.113.7",
                "user_agent": "curl/8.5.0",
                "request_id": "7d1c0e9a",
                "trace_id": null
            }
        },
        {
            "id": "aydq2ea5zmm7bbkxvyfs3mx4ea",
            "at": "2030-01-31T09:30:00Z",
            "action": "key.created",
            "actor": "ann@example.com",
            "key": {"id": "aydq2ea5zmm6bbkxvyfs3mx4ea", "name": "CI deploys", "prefix": "acme_live_3kTm"},
            "changes": {"name": {"from": null, "to": "CI deploys"}}
        }
    ],
    "next_cursor": null
}"#;

pub(crate) const USAGE: &str =
    r#"{"points": [{"at": "2030-01-31T09:00:00Z", "requests": 1204, "denied": 3}]}"#;

pub(crate) const PLAN: &str = r#"{
    "name": "free",
    "display_name": "Free",
    "api_access": false,
    "default_rate_limit": 60,
    "upgrade_to": "Starter",
    "advice": null
}"#;
