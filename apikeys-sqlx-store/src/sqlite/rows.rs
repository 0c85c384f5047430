//! Turns rows of the database into values of the core.

use std::time::Duration;

use apikeys_core::{
    Actor, DenialCode, KeyId, KeyName, OrgId, PlanName, RateLimit, RequestMeta, Timestamp,
    audit::{Action, AuditEntry, AuditEvent, Detail, KeyRef, Outcome, RequestId, RequestRecord},
    id::EventId,
    store::{KeyRow, KeyView, SecretRow, SentWarning, Settings},
    token::{Locator, Scheme},
};
use sqlx::{Decode, Row, Sqlite, Type, sqlite::SqliteRow};

use crate::error::Failure;

/// Reads the columns of a row from left to right. An invalid value is an error. Such values exist if the file
/// was edited by hand or written by a newer version.
pub(super) struct Columns<'r> {
    row: &'r SqliteRow,
    next: usize,
}

impl<'r> Columns<'r> {
    pub(super) const fn of(row: &'r SqliteRow) -> Self {
        Self { row, next: 0 }
    }

    pub(super) fn key_row(&mut self) -> Result<KeyRow, Failure> {
        let (id, org) = (self.key_id()?, self.org()?);
        let (name, display_prefix) = (self.name()?, self.take()?);
        let active: bool = self.take()?;
        let (created_at, created_by) = (self.time()?, self.actor()?);
        let mut row = KeyRow::new(id, org, name, display_prefix, created_at, created_by);
        row.active = active;
        row.expires_at = self.optional_time()?;
        row.expiry_set_at = self.optional_time()?;
        row.rate_limit = self.parsed("rate limit", |limit: i64| RateLimit::try_from(limit).ok())?;
        row.version = self.count("version")?;
        row.settings = Settings::from_json(self.take::<String>()?);
        Ok(row)
    }

    pub(super) fn key_view(&mut self) -> Result<KeyView, Failure> {
        let (row, plan) = (self.key_row()?, self.plan()?);
        Ok(KeyView::new(row, plan, self.count("request count")?, self.optional_time()?))
    }

    pub(super) fn sent_warning(&mut self) -> Result<Option<SentWarning>, Failure> {
        let expires_at = self.optional_time()?;
        let period = self.parsed("period of the warning", |micros: i64| u64::try_from(micros).ok())?;
        Ok(expires_at.zip(period).map(|(at, period)| SentWarning::new(at, Duration::from_micros(period))))
    }

    pub(super) fn secret_row(&mut self) -> Result<SecretRow, Failure> {
        let locator = Locator::new(self.scheme()?, self.take::<Vec<u8>>()?);
        let mut row = SecretRow::new(locator, self.key_id()?, self.time()?);
        row.ends_at = self.optional_time()?;
        Ok(row)
    }

    /// Reads an event of `org`. The row contains only the number of the organization.
    pub(super) fn audit_entry(&mut self, org: &OrgId) -> Result<AuditEntry, Failure> {
        let (id, at) = (EventId::from_bytes(self.id("event id")?), self.time()?);
        let key = self.optional_key()?;
        let action = Action::from_stored(self.take()?);
        let mut event = AuditEvent::new(id, at, org.clone(), action);
        event.key = key;
        event.actor =
            self.parsed("actor", |bytes: &[u8]| text_of(bytes).and_then(|text| Actor::new(text).ok()))?;
        event.detail = self.detail()?;
        let (name, prefix): (Option<String>, Option<String>) = (self.take()?, self.take()?);
        let key = match (key, name, prefix) {
            (Some(id), Some(name), Some(prefix)) => Some(KeyRef::new(id, key_name(&name)?, prefix)),
            _ => None,
        };
        Ok(AuditEntry::new(event, key))
    }

    fn detail(&mut self) -> Result<Detail, Failure> {
        let request = self.request()?;
        let changes = self.parsed("changes", |json: &str| serde_json::from_str(json).ok())?;
        let lost = self.parsed("number of lost events", |lost: i64| u32::try_from(lost).ok())?;
        match (request, changes, lost) {
            (None, None, None) => Ok(Detail::None),
            (Some(record), None, None) => Ok(Detail::Request(record)),
            (None, Some(changes), None) => Ok(Detail::Changes(changes)),
            (None, None, Some(lost)) => Ok(Detail::Gap { lost }),
            _ => Err(Failure::Unreadable("event")),
        }
    }

    fn request(&mut self) -> Result<Option<RequestRecord>, Failure> {
        let (method, path): (Option<&str>, Option<&str>) = (self.take()?, self.take()?);
        let outcome = self.take::<Option<&str>>()?.map(Outcome::from_stored);
        let status = self.parsed("status", |status: i64| u16::try_from(status).ok())?;
        let latency = self.parsed("latency", |micros: i64| u64::try_from(micros).ok())?;
        let ip = self.parsed("client address", |text: &str| text.parse().ok())?;
        let agent: Option<&str> = self.take()?;
        let request_id = self.parsed("request id", |text: &str| text.parse::<RequestId>().ok())?;
        let trace_id = self.parsed("trace id", |text: &str| text.parse().ok())?;
        let denial = self.take::<Option<&str>>()?.map(DenialCode::from_stored);
        let count = self.parsed("count", |count: i64| u32::try_from(count).ok())?;
        let Some(outcome) = outcome else { return Ok(None) };
        let (Some(method), Some(path), Some(latency)) = (method, path, latency) else {
            return Err(Failure::Unreadable("request"));
        };
        let mut meta = RequestMeta::new(method, path)
            .with_client_ip(ip)
            .with_request_id(request_id)
            .with_trace_id(trace_id);
        if let Some(agent) = agent {
            meta = meta.with_user_agent(agent.as_bytes());
        }
        let mut record = RequestRecord::new(meta, outcome, Duration::from_micros(latency));
        record.status = status;
        record.denial = denial;
        record.count = count;
        Ok(Some(record))
    }

    pub(super) fn optional_plan(&mut self) -> Result<Option<PlanName>, Failure> {
        self.parsed("plan", |text: &str| PlanName::new(text).ok())
    }

    /// Reads any number.
    pub(super) fn number(&mut self) -> Result<i64, Failure> {
        self.take()
    }

    pub(super) fn plan(&mut self) -> Result<PlanName, Failure> {
        self.text("plan", |text| PlanName::new(text).ok())
    }

    pub(super) fn scheme(&mut self) -> Result<Scheme, Failure> {
        Ok(Scheme::from(self.take::<&str>()?))
    }

    pub(super) fn time(&mut self) -> Result<Timestamp, Failure> {
        Ok(Timestamp::from_micros(self.take()?))
    }

    fn optional_time(&mut self) -> Result<Option<Timestamp>, Failure> {
        Ok(self.take::<Option<i64>>()?.map(Timestamp::from_micros))
    }

    /// Reads a number that cannot be negative.
    pub(super) fn count<T: TryFrom<i64>>(&mut self, what: &'static str) -> Result<T, Failure> {
        T::try_from(self.take()?).map_err(|_| Failure::Unreadable(what))
    }

    pub(super) fn key_id(&mut self) -> Result<KeyId, Failure> {
        Ok(KeyId::from_bytes(self.id("key id")?))
    }

    pub(super) fn optional_key(&mut self) -> Result<Option<KeyId>, Failure> {
        self.parsed("key id", |bytes: &[u8]| bytes.try_into().ok().map(KeyId::from_bytes))
    }

    fn id(&mut self, what: &'static str) -> Result<[u8; 16], Failure> {
        self.take::<&[u8]>()?.try_into().map_err(|_| Failure::Unreadable(what))
    }

    fn org(&mut self) -> Result<OrgId, Failure> {
        let text = text_of(self.take()?).and_then(|text| OrgId::new(text).ok());
        text.ok_or(Failure::Unreadable("organization"))
    }

    fn actor(&mut self) -> Result<Actor, Failure> {
        let text = text_of(self.take()?).and_then(|text| Actor::new(text).ok());
        text.ok_or(Failure::Unreadable("actor"))
    }

    fn name(&mut self) -> Result<KeyName, Failure> {
        key_name(self.take()?)
    }

    fn text<T>(
        &mut self,
        what: &'static str,
        parse: impl FnOnce(&'r str) -> Option<T>,
    ) -> Result<T, Failure> {
        parse(self.take()?).ok_or(Failure::Unreadable(what))
    }

    /// Reads an optional value. NULL is `None`, and an invalid value is an error.
    fn parsed<V, T>(
        &mut self,
        what: &'static str,
        parse: impl FnOnce(V) -> Option<T>,
    ) -> Result<Option<T>, Failure>
    where
        V: Decode<'r, Sqlite> + Type<Sqlite>,
    {
        let Some(value) = self.take::<Option<V>>()? else { return Ok(None) };
        parse(value).map(Some).ok_or(Failure::Unreadable(what))
    }

    fn take<T: Decode<'r, Sqlite> + Type<Sqlite>>(&mut self) -> Result<T, Failure> {
        let value = self.row.try_get(self.next)?;
        self.next += 1;
        Ok(value)
    }
}

fn key_name(text: &str) -> Result<KeyName, Failure> {
    KeyName::new(text).map_err(|_| Failure::Unreadable("name"))
}

fn text_of(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}
