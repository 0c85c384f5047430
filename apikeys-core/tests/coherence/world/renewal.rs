use super::{Event, MILLISECOND, Process, Purpose, World};
use crate::{
    bug::Bug,
    clock::Reading,
    instance::LEASE,
    store::{Object, Reply, Request},
};

/// What an instance waits for. `asked` is the time at which the renewal asked the store.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    Register { asked: Reading, row: u64 },
    Poll { asked: Reading, row: u64 },
    Acknowledge { asked: Reading, revision: u64 },
}

impl World {
    /// Renews the lease of an instance, or registers the instance.
    pub(super) fn renew(&mut self, process: Process) {
        let instance = &self.instances[process.instance];
        if !self.is_alive(process) || instance.renewing {
            return;
        }
        let asked = instance.clock.read(self.now);
        let (request, step) = match instance.row {
            Some(row) => (Request::Poll { row, applied: instance.applied }, Step::Poll { asked, row }),
            None => {
                self.rows += 1;
                let row = self.rows;
                (Request::Register { row, lease: LEASE }, Step::Register { asked, row })
            }
        };
        self.instances[process.instance].renewing = true;
        self.send(process, request, Purpose::Renewal(step));
    }

    pub(super) fn renewed(&mut self, process: Process, step: Step, reply: Option<Reply>) {
        let now = self.instances[process.instance].clock.read(self.now);
        let from = |asked| if self.bug == Some(Bug::LeaseCountedFromTheAnswer) { now } else { asked };
        self.instances[process.instance].renewing = false;
        match (step, reply) {
            (Step::Register { asked, row }, Some(Reply::Registered { revision })) => {
                let asked = from(asked);
                let instance = &mut self.instances[process.instance];
                instance.reset();
                instance.row = Some(row);
                instance.applied = revision;
                instance.extend_lease(asked);
                self.renew_later(process);
            }
            (Step::Poll { asked, row }, Some(Reply::Polled { registered, revision, changes })) => {
                let asked = from(asked);
                self.polled(process, asked, row, registered, revision, changes);
            }
            (Step::Acknowledge { asked, revision }, Some(Reply::Acknowledged { registered })) => {
                let asked = from(asked);
                if !registered && !self.breaks(Bug::FencedInstanceGoesOn) {
                    return self.register_again(process);
                }
                let instance = &mut self.instances[process.instance];
                instance.applied = revision;
                instance.extend_lease(asked);
                self.renew_later(process);
            }
            _ => self.after(20 * MILLISECOND, Event::Renew(process)),
        }
    }

    fn polled(
        &mut self,
        process: Process,
        asked: Reading,
        row: u64,
        registered: bool,
        revision: u64,
        changes: Option<Vec<Object>>,
    ) {
        if !registered && !self.breaks(Bug::FencedInstanceGoesOn) {
            return self.register_again(process);
        }
        let changes = match changes {
            Some(changes) => changes,
            None if self.breaks(Bug::GapInTheLogIgnored) => Vec::new(),
            None => return self.register_again(process),
        };
        let plans_count = !self.breaks(Bug::PlanChangeEvictsNothing);
        let extends_early = self.breaks(Bug::LeaseExtendedBeforeAcknowledgement);
        let instance = &mut self.instances[process.instance];
        if instance.applied == revision {
            instance.extend_lease(asked);
            return self.renew_later(process);
        }
        for object in changes {
            if plans_count || matches!(object, Object::Key(_)) {
                instance.evict(object);
            }
        }
        if extends_early {
            instance.extend_lease(asked);
        }
        instance.renewing = true;
        let request = Request::Acknowledge { row, applied: revision };
        self.send(process, request, Purpose::Renewal(Step::Acknowledge { asked, revision }));
    }

    fn register_again(&mut self, process: Process) {
        self.report.resets += 1;
        self.instances[process.instance].reset();
        self.after(0, Event::Renew(process));
    }

    fn renew_later(&mut self, process: Process) {
        let delay = LEASE / 8 + self.random.below(LEASE / 8);
        self.after(delay, Event::Renew(process));
    }
}
