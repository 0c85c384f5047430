use apikeys_core::{
    ApiKeys, KeyId, ManageError, Timestamp, audit::Action, engine::KeyManager, http::Wording, id::EventId,
    store::AuditQuery,
};
use serde::Serialize;

use crate::{
    Admin, ManageErrorCode, PlainResponse,
    api_error::ApiError,
    body::{CreatedKey, Event, EventList, Key, KeyList, KeyPatchBody, NewKeyBody, Plan, Usage},
    cursor::Cursors,
    query::Query,
    route::{Endpoint, Route},
    usage_range::UsageRange,
};

/// A request of an administrator, matched to its route.
pub(crate) struct MatchedRequest<'a> {
    pub(crate) route: &'static Route,
    /// The segment of the path at the place of `{id}` in the template. `None` if the template has no `{id}`.
    pub(crate) id: Option<&'a str>,
    pub(crate) query: Option<&'a str>,
    /// The body, or the error of a body that cannot be used, such as a body that is too long.
    pub(crate) body: Result<&'a [u8], ManageErrorCode>,
    /// The path before `/api` in the URLs that clients use.
    pub(crate) mount: &'a str,
}

/// The handlers of all endpoints.
///
/// Each handler checks in this order: whether the key exists, whether the body can be used, the query, the
/// members of the body, and the plan.
pub(crate) struct Handlers<'a> {
    pub(crate) keys: &'a ApiKeys,
    pub(crate) cursors: &'a Cursors,
    pub(crate) wording: &'a Wording,
    pub(crate) admin: &'a Admin,
}

type Response = Result<PlainResponse, ApiError>;

impl Handlers<'_> {
    pub(crate) async fn handle(
        &self,
        request: MatchedRequest<'_>,
        document: impl FnOnce() -> Vec<u8>,
    ) -> Response {
        match request.route.endpoint {
            Endpoint::CreateKey => self.create(&request).await,
            Endpoint::ListKeys => self.list(&request).await,
            Endpoint::GetKey => self.get(&request).await,
            Endpoint::UpdateKey => self.update(&request).await,
            Endpoint::DeleteKey => self.delete(&request).await,
            Endpoint::ListEvents => self.events(&request).await,
            Endpoint::GetUsage => self.usage(&request).await,
            Endpoint::GetPlan => self.plan(&request).await,
            Endpoint::GetDocument => {
                request.query()?;
                Ok(response(200, document()))
            }
        }
    }

    async fn create(&self, request: &MatchedRequest<'_>) -> Response {
        let body = request.body?;
        request.query()?;
        let new = NewKeyBody::parse(body, self.now())?;
        let created = self.manage().create(new.into()).await?;
        let key = Key::from(created.key);
        let location = format!("{}/api/keys/{}", request.mount, key.id);
        let content = CreatedKey { key, secret: created.secret.expose() };
        Ok(request.respond(&content).with_header("location", location))
    }

    async fn list(&self, request: &MatchedRequest<'_>) -> Response {
        let query = request.query()?;
        let limit = query.limit()?;
        let list = ("keys", &self.admin.org);
        let after = self.place(&list, &query)?.map(KeyId::from_bytes);
        let listing = self.manage().list(limit, after).await?;
        let next = listing.next.map(|id| *id.as_bytes());
        Ok(request.respond(&KeyList::new(listing, self.cursor(&list, next)?)))
    }

    async fn get(&self, request: &MatchedRequest<'_>) -> Response {
        let (id, manage) = (request.key()?, self.manage());
        self.or_key_not_found(id, request.query()).await?;
        Ok(request.respond(&Key::from(manage.get(id).await?)))
    }

    async fn update(&self, request: &MatchedRequest<'_>) -> Response {
        let id = request.key()?;
        let patch = || {
            let body = request.body?;
            request.query()?;
            KeyPatchBody::parse(body, self.now())
        };
        let patch = self.or_key_not_found(id, patch()).await?;
        Ok(request.respond(&Key::from(self.manage().update(id, patch.into()).await?)))
    }

    async fn delete(&self, request: &MatchedRequest<'_>) -> Response {
        let id = request.key()?;
        self.or_key_not_found(id, request.query()).await?;
        self.manage().delete(id).await?;
        Ok(empty(request.route.success.status))
    }

    async fn events(&self, request: &MatchedRequest<'_>) -> Response {
        let query = request.query()?;
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
        Ok(request.respond(&EventList { events, next_cursor }))
    }

    async fn usage(&self, request: &MatchedRequest<'_>) -> Response {
        let id = request.key()?;
        let range = request.query().and_then(|query| UsageRange::of(&query, self.now()));
        let UsageRange { since, until, step } = self.or_key_not_found(id, range).await?;
        let points = self.manage().usage(id, since, until, step).await?;
        Ok(request.respond(&Usage::from(points)))
    }

    async fn plan(&self, request: &MatchedRequest<'_>) -> Response {
        request.query()?;
        let (name, plans) = (self.manage().quota().await?.plan, self.keys.plans());
        let plan = plans.get(&name).ok_or(ManageError::StoredPlanUnknown(name))?;
        Ok(request.respond(&Plan::new(plan, plans, self.wording)))
    }

    /// Returns `parsed`. If `parsed` is an error and the key is unknown, returns `KEY_NOT_FOUND` instead,
    /// because this error precedes the errors of the body and the query.
    async fn or_key_not_found<T>(&self, id: KeyId, parsed: Result<T, ApiError>) -> Result<T, ApiError> {
        if parsed.is_err() {
            self.manage().get(id).await?;
        }
        parsed
    }

    /// Returns the place in the list after which the page begins. `None` means the beginning of the list.
    fn place(&self, list: &impl Serialize, query: &Query) -> Result<Option<[u8; 16]>, ApiError> {
        let Some(cursor) = query.cursor() else { return Ok(None) };
        let place = self.cursors.open(list, cursor).ok_or(ManageErrorCode::InvalidCursor)?;
        Ok(Some(place))
    }

    /// Returns the cursor of the page that begins after `place`.
    fn cursor(&self, list: &impl Serialize, place: Option<[u8; 16]>) -> Result<Option<String>, ApiError> {
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

impl MatchedRequest<'_> {
    /// Returns the id of the key. An invalid id is treated like the id of an unknown key.
    fn key(&self) -> Result<KeyId, ApiError> {
        Ok(self.id.and_then(|id| id.parse().ok()).ok_or(ManageErrorCode::KeyNotFound)?)
    }

    fn query(&self) -> Result<Query, ApiError> {
        Query::parse(self.query, self.route.parameters)
    }

    fn respond(&self, content: &impl Serialize) -> PlainResponse {
        // Cannot fail: map keys are strings and numbers are finite.
        let body = serde_json::to_vec(content).unwrap_or_default();
        response(self.route.success.status, body)
    }
}
