use crate::{
    answer::{Created, Event, EventKey, EventRequest, FromTo, Key, Quota, Usage},
    printable::printable,
    table::Table,
};

/// Formats keys and the quota.
pub(crate) fn keys(keys: &[Key], quota: &Quota) -> String {
    let mut table = Table::new();
    table.row([
        "ID",
        "NAME",
        "PREFIX",
        "STATUS",
        "CREATED",
        "EXPIRES",
        "RATE LIMIT",
        "LAST USED",
        "REQUESTS",
    ]);
    for key in keys {
        table.row([
            &key.id,
            &key.name,
            or_dash(key.prefix.as_deref()),
            &key.status,
            &key.created_at,
            or_never(key.expires_at.as_deref()),
            &rate_limit(key),
            or_never(key.last_used_at.as_deref()),
            &key.request_count.to_string(),
        ]);
    }
    let Quota { used, limit } = quota;
    let limit = limit.map_or_else(|| "unlimited".to_owned(), |limit| limit.to_string());
    format!("{table}\nkeys in use: {used}, allowed: {limit}\n")
}

/// Formats a key, one member per line.
pub(crate) fn key(key: &Key) -> Table<2> {
    let mut table = Table::new();
    table.row(["id", &key.id]);
    table.row(["name", &key.name]);
    table.row(["prefix", or_dash(key.prefix.as_deref())]);
    table.row(["status", &key.status]);
    table.row(["created", &format!("{} by {}", key.created_at, key.created_by)]);
    table.row(["expires", or_never(key.expires_at.as_deref())]);
    table.row(["rate limit", &rate_limit(key)]);
    table.row(["last used", or_never(key.last_used_at.as_deref())]);
    table.row(["requests", &key.request_count.to_string()]);
    table
}

/// Formats a new key and its secret.
pub(crate) fn created(created: &Created) -> String {
    let (key, secret) = (key(&created.key), printable(&created.secret));
    format!("{key}\n{secret}\n\nThis is the secret. It is not shown again.\n")
}

/// Formats events of the audit log.
pub(crate) fn events(events: &[Event], more: bool) -> String {
    let mut table = Table::new();
    table.row(["AT", "ACTION", "WHO", "KEY", "NAME", "WHAT"]);
    for event in events {
        let (id, name) = match &event.key {
            Some(EventKey { id, name }) => (Some(id.as_str()), name.as_deref()),
            None => (None, None),
        };
        table.row([
            &event.at,
            &event.action,
            or_dash(event.actor.as_deref()),
            or_dash(id),
            or_dash(name),
            &details(event),
        ]);
    }
    let more = if more { "\nThere are more events; see --limit.\n" } else { "" };
    format!("{table}{more}")
}

/// Formats the usage of a key.
pub(crate) fn usage(usage: &Usage) -> Table<3> {
    let mut table = Table::new();
    table.row(["AT", "REQUESTS", "DENIED"]);
    for point in &usage.points {
        table.row([&point.at, &point.requests.to_string(), &point.denied.to_string()]);
    }
    table
}

fn rate_limit(key: &Key) -> String {
    let limit = key.effective_rate_limit;
    if key.rate_limit.is_some() { limit.to_string() } else { format!("{limit} (default)") }
}

fn details(event: &Event) -> String {
    let mut parts: Vec<String> = event
        .changes
        .iter()
        .map(|(member, FromTo { from, to })| format!("{member}: {from} -> {to}"))
        .collect();
    parts.extend(event.lost.map(|lost| format!("{lost} events lost")));
    parts.extend(event.request.as_ref().map(request_details));
    parts.join(", ")
}

/// Formats the request of an event. The user agent is last, because it may contain any text.
fn request_details(request: &EventRequest) -> String {
    let EventRequest { method, path, outcome, latency_ms, .. } = request;
    let mut text = format!("{method} {path} {outcome}");
    let mut add = |before: &str, value: Option<&str>| {
        if let Some(value) = value {
            text.push_str(&format!("{before}{value}"));
        }
    };
    add(" ", request.status.map(|status| status.to_string()).as_deref());
    add(" ", request.denial.as_deref());
    add(" ", request.count.map(|count| format!("{count} times")).as_deref());
    add(" in ", Some(&format!("{latency_ms:.3} ms")));
    add(" from ", request.ip.as_deref());
    add(" id ", request.request_id.as_deref());
    add(" trace ", request.trace_id.as_deref());
    add(" agent ", request.user_agent.as_deref());
    text
}

fn or_dash(text: Option<&str>) -> &str {
    text.unwrap_or("-")
}

fn or_never(text: Option<&str>) -> &str {
    text.unwrap_or("never")
}
