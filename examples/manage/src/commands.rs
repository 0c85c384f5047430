use serde_json::{Map, Value, json};

use crate::{
    Arguments,
    answer::{Created, Event, EventPage, Key, KeyPage, Quota, Usage},
    arguments::{Command, Edit, EventFilter, UsageRange},
    client::{Client, encoded, with_query},
    failure::Failure,
    printable::printable,
    show,
};

const KEYS: &str = "/settings/developer/api/keys";
const AUDIT: &str = "/settings/developer/api/audit";

/// The number of items on the largest page of the API.
const LARGEST_PAGE: usize = 100;

/// Runs a command and returns the text to print. Only the text for a new key contains a secret.
///
/// # Errors
///
/// Returns the message to print if the service refuses the request or cannot be reached.
pub fn carry_out(arguments: Arguments) -> Result<String, String> {
    let Arguments { service, command } = arguments;
    let org = service.org.clone();
    run(&Client::new(service), &org, command).map_err(|failure| failure.to_string())
}

fn run(client: &Client, org: &str, command: Command) -> Result<String, Failure> {
    let changed = |id: &str, patch: Value| {
        client.call("PATCH", &path_of(id), Some(&patch)).map(|key: Key| show::key(&key).to_string())
    };
    match command {
        Command::List => all_keys(client).map(|(keys, quota)| show::keys(&keys, &quota)),
        Command::Create { name, expires, rate_limit } => {
            let new = json!({ "name": name, "expires_at": expires, "rate_limit": rate_limit });
            client.call("POST", KEYS, Some(&new)).map(|created: Created| show::created(&created))
        }
        Command::Show { id } => {
            client.call("GET", &path_of(&id), None).map(|key: Key| show::key(&key).to_string())
        }
        Command::Edit { id, edit } => changed(&id, patch(edit)),
        Command::Activate { id } => changed(&id, json!({ "active": true })),
        Command::Deactivate { id } => changed(&id, json!({ "active": false })),
        Command::Delete { id } => {
            client.call("DELETE", &path_of(&id), None).map(|()| format!("deleted {}\n", printable(&id)))
        }
        Command::Audit(filter) => events(client, &filter).map(|(events, more)| show::events(&events, more)),
        Command::Usage { id, range } => client
            .call("GET", &usage_of(&id, &range), None)
            .map(|usage: Usage| show::usage(&usage).to_string()),
        Command::Plan { name } => client
            .call("PUT", "/demo/plan", Some(&json!({ "plan": name })))
            .map(|()| format!("{} is on plan {}\n", printable(org), printable(&name))),
    }
}

fn all_keys(client: &Client) -> Result<(Vec<Key>, Quota), Failure> {
    let limit = LARGEST_PAGE.to_string();
    let (mut keys, mut cursor) = (Vec::new(), None);
    loop {
        let query = [("limit", Some(limit.as_str())), ("cursor", cursor.as_deref())];
        let page: KeyPage = client.call("GET", &with_query(KEYS, &query), None)?;
        keys.extend(page.keys);
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok((keys, page.quota));
        }
    }
}

/// Returns the events, and whether there are more than the limit.
fn events(client: &Client, filter: &EventFilter) -> Result<(Vec<Event>, bool), Failure> {
    let most = filter.limit.try_into().unwrap_or(usize::MAX);
    let (mut events, mut cursor) = (Vec::new(), None);
    while events.len() < most {
        let limit = LARGEST_PAGE.min(most - events.len()).to_string();
        let query = [
            ("key_id", filter.key_id.as_deref()),
            ("action", filter.action.as_deref()),
            ("since", filter.since.as_deref()),
            ("until", filter.until.as_deref()),
            ("limit", Some(&*limit)),
            ("cursor", cursor.as_deref()),
        ];
        let page: EventPage = client.call("GET", &with_query(AUDIT, &query), None)?;
        events.extend(page.events);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    Ok((events, cursor.is_some()))
}

fn path_of(id: &str) -> String {
    format!("{KEYS}/{}", encoded(id))
}

fn usage_of(id: &str, range: &UsageRange) -> String {
    let UsageRange { step, since, until } = range;
    let query = [("step", Some(step.as_str())), ("since", since.as_deref()), ("until", until.as_deref())];
    with_query(&format!("{}/usage", path_of(id)), &query)
}

/// Builds the body of an update: absent members stay unchanged, and null clears a member.
fn patch(edit: Edit) -> Value {
    let Edit { name, expires, no_expires, rate_limit, default_rate_limit } = edit;
    let mut patch = Map::new();
    if let Some(name) = name {
        patch.insert("name".to_owned(), name.into());
    }
    if no_expires || expires.is_some() {
        patch.insert("expires_at".to_owned(), expires.into());
    }
    if default_rate_limit || rate_limit.is_some() {
        patch.insert("rate_limit".to_owned(), rate_limit.into());
    }
    patch.into()
}
