//! The simulation: instances, a store, and a network that delays and loses messages.

mod change;
mod renewal;
mod verification;

use std::{cmp::Reverse, collections::BinaryHeap};

use self::{change::Call, verification::Verification};
use crate::{
    bug::Bug,
    instance::{Instance, LEASE},
    random::Random,
    store::{Reply, Request, Store, Versions},
};

const MILLISECOND: u64 = 1_000;
const SECOND: u64 = 1_000_000;
/// The time that a schedule simulates.
const END: u64 = 14 * SECOND;
/// An instance waits this long for an answer of the store.
const TIMEOUT: u64 = 1_500 * MILLISECOND;

/// What happened in a schedule.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Report {
    /// Verifications that a cached entry decided.
    pub(crate) hits: u64,
    /// Verifications that read from the store.
    pub(crate) reads: u64,
    /// Calls of each outcome that returned: changed, nothing to do, not found.
    pub(crate) returned: [u64; 3],
    /// Instances that calls stopped waiting for.
    pub(crate) fenced: u64,
    /// Instances that found out that they must register again.
    pub(crate) resets: u64,
    /// Verifications that began after a call had returned, and used an older state.
    pub(crate) stale: u64,
}

impl Report {
    pub(crate) fn add(&mut self, other: &Self) {
        self.hits += other.hits;
        self.reads += other.reads;
        for (all, some) in self.returned.iter_mut().zip(other.returned) {
            *all += some;
        }
        self.fenced += other.fenced;
        self.resets += other.resets;
        self.stale += other.stale;
    }
}

/// Runs the schedule of a seed.
pub(crate) fn run(seed: u64, bug: Option<Bug>) -> Report {
    let mut world = World::new(seed, bug);
    world.plan();
    while let Some(Reverse((at, _, event))) = world.queue.pop() {
        if at > END {
            break;
        }
        world.now = at;
        world.happen(event);
    }
    world.report
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// A request reaches the store.
    Execute(usize),
    /// The answer reaches the instance.
    Answer(usize),
    /// The instance no longer waits for the answer.
    GiveUp(usize),
    Renew(Process),
    Verify(usize, usize),
    LookUp(usize),
    /// A caller begins the change with this number.
    Begin(usize),
    /// The caller no longer waits for the change.
    Drop(usize),
    /// A call asks again which instances are behind.
    AskAgain(usize),
    Pause(usize),
    Suspend(usize),
    Crash(usize),
    SetWallClock(usize),
    TrimLog,
}

/// A process of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Process {
    instance: usize,
    start: u32,
}

/// A request that an instance has sent.
#[derive(Debug)]
struct Message {
    from: Process,
    request: Request,
    reply: Option<Reply>,
    /// Whether the instance still waits for the answer.
    open: bool,
    purpose: Purpose,
}

#[derive(Debug, Clone, Copy)]
enum Purpose {
    Renewal(renewal::Step),
    Fill(usize),
    Change(usize),
}

struct World {
    bug: Option<Bug>,
    random: Random,
    now: u64,
    queue: BinaryHeap<Reverse<(u64, u64, Event)>>,
    events: u64,
    store: Store,
    instances: Vec<Instance>,
    messages: Vec<Message>,
    verifications: Vec<Verification>,
    calls: Vec<Call>,
    rows: u64,
    /// The versions that calls have promised when they returned.
    promised: Versions,
    /// The versions that calls of each instance had put into the store when the instance evicted what they changed.
    own: Vec<Versions>,
    /// The percentage of messages that are lost, and of those that take long.
    loss: u64,
    slowness: u64,
    /// The longest delay of the other messages.
    longest_delay: u64,
    report: Report,
}

impl World {
    fn new(seed: u64, bug: Option<Bug>) -> Self {
        let mut random = Random::new(seed);
        let count = 2 + random.index(3);
        let instances = (0..count).map(|_| Instance::new(&mut random)).collect();
        let loss = [0, 3, 15][random.index(3)];
        let slowness = [0, 5, 25][random.index(3)];
        let longest_delay = [300, 4 * MILLISECOND][random.index(2)];
        Self {
            bug,
            random,
            now: 0,
            queue: BinaryHeap::new(),
            events: 0,
            store: Store::default(),
            instances,
            messages: Vec::new(),
            verifications: Vec::new(),
            calls: Vec::new(),
            rows: 0,
            promised: Versions::default(),
            own: vec![Versions::default(); count],
            loss,
            slowness,
            longest_delay,
            report: Report::default(),
        }
    }

    /// Plans what comes from outside: requests, changes and faults.
    fn plan(&mut self) {
        for instance in 0..self.instances.len() {
            let begin = self.random.below(SECOND);
            self.at(begin, Event::Renew(Process { instance, start: 0 }));
            let mut time = begin;
            while time < END {
                time += self.random.below(400 * MILLISECOND);
                let key = self.any_key();
                self.at(time, Event::Verify(instance, key));
            }
        }
        self.plan_changes();
        for _ in 0..self.random.below(5) {
            let (time, instance) = (self.random.below(END), self.random.index(self.instances.len()));
            let event = match self.random.below(6) {
                0 | 1 => Event::Pause(instance),
                2 if self.instances[instance].clock.suspends => Event::Suspend(instance),
                2 | 3 => Event::SetWallClock(instance),
                4 => Event::TrimLog,
                _ => Event::Crash(instance),
            };
            self.at(time, event);
        }
    }

    fn at(&mut self, time: u64, event: Event) {
        self.events += 1;
        self.queue.push(Reverse((time, self.events, event)));
    }

    fn after(&mut self, delay: u64, event: Event) {
        self.at(self.now + delay, event);
    }

    fn breaks(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    fn process(&self, instance: usize) -> Process {
        Process { instance, start: self.instances[instance].start }
    }

    fn is_alive(&self, process: Process) -> bool {
        self.instances[process.instance].start == process.start
    }

    /// Returns the instance in which an event happens. Other events happen in the store or to the machine.
    fn place(&self, event: Event) -> Option<usize> {
        match event {
            Event::Answer(message) | Event::GiveUp(message) => Some(self.messages[message].from.instance),
            Event::Renew(process) => Some(process.instance),
            Event::Verify(instance, _) => Some(instance),
            Event::LookUp(verification) => Some(self.verifications[verification].process.instance),
            Event::Begin(call) | Event::Drop(call) | Event::AskAgain(call) => {
                Some(self.calls[call].process.instance)
            }
            Event::Execute(_)
            | Event::Pause(_)
            | Event::Suspend(_)
            | Event::Crash(_)
            | Event::SetWallClock(_)
            | Event::TrimLog => None,
        }
    }

    fn happen(&mut self, event: Event) {
        if let Some(instance) = self.place(event) {
            let until = self.instances[instance].stopped_until;
            if until > self.now {
                // Threads go on in any order.
                let delay = self.random.below(2 * MILLISECOND);
                self.at(until + delay, event);
                return;
            }
        }
        match event {
            Event::Execute(message) => self.execute(message),
            Event::Answer(message) => self.answer(message),
            Event::GiveUp(message) => self.settle(message, None),
            Event::Renew(process) => self.renew(process),
            Event::Verify(instance, key) => self.verify(instance, key),
            Event::LookUp(verification) => self.look_up(verification),
            Event::Begin(call) => self.begin(call),
            Event::Drop(call) => self.abandon(call, Bug::NoOwnEvictionWhenDropped),
            Event::AskAgain(call) => self.ask_who_is_behind(call),
            Event::Pause(instance) => {
                self.stop(instance);
            }
            Event::Suspend(instance) => {
                let time = self.stop(instance);
                self.instances[instance].clock.freeze(time);
            }
            Event::Crash(instance) => {
                self.instances[instance].restart();
                let process = self.process(instance);
                self.after(50 * MILLISECOND, Event::Renew(process));
            }
            Event::SetWallClock(instance) => {
                let by = i64::try_from(self.random.below(2 * 10 * SECOND)).unwrap() - 10_000_000;
                let clock = &mut self.instances[instance].clock;
                if !clock.suspends {
                    clock.set_wall(by);
                }
            }
            Event::TrimLog => self.store.trim(),
        }
    }

    /// Stops a process for a while, unless it is stopped. Returns for how long.
    fn stop(&mut self, instance: usize) -> u64 {
        if self.instances[instance].stopped_until > self.now {
            return 0;
        }
        let time = self.random.below(3 * LEASE);
        self.instances[instance].stopped_until = self.now + time;
        time
    }

    fn send(&mut self, from: Process, request: Request, purpose: Purpose) {
        let message = self.messages.len();
        self.messages.push(Message { from, request, reply: None, open: true, purpose });
        self.after(TIMEOUT, Event::GiveUp(message));
        if !self.random.chance(self.loss) {
            let delay = self.delay();
            self.after(delay, Event::Execute(message));
        }
    }

    fn delay(&mut self) -> u64 {
        let longest = if self.random.chance(self.slowness) { 2 * LEASE } else { self.longest_delay };
        100 + self.random.below(longest)
    }

    fn execute(&mut self, message: usize) {
        let reply = self.store.execute(&self.messages[message].request);
        self.messages[message].reply = Some(reply);
        if !self.random.chance(self.loss) {
            let delay = self.delay();
            self.after(delay, Event::Answer(message));
        }
    }

    fn answer(&mut self, message: usize) {
        let reply = self.messages[message].reply.clone();
        self.settle(message, reply);
    }

    /// Ends the wait for an answer. Without a reply, nobody knows whether the store has executed the request.
    fn settle(&mut self, message: usize, reply: Option<Reply>) {
        let Message { from, open, purpose, .. } = &mut self.messages[message];
        let (from, purpose) = (*from, *purpose);
        if !std::mem::replace(open, false) || !self.is_alive(from) {
            return;
        }
        match purpose {
            Purpose::Renewal(step) => self.renewed(from, step, reply),
            Purpose::Fill(verification) => self.filled(verification, reply.as_ref()),
            Purpose::Change(call) => self.change_answered(call, message, reply),
        }
    }
}
