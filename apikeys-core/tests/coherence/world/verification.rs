use super::{Event, MILLISECOND, Process, Purpose, World};
use crate::{
    bug::Bug,
    store::{Entry, KEYS, Reply, Request},
};

#[derive(Debug)]
pub(super) struct Verification {
    pub(super) process: Process,
    key: usize,
    /// The versions that had been promised when the verification began. It must use these or newer ones.
    promised: Entry,
    /// Whether the instance held its lease when the verification checked it.
    holds_lease: bool,
    /// The entry that was looked up before the lease was checked, for [`Bug::CacheBeforeLease`].
    early: Option<Entry>,
    /// The number of evictions when the verification began to read from the store.
    generation: u64,
}

impl World {
    pub(super) fn any_key(&mut self) -> usize {
        self.random.index(KEYS)
    }

    /// Begins a verification: checks the lease.
    pub(super) fn verify(&mut self, instance: usize, key: usize) {
        let with_wall_clock = !self.breaks(Bug::LeaseWithoutTheWallClock);
        let number = self.verifications.len();
        self.verifications.push(Verification {
            process: self.process(instance),
            key,
            promised: self.promised.entry(key).or_newer(self.own[instance].entry(key)),
            holds_lease: self.instances[instance].holds_lease(self.now, with_wall_clock),
            early: self.instances[instance].cache[key].filter(|_| self.breaks(Bug::CacheBeforeLease)),
            generation: 0,
        });
        // Other threads of the process run in between.
        let longest = if self.random.chance(10) { 50 * MILLISECOND } else { 300 };
        let delay = self.random.below(longest);
        self.after(delay, Event::LookUp(number));
    }

    pub(super) fn look_up(&mut self, number: usize) {
        let Verification { process, key, mut holds_lease, early, .. } = self.verifications[number];
        if !self.is_alive(process) {
            return;
        }
        let instance = &self.instances[process.instance];
        let mut entry = instance.cache[key];
        if self.breaks(Bug::CacheBeforeLease) {
            holds_lease = instance.holds_lease(self.now, true);
            entry = early;
        }
        match entry {
            Some(entry) if holds_lease => {
                self.report.hits += 1;
                self.judge(number, entry);
            }
            _ => self.read(number, process, key),
        }
    }

    fn read(&mut self, number: usize, process: Process, key: usize) {
        let joins = self.breaks(Bug::MissJoinsAnEarlierRead);
        let instance = &mut self.instances[process.instance];
        self.verifications[number].generation = instance.generation;
        instance.waiting[key].push(number);
        if joins && instance.waiting[key].len() > 1 {
            return;
        }
        self.send(process, Request::Read { key }, Purpose::Fill(number));
    }

    pub(super) fn filled(&mut self, number: usize, reply: Option<&Reply>) {
        let Verification { process, key, generation, .. } = self.verifications[number];
        let (joins, fills_late) =
            (self.breaks(Bug::MissJoinsAnEarlierRead), self.breaks(Bug::FillDuringAnEviction));
        let instance = &mut self.instances[process.instance];
        let mut using = vec![number];
        if joins {
            using = std::mem::take(&mut instance.waiting[key]);
        } else {
            instance.waiting[key].retain(|other| *other != number);
        }
        // Without an answer, the verifications end with an error.
        let Some(&Reply::Read(entry)) = reply else { return };
        if instance.row.is_some() && (instance.generation == generation || fills_late) {
            instance.cache[key] = Some(entry);
        }
        self.report.reads += 1;
        for number in using {
            self.judge(number, entry);
        }
    }

    fn judge(&mut self, number: usize, used: Entry) {
        if !used.is_at_least(self.verifications[number].promised) {
            self.report.stale += 1;
        }
    }
}
