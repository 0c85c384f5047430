use super::{END, Event, MILLISECOND, Process, Purpose, SECOND, World};
use crate::{
    bug::Bug,
    store::{Change, KEYS, ORGS, Object, Outcome, Reply, Request, org_of},
};

/// A call that changes something.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) process: Process,
    change: Change,
    /// The number of times that the commit or a later request was sent.
    attempts: u32,
    /// The monotonic time from which the wait for other instances counts.
    waits_from: u64,
    /// The messages with the commit.
    commits: Vec<usize>,
    /// What the commit answered: its outcome, the revision that other instances must apply, and the version that the call
    /// promises.
    committed: Option<(Outcome, u64, u64)>,
    has_ended: bool,
}

impl World {
    pub(super) fn plan_changes(&mut self) {
        for _ in 0..2 + self.random.below(6) {
            let time = SECOND + self.random.below(END - 3 * SECOND);
            let change = match self.random.below(6) {
                0..=2 => Change::SetActive(self.any_key(), self.random.chance(50)),
                3 => Change::Delete(self.any_key()),
                _ => Change::SetPlan(self.random.index(ORGS), self.random.chance(50)),
            };
            self.plan_call(time, change);
            // Often, somebody else makes the same change at the same time.
            while self.random.chance(50) {
                let delay = self.random.below(500 * MILLISECOND);
                self.plan_call(time + delay, change);
            }
        }
    }

    fn plan_call(&mut self, time: u64, change: Change) {
        let instance = self.random.index(self.instances.len());
        let number = self.calls.len();
        self.calls.push(Call {
            process: self.process(instance),
            change,
            attempts: 0,
            waits_from: 0,
            commits: Vec::new(),
            committed: None,
            has_ended: false,
        });
        self.at(time, Event::Begin(number));
        if self.random.chance(10) {
            let patience = self.random.below(20 * MILLISECOND);
            self.at(time + patience, Event::Drop(number));
        }
    }

    pub(super) fn begin(&mut self, number: usize) {
        self.calls[number].process = self.process(self.calls[number].process.instance);
        self.commit(number);
    }

    fn commit(&mut self, number: usize) {
        let now = self.monotonic(number);
        let Call { process, change, waits_from, attempts, commits, .. } = &mut self.calls[number];
        *attempts += 1;
        *waits_from = now;
        commits.push(self.messages.len());
        let (process, request) = (*process, Request::Commit(*change));
        self.send(process, request, Purpose::Change(number));
    }

    fn monotonic(&self, number: usize) -> u64 {
        self.instances[self.calls[number].process.instance].clock.read(self.now).monotonic
    }

    pub(super) fn change_answered(&mut self, number: usize, message: usize, reply: Option<Reply>) {
        if self.calls[number].has_ended {
            return;
        }
        match reply {
            Some(Reply::Committed { outcome, revision, version }) => {
                self.calls[number].committed = Some((outcome, revision, version));
                let skips = outcome != Outcome::Changed && self.breaks(Bug::NoOwnEvictionWithoutAChange);
                self.evict_own(number, skips);
                let returns_at_once = match outcome {
                    Outcome::Changed => false,
                    Outcome::NothingToDo => self.breaks(Bug::NothingToDoReturnsAtOnce),
                    Outcome::NotFound => self.breaks(Bug::NotFoundReturnsAtOnce),
                };
                if returns_at_once {
                    return self.give_back(number);
                }
                if !self.breaks(Bug::WaitCountedFromBeforeTheCommit) {
                    self.calls[number].waits_from = self.monotonic(number);
                }
                self.ask_who_is_behind(number);
            }
            Some(Reply::Behind(rows)) => self.wait_for(number, &rows),
            Some(Reply::Fenced) => self.ask_who_is_behind(number),
            _ if self.calls[number].attempts >= 3 => self.abandon(number, Bug::NoOwnEvictionAfterAnError),
            _ if self.calls[number].commits.contains(&message) => self.commit(number),
            _ => {
                self.calls[number].attempts += 1;
                self.ask_who_is_behind(number);
            }
        }
    }

    pub(super) fn ask_who_is_behind(&mut self, number: usize) {
        let Call { process, committed, has_ended, .. } = &self.calls[number];
        let (process, Some((_, revision, _))) = (*process, *committed) else { return };
        if *has_ended || !self.is_alive(process) {
            return;
        }
        let own = self.instances[process.instance].row;
        self.send(process, Request::Behind { revision, own }, Purpose::Change(number));
    }

    /// Returns if no other instance is behind. Fences instances whose lease has ended for sure, and waits for the others.
    fn wait_for(&mut self, number: usize, rows: &[(u64, u64)]) {
        if rows.is_empty() {
            return self.give_back(number);
        }
        let Call { process, waits_from, committed, .. } = &self.calls[number];
        let (process, waited) = (*process, self.monotonic(number) - waits_from);
        let Some((_, revision, _)) = *committed else { return };
        let percent = if self.breaks(Bug::WaitWithoutMargin) { 100 } else { 101 };
        let enough = |lease: u64| lease * percent / 100;
        let ended = rows.iter().filter(|(_, lease)| waited > enough(*lease));
        let ended: Vec<u64> = ended.map(|(row, _)| *row).collect();
        if ended.is_empty() {
            let next = rows.iter().map(|(_, lease)| enough(*lease) - waited + 1).min().unwrap();
            let delay = MILLISECOND + self.random.below(100 * MILLISECOND);
            self.after(delay.min(next), Event::AskAgain(number));
        } else {
            self.report.fenced += ended.len() as u64;
            self.send(process, Request::Fence { rows: ended, revision }, Purpose::Change(number));
        }
    }

    /// The call returns its outcome, so the change must apply everywhere.
    fn give_back(&mut self, number: usize) {
        let Some((outcome, _, version)) = self.calls[number].committed else { return };
        let object = self.calls[number].change.object();
        self.promised.raise(object, version);
        self.report.returned[outcome as usize] += 1;
        self.calls[number].has_ended = true;
        self.verify_soon(object);
    }

    /// The call ends with an error, or its caller no longer waits for it.
    /// The instance breaks the rule `bug` if it then keeps its own entries.
    pub(super) fn abandon(&mut self, number: usize, bug: Bug) {
        if self.calls[number].has_ended || !self.is_alive(self.calls[number].process) {
            return;
        }
        self.evict_own(number, self.breaks(bug));
        self.calls[number].has_ended = true;
    }

    /// The instance of a call evicts what the call may have changed. From now on, at least this instance must not use an older
    /// state than the call has put into the store.
    fn evict_own(&mut self, number: usize, skips: bool) {
        let Call { process, change, commits, .. } = &self.calls[number];
        let (instance, object) = (process.instance, change.object());
        for message in commits {
            if let Some(Reply::Committed { version, .. }) = self.messages[*message].reply {
                self.own[instance].raise(object, version);
            }
        }
        let is_plan = matches!(object, Object::Org(_));
        if !(skips || (is_plan && self.breaks(Bug::PlanChangeEvictsNothing))) {
            self.instances[instance].evict(object);
        }
    }

    /// Plans verifications on every instance, because an old state is seen soon or never.
    fn verify_soon(&mut self, object: Object) {
        for instance in 0..self.instances.len() {
            for key in
                (0..KEYS).filter(|key| object == Object::Key(*key) || object == Object::Org(org_of(*key)))
            {
                for longest in [MILLISECOND, 50 * MILLISECOND, SECOND] {
                    let delay = self.random.below(longest);
                    self.after(delay, Event::Verify(instance, key));
                }
            }
        }
    }
}
