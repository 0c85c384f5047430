//! Turns rows of the database into values of the core.

use std::time::Duration;

use crate::{cells::Cells, error::Failure};
use apikeys_core::{
    Actor, DenialCode, KeyId, KeyName, OrgId, PlanName, RateLimit, RequestMeta, Timestamp,
    audit::{Action, AuditEntry, AuditEvent, Detail, KeyRef, Outcome, RequestId, RequestRecord},
    id::{EventId, InstanceId},
    store::{KeyRow, KeyView, SecretRow, SentWarning, Settings},
    token::{Locator, Scheme},
};

/// Reads the columns of a row from left to right. An invalid value is an error. Such values exist if the file
/// was edited by hand or written by a newer version.
pub(crate) struct Columns<'r> {
    row: &'r dyn Cells,
    next: usize,
}

impl<'r> Columns<'r> {
    pub(crate) fn of(row: &'r impl Cells) -> Self {
        Self { row, next: 0 }
    }

    pub(crate) fn key_row(&mut self) -> Result<KeyRow, Failure> {
        let (id, org) = (self.key_id()?, self.org()?);
        let (name, display_prefix) = (self.name()?, self.take::<&str>()?.to_owned());
        let active: bool = self.take()?;
        let (created_at, created_by) = (self.time()?, self.actor()?);
        let mut row = KeyRow::new(id, org, name, display_prefix, created_at, created_by);
        row.active = active;
        row.expires_at = self.optional_time()?;
        row.expiry_set_at = self.optional_time()?;
        row.rate_limit = self.parsed("rate limit", |limit: i64| RateLimit::try_from(limit).ok())?;
        row.version = self.count("version")?;
        row.settings = Settings::from_json(self.take::<&str>()?.to_owned());
        Ok(row)
    }

    pub(crate) fn key_view(&mut self) -> Result<KeyView, Failure> {
        let (row, plan) = (self.key_row()?, self.plan()?);
        Ok(KeyView::new(row, plan, self.count("request count")?, self.optional_time()?))
    }

    pub(crate) fn sent_warning(&mut self) -> Result<Option<SentWarning>, Failure> {
        let expires_at = self.optional_time()?;
        let period = self.parsed("period of the warning", |micros: i64| u64::try_from(micros).ok())?;
        Ok(expires_at.zip(period).map(|(at, period)| SentWarning::new(at, Duration::from_micros(period))))
    }

    pub(crate) fn secret_row(&mut self) -> Result<SecretRow, Failure> {
        let locator = Locator::new(self.scheme()?, self.take::<&[u8]>()?.to_vec());
        let mut row = SecretRow::new(locator, self.key_id()?, self.time()?);
        row.ends_at = self.optional_time()?;
        Ok(row)
    }

    /// Reads an event of `org`. The row contains only the number of the organization.
    pub(crate) fn audit_entry(&mut self, org: &OrgId) -> Result<AuditEntry, Failure> {
        let (id, at) = (EventId::from_bytes(self.id("event id")?), self.time()?);
        let key = self.optional_key()?;
        let action = Action::from_stored(self.take()?);
        let mut event = AuditEvent::new(id, at, org.clone(), action);
        event.key = key;
        event.actor =
            self.parsed("actor", |bytes: &[u8]| text_of(bytes).and_then(|text| Actor::new(text).ok()))?;
        event.detail = self.detail()?;
        let (name, prefix): (Option<&str>, Option<&str>) = (self.optional()?, self.optional()?);
        let key = match (key, name, prefix) {
            (Some(id), Some(name), Some(prefix)) => Some(KeyRef::new(id, key_name(name)?, prefix.to_owned())),
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
        let (method, path): (Option<&str>, Option<&str>) = (self.optional()?, self.optional()?);
        let outcome = self.optional::<&str>()?.map(Outcome::from_stored);
        let status = self.parsed("status", |status: i64| u16::try_from(status).ok())?;
        let latency = self.parsed("latency", |micros: i64| u64::try_from(micros).ok())?;
        let ip = self.parsed("client address", |text: &str| text.parse().ok())?;
        let agent: Option<&str> = self.optional()?;
        let request_id = self.parsed("request id", |text: &str| text.parse::<RequestId>().ok())?;
        let trace_id = self.parsed("trace id", |text: &str| text.parse().ok())?;
        let denial = self.optional::<&str>()?.map(DenialCode::from_stored);
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

    pub(crate) fn optional_plan(&mut self) -> Result<Option<PlanName>, Failure> {
        self.parsed("plan", |text: &str| PlanName::new(text).ok())
    }

    pub(crate) fn boolean(&mut self) -> Result<bool, Failure> {
        self.take()
    }

    #[cfg(feature = "sqlite-unlinked")]
    /// Reads any text.
    pub(crate) fn any_text(&mut self) -> Result<&'r str, Failure> {
        self.take()
    }

    pub(crate) fn bytes(&mut self) -> Result<&'r [u8], Failure> {
        self.take()
    }

    pub(crate) fn optional_number(&mut self) -> Result<Option<i64>, Failure> {
        self.optional()
    }

    /// Reads any number.
    pub(crate) fn number(&mut self) -> Result<i64, Failure> {
        self.take()
    }

    pub(crate) fn plan(&mut self) -> Result<PlanName, Failure> {
        self.text("plan", |text| PlanName::new(text).ok())
    }

    pub(crate) fn scheme(&mut self) -> Result<Scheme, Failure> {
        Ok(Scheme::from(self.take::<&str>()?))
    }

    pub(crate) fn time(&mut self) -> Result<Timestamp, Failure> {
        Ok(Timestamp::from_micros(self.take()?))
    }

    pub(crate) fn optional_time(&mut self) -> Result<Option<Timestamp>, Failure> {
        Ok(self.optional::<i64>()?.map(Timestamp::from_micros))
    }

    /// Reads a number that cannot be negative.
    pub(crate) fn count<T: TryFrom<i64>>(&mut self, what: &'static str) -> Result<T, Failure> {
        T::try_from(self.take()?).map_err(|_| Failure::Unreadable(what))
    }

    pub(crate) fn key_id(&mut self) -> Result<KeyId, Failure> {
        Ok(KeyId::from_bytes(self.id("key id")?))
    }

    pub(crate) fn optional_key(&mut self) -> Result<Option<KeyId>, Failure> {
        self.parsed("key id", |bytes: &[u8]| bytes.try_into().ok().map(KeyId::from_bytes))
    }

    pub(crate) fn instance_id(&mut self) -> Result<InstanceId, Failure> {
        Ok(InstanceId::from_bytes(self.id("instance id")?))
    }

    fn id(&mut self, what: &'static str) -> Result<[u8; 16], Failure> {
        self.take::<&[u8]>()?.try_into().map_err(|_| Failure::Unreadable(what))
    }

    fn org(&mut self) -> Result<OrgId, Failure> {
        let text = text_of(self.take()?).and_then(|text| OrgId::new(text).ok());
        text.ok_or(Failure::Unreadable("organization"))
    }

    pub(crate) fn optional_org(&mut self) -> Result<Option<OrgId>, Failure> {
        self.parsed("organization", |bytes: &[u8]| text_of(bytes).and_then(|text| OrgId::new(text).ok()))
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
    fn parsed<V: Cell<'r>, T>(
        &mut self,
        what: &'static str,
        parse: impl FnOnce(V) -> Option<T>,
    ) -> Result<Option<T>, Failure> {
        let Some(value) = self.optional()? else { return Ok(None) };
        parse(value).map(Some).ok_or(Failure::Unreadable(what))
    }

    fn take<T: Cell<'r>>(&mut self) -> Result<T, Failure> {
        self.optional()?.ok_or(Failure::Unreadable("NULL in a column without NULL"))
    }

    fn optional<T: Cell<'r>>(&mut self) -> Result<Option<T>, Failure> {
        let value = T::read(self.row, self.next)?;
        self.next += 1;
        Ok(value)
    }
}

/// A type that a column can have.
trait Cell<'r>: Sized {
    fn read(row: &'r dyn Cells, column: usize) -> Result<Option<Self>, Failure>;
}

macro_rules! cell {
    ($($type:ty => $method:ident;)*) => {$(
        impl<'r> Cell<'r> for $type {
            fn read(row: &'r dyn Cells, column: usize) -> Result<Option<Self>, Failure> {
                row.$method(column)
            }
        }
    )*};
}

cell! {
    i64 => integer;
    bool => boolean;
    &'r str => text;
    &'r [u8] => bytes;
}

fn key_name(text: &str) -> Result<KeyName, Failure> {
    KeyName::new(text).map_err(|_| Failure::Unreadable("name"))
}

fn text_of(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}
