use super::state::{Organization, State};
use crate::{id::KeyId, store::PurgeProgress};

impl State {
    /// Removes up to `max_rows` pieces of data of forgotten organizations.
    pub(super) fn purge(&mut self, max_rows: u32) -> PurgeProgress {
        let budget = u64::from(max_rows.max(1));
        let mut rows = 0;
        while let Some(mut org) = self.forgotten.pop_front() {
            while rows < budget && self.remove_one(&mut org) {
                rows += 1;
            }
            if rows >= budget {
                self.forgotten.push_front(org);
                break;
            }
        }
        PurgeProgress::new(rows, !self.forgotten.is_empty())
    }

    /// Removes one hour of usage, one key, the remains of one deleted key, or one event. Returns
    /// false if nothing is left.
    fn remove_one(&mut self, org: &mut Organization) -> bool {
        if let Some(key) = org.keys.first().copied() {
            if !self.remove_hour(key) {
                org.keys.pop_first();
                self.set_next_check(key, None);
                if let Some(stored) = self.keys.remove(&key) {
                    self.drop_secrets(key, stored.locators);
                }
            }
            return true;
        }
        if let Some(key) = org.deleted.pop_first() {
            self.deleted.remove(&key);
            return true;
        }
        org.log.pop_first().is_some()
    }

    fn remove_hour(&mut self, key: KeyId) -> bool {
        self.keys.get_mut(&key).is_some_and(|stored| stored.usage.pop_first().is_some())
    }
}
