use apikeys_core::{
    ApiKeys, KeyId, Timestamp,
    audit::Action,
    engine::Manage,
    id::EventId,
    store::{AuditQuery, UsageStep},
};
use serde::Serialize;

use crate::{
    Admin, AdminResponse, ErrorCode,
    body::{CreatedKey, Event, EventList, Key, KeyList, KeyPatchBody, NewKeyBody, Usage},
    cursor::Cursors,
    query::{self, Query},
    refusal::Refusal,
    route::{Call, Route},
};

/// A request that a logged-in administrator may make, matched to its call.
pub(crate) struct Asked<'a> {
    pub(crate) route: &'static Route,
    /// The segment of the path that stands for `{id}`.
    pub(crate) id: Option<&'a str>,
    pub(crate) query: Option<&'a str>,
    /// The body, or what is wrong with it as a whole.
    pub(crate) body: Result<&'a [u8], ErrorCode>,
    /// What stands before `/api` in public URLs.
    pub(crate) mount: &'a str,
}

/// Carries calls out. They check in this order: the key's existence, the body as a whole, the
/// query, the body's members, and then the plan.
pub(crate) struct Calls<'a> {
    pub(crate) keys: &'a ApiKeys,
    pub(crate) cursors: &'a Cursors,
    pub(crate) admin: &'a Admin,
}

type Answered = Result<AdminResponse, Refusal>;

impl Calls<'_> {
    pub(crate) async fn carry_out(&self, asked: Asked<'_>, document: impl FnOnce() -> Vec<u8>) -> Answered {
        match asked.route.call {
            Call::CreateKey => self.create(&asked).await,
            Call::ListKeys => self.list(&asked).await,
            Call::GetKey => self.get(&asked).await,
            Call::UpdateKey => self.update(&asked).await,
            Call::DeleteKey => self.delete(&asked).await,
            Call::ListEvents => self.events(&asked).await,
            Call::GetUsage => self.usage(&asked).await,
            Call::GetDocument => {
                asked.query()?;
                Ok(AdminResponse::new(200, "application/json", document()))
            }
        }
    }

    async fn create(&self, asked: &Asked<'_>) -> Answered {
        let body = asked.body?;
        asked.query()?;
        let new = NewKeyBody::parse(body, self.now())?;
        let created = self.manage().create(new.into()).await?;
        let key = Key::from(created.key);
        let location = format!("{}/api/keys/{}", asked.mount, key.id);
        let answer = CreatedKey { key, secret: created.secret.expose() };
        Ok(asked.answer(&answer).with("location", location))
    }

    async fn list(&self, asked: &Asked<'_>) -> Answered {
        let query = asked.query()?;
        let limit = query.limit()?;
        let list = ("keys", &self.admin.org);
        let after = self.place(&list, &query)?.map(KeyId::from_bytes);
        let listing = self.manage().list(limit, after).await?;
        let next = listing.page.next.map(|id| *id.as_bytes());
        Ok(asked.answer(&KeyList::new(listing, self.cursor(&list, next)?)))
    }

    async fn get(&self, asked: &Asked<'_>) -> Answered {
        let (id, manage) = (asked.key()?, self.manage());
        self.unless_missing(id, asked.query()).await?;
        Ok(asked.answer(&Key::from(manage.get(id).await?)))
    }

    async fn update(&self, asked: &Asked<'_>) -> Answered {
        let id = asked.key()?;
        let patch = || {
            let body = asked.body?;
            asked.query()?;
            KeyPatchBody::parse(body, self.now())
        };
        let patch = self.unless_missing(id, patch()).await?;
        Ok(asked.answer(&Key::from(self.manage().update(id, patch.into()).await?)))
    }

    async fn delete(&self, asked: &Asked<'_>) -> Answered {
        let id = asked.key()?;
        self.unless_missing(id, asked.query()).await?;
        self.manage().delete(id).await?;
        Ok(AdminResponse::empty(asked.route.answer.status))
    }

    async fn events(&self, asked: &Asked<'_>) -> Answered {
        let query = asked.query()?;
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
        Ok(asked.answer(&EventList { events, next_cursor }))
    }

    async fn usage(&self, asked: &Asked<'_>) -> Answered {
        let id = asked.key()?;
        let range = asked.query().and_then(|query| Range::of(&query, self.now()));
        let Range { since, until, step } = self.unless_missing(id, range).await?;
        let points = self.manage().usage(id, since, until, step).await?;
        Ok(asked.answer(&Usage::from(points)))
    }

    /// A key that is missing outranks whatever else is wrong with a request for it.
    async fn unless_missing<T>(&self, id: KeyId, prepared: Result<T, Refusal>) -> Result<T, Refusal> {
        if prepared.is_err() {
            self.manage().get(id).await?;
        }
        prepared
    }

    fn place(&self, list: &impl Serialize, query: &Query) -> Result<Option<[u8; 16]>, Refusal> {
        let Some(cursor) = query.cursor() else { return Ok(None) };
        let place = self.cursors.open(list, cursor).ok_or(ErrorCode::InvalidCursor)?;
        Ok(Some(place))
    }

    fn cursor(&self, list: &impl Serialize, place: Option<[u8; 16]>) -> Result<Option<String>, Refusal> {
        Ok(place.map(|place| self.cursors.seal(list, place)).transpose()?)
    }

    fn manage(&self) -> Manage {
        self.keys.manage(self.admin.org.clone(), self.admin.actor.clone())
    }

    fn now(&self) -> Timestamp {
        self.keys.clock().wall()
    }
}

impl Asked<'_> {
    /// What is no id is the id of no key.
    fn key(&self) -> Result<KeyId, Refusal> {
        Ok(self.id.and_then(|id| id.parse().ok()).ok_or(ErrorCode::KeyNotFound)?)
    }

    fn query(&self) -> Result<Query, Refusal> {
        Query::parse(self.query, self.route.parameters)
    }

    fn answer(&self, content: &impl Serialize) -> AdminResponse {
        // Maps have texts as keys, and no number is infinite: this cannot fail.
        let body = serde_json::to_vec(content).unwrap_or_default();
        AdminResponse::new(self.route.answer.status, "application/json", body)
    }
}

/// What usage is asked for.
struct Range {
    since: Timestamp,
    until: Timestamp,
    step: UsageStep,
}

impl Range {
    fn of(query: &Query, now: Timestamp) -> Result<Self, Refusal> {
        let step = query.step()?;
        let (points, most) = match step {
            UsageStep::Day => (30, 1_100),
            _ => (24, 90 * 24),
        };
        // The hour or day that begins right now is part of 'up to now'.
        let until = query.until()?.unwrap_or_else(|| now.saturating_add(std::time::Duration::from_micros(1)));
        let since = query.since()?.unwrap_or_else(|| until.saturating_sub(step.duration() * points));
        if since >= until {
            return Err(query::invalid("since must be before until.".to_owned()));
        }
        if since < until.saturating_sub(step.duration() * most) {
            return Err(query::invalid(format!(
                "since and until may be {most} hours or days apart at most, by step."
            )));
        }
        Ok(Self { since, until, step })
    }
}
