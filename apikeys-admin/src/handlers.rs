use apikeys_core::{
    ApiKeys, KeyId, Timestamp,
    audit::Action,
    engine::KeyManager,
    id::EventId,
    store::{AuditQuery, UsageStep},
};
use serde::Serialize;

use crate::{
    Admin, ManageErrorCode, PlainResponse,
    body::{CreatedKey, Event, EventList, Key, KeyList, KeyPatchBody, NewKeyBody, Usage},
    call_error::CallError,
    cursor::Cursors,
    query::{self, Query},
    route::{Call, Route},
};

/// A request of an administrator, matched to its route.
pub(crate) struct MatchedCall<'a> {
    pub(crate) route: &'static Route,
    /// The segment of the path in the place of `{id}`.
    pub(crate) id: Option<&'a str>,
    pub(crate) query: Option<&'a str>,
    /// The body, or the error that concerns the body as a whole.
    pub(crate) body: Result<&'a [u8], ManageErrorCode>,
    /// The path before `/api` in public URLs.
    pub(crate) mount: &'a str,
}

/// The handlers of all calls. A handler checks in this order: whether the key exists, the body as a
/// whole, the query, the members of the body, the plan.
pub(crate) struct Handlers<'a> {
    pub(crate) keys: &'a ApiKeys,
    pub(crate) cursors: &'a Cursors,
    pub(crate) admin: &'a Admin,
}

type Response = Result<PlainResponse, CallError>;

impl Handlers<'_> {
    pub(crate) async fn handle(&self, call: MatchedCall<'_>, document: impl FnOnce() -> Vec<u8>) -> Response {
        match call.route.call {
            Call::CreateKey => self.create(&call).await,
            Call::ListKeys => self.list(&call).await,
            Call::GetKey => self.get(&call).await,
            Call::UpdateKey => self.update(&call).await,
            Call::DeleteKey => self.delete(&call).await,
            Call::ListEvents => self.events(&call).await,
            Call::GetUsage => self.usage(&call).await,
            Call::GetDocument => {
                call.query()?;
                Ok(response(200, document()))
            }
        }
    }

    async fn create(&self, call: &MatchedCall<'_>) -> Response {
        let body = call.body?;
        call.query()?;
        let new = NewKeyBody::parse(body, self.now())?;
        let created = self.manage().create(new.into()).await?;
        let key = Key::from(created.key);
        let location = format!("{}/api/keys/{}", call.mount, key.id);
        let answer = CreatedKey { key, secret: created.secret.expose() };
        Ok(call.respond(&answer).with_header("location", location))
    }

    async fn list(&self, call: &MatchedCall<'_>) -> Response {
        let query = call.query()?;
        let limit = query.limit()?;
        let list = ("keys", &self.admin.org);
        let after = self.place(&list, &query)?.map(KeyId::from_bytes);
        let listing = self.manage().list(limit, after).await?;
        let next = listing.next.map(|id| *id.as_bytes());
        Ok(call.respond(&KeyList::new(listing, self.cursor(&list, next)?)))
    }

    async fn get(&self, call: &MatchedCall<'_>) -> Response {
        let (id, manage) = (call.key()?, self.manage());
        self.or_key_not_found(id, call.query()).await?;
        Ok(call.respond(&Key::from(manage.get(id).await?)))
    }

    async fn update(&self, call: &MatchedCall<'_>) -> Response {
        let id = call.key()?;
        let patch = || {
            let body = call.body?;
            call.query()?;
            KeyPatchBody::parse(body, self.now())
        };
        let patch = self.or_key_not_found(id, patch()).await?;
        Ok(call.respond(&Key::from(self.manage().update(id, patch.into()).await?)))
    }

    async fn delete(&self, call: &MatchedCall<'_>) -> Response {
        let id = call.key()?;
        self.or_key_not_found(id, call.query()).await?;
        self.manage().delete(id).await?;
        Ok(empty(call.route.success.status))
    }

    async fn events(&self, call: &MatchedCall<'_>) -> Response {
        let query = call.query()?;
        let mut events = AuditQuery::new(self.admin.org.clone(), query.limit()?);
        (events.key, events.action) = (query.key_id()?, query.action()?);
        (events.since, events.until) = (query.since()?, query.until()?);
        let action = events.action.clone();
        let action = action.as_ref().map(Action::as_str);
        let list = ("audit", &self.admin.org, events.key, action, events.since, events.until);
        let after = self.place(&list, &query)?.map(EventId::from_bytes);
        let page = self.manage().audit(events.after(after)).await?;
        let next_cursor = self.cursor(&list, page.next.map(|id| *id.as_bytes()))?;
        let events = page.items.into_iter().map(Event::from).collect();
        Ok(call.respond(&EventList { events, next_cursor }))
    }

    async fn usage(&self, call: &MatchedCall<'_>) -> Response {
        let id = call.key()?;
        let range = call.query().and_then(|query| Range::of(&query, self.now()));
        let Range { since, until, step } = self.or_key_not_found(id, range).await?;
        let points = self.manage().usage(id, since, until, step).await?;
        Ok(call.respond(&Usage::from(points)))
    }

    /// Returns `prepared`, unless it is an error and the key is unknown: `KEY_NOT_FOUND` comes before
    /// any other error in a request for a key.
    async fn or_key_not_found<T>(&self, id: KeyId, prepared: Result<T, CallError>) -> Result<T, CallError> {
        if prepared.is_err() {
            self.manage().get(id).await?;
        }
        prepared
    }

    fn place(&self, list: &impl Serialize, query: &Query) -> Result<Option<[u8; 16]>, CallError> {
        let Some(cursor) = query.cursor() else { return Ok(None) };
        let place = self.cursors.open(list, cursor).ok_or(ManageErrorCode::InvalidCursor)?;
        Ok(Some(place))
    }

    fn cursor(&self, list: &impl Serialize, place: Option<[u8; 16]>) -> Result<Option<String>, CallError> {
        Ok(place.map(|place| self.cursors.seal(list, place)).transpose()?)
    }

    fn manage(&self) -> KeyManager {
        self.keys.manage(self.admin.org.clone(), self.admin.actor.clone())
    }

    fn now(&self) -> Timestamp {
        self.keys.clock().wall()
    }
}

const NOSNIFF: (&str, &str) = ("x-content-type-options", "nosniff");

/// Creates a response with a body in JSON.
fn response(status: u16, body: Vec<u8>) -> PlainResponse {
    PlainResponse::new(status, "application/json", body).with_header(NOSNIFF.0, NOSNIFF.1)
}

/// Creates a response without a body.
fn empty(status: u16) -> PlainResponse {
    PlainResponse::empty(status).with_header("cache-control", "no-store").with_header(NOSNIFF.0, NOSNIFF.1)
}

impl MatchedCall<'_> {
    /// The id of the key. A text that is not an id is answered like the id of an unknown key.
    fn key(&self) -> Result<KeyId, CallError> {
        Ok(self.id.and_then(|id| id.parse().ok()).ok_or(ManageErrorCode::KeyNotFound)?)
    }

    fn query(&self) -> Result<Query, CallError> {
        Query::parse(self.query, self.route.parameters)
    }

    fn respond(&self, content: &impl Serialize) -> PlainResponse {
        // Cannot fail: map keys are strings and numbers are finite.
        let body = serde_json::to_vec(content).unwrap_or_default();
        response(self.route.success.status, body)
    }
}

/// The range and the step of a usage query.
struct Range {
    since: Timestamp,
    until: Timestamp,
    step: UsageStep,
}

impl Range {
    fn of(query: &Query, now: Timestamp) -> Result<Self, CallError> {
        let step = query.step()?;
        let (points, most, unit) = match step {
            UsageStep::Day => (30, 1_100, "days"),
            _ => (24, 90 * 24, "hours"),
        };
        // An hour or day that begins at this very microsecond is included.
        let until = query.until()?.unwrap_or_else(|| now.saturating_add(std::time::Duration::from_micros(1)));
        let since = query.since()?.unwrap_or_else(|| until.saturating_sub(step.duration() * points));
        if since >= until {
            return Err(query::invalid("since must be before until.".to_owned()));
        }
        if since < until.saturating_sub(step.duration() * most) {
            return Err(query::invalid(format!("since and until must be at most {most} {unit} apart.")));
        }
        Ok(Self { since, until, step })
    }
}
