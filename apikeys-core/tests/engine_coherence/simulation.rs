use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashMap},
    fmt,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use crate::{clock::Readings, random::Random};

pub(crate) const MILLISECOND: u64 = 1_000;
pub(crate) const SECOND: u64 = 1_000_000;

pub(crate) type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Runs tasks in simulated time, in an order that depends only on the seed.
///
/// Each task belongs to an instance. While the process of an instance is stopped, its tasks do not run.
#[derive(Clone)]
pub(crate) struct Simulation {
    state: Arc<Mutex<State>>,
}

struct State {
    now: u64,
    random: Random,
    events: BinaryHeap<Reverse<(u64, u64, Event)>>,
    /// The number of events so far, which orders events at the same time.
    count: u64,
    tasks: BTreeMap<u64, Running>,
    machines: Vec<Machine>,
    timers: HashMap<u64, Waker>,
    last_id: u64,
}

struct Running {
    instance: usize,
    task: Option<Task>,
    woken: Arc<Woken>,
}

struct Machine {
    clock: Readings,
    stopped_until: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Poll(u64),
    Timer(u64),
}

struct Woken {
    task: u64,
    is_planned: AtomicBool,
    simulation: std::sync::Weak<Mutex<State>>,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        let Some(state) = self.simulation.upgrade() else { return };
        if !self.is_planned.swap(true, Ordering::SeqCst) {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            // Threads run in any order, and sometimes one does not run for a while.
            let longest = if state.random.chance(3) { 50 * MILLISECOND } else { 300 };
            let delay = state.random.below(longest);
            state.after(delay, Event::Poll(self.task));
        }
    }
}

impl State {
    fn at(&mut self, time: u64, event: Event) {
        self.count += 1;
        self.events.push(Reverse((time, self.count, event)));
    }

    fn after(&mut self, delay: u64, event: Event) {
        self.at(self.now + delay, event);
    }
}

impl Simulation {
    pub(crate) fn new(seed: u64, instances: usize) -> Self {
        let mut random = Random::new(seed);
        let machines =
            (0..instances).map(|_| Machine { clock: Readings::new(&mut random), stopped_until: 0 }).collect();
        Self {
            state: Arc::new(Mutex::new(State {
                now: 0,
                random,
                events: BinaryHeap::new(),
                count: 0,
                tasks: BTreeMap::new(),
                machines,
                timers: HashMap::new(),
                last_id: 0,
            })),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn below(&self, end: u64) -> u64 {
        self.lock().random.below(end)
    }

    pub(crate) fn index(&self, end: usize) -> usize {
        self.lock().random.index(end)
    }

    pub(crate) fn chance(&self, percent: u64) -> bool {
        self.lock().random.chance(percent)
    }

    /// Returns what the clock of an instance shows now.
    pub(crate) fn clock<T>(&self, instance: usize, read: impl FnOnce(&Readings, u64) -> T) -> T {
        let state = self.lock();
        read(&state.machines[instance].clock, state.now)
    }

    pub(crate) fn change_clock(&self, instance: usize, change: impl FnOnce(&mut Readings)) {
        change(&mut self.lock().machines[instance].clock);
    }

    /// Begins a task.
    pub(crate) fn spawn(&self, instance: usize, task: impl Future<Output = ()> + Send + 'static) {
        let mut state = self.lock();
        state.last_id += 1;
        let id = state.last_id;
        let woken = Arc::new(Woken {
            task: id,
            is_planned: AtomicBool::new(false),
            simulation: Arc::downgrade(&self.state),
        });
        state.tasks.insert(id, Running { instance, task: Some(Box::pin(task)), woken: Arc::clone(&woken) });
        drop(state);
        woken.wake();
    }

    /// Stops the process of an instance for a while, unless it is stopped. If `suspended`, the monotonic clock of its
    /// machine stands still meanwhile.
    pub(crate) fn stop(&self, instance: usize, time: u64, suspended: bool) {
        let mut state = self.lock();
        let now = state.now;
        let machine = &mut state.machines[instance];
        if machine.stopped_until <= now {
            machine.stopped_until = now + time;
            if suspended {
                machine.clock.freeze(time);
            }
        }
    }

    /// Waits for some true time.
    pub(crate) fn wait(&self, time: u64) -> Timer {
        let mut state = self.lock();
        state.last_id += 1;
        let (id, end) = (state.last_id, state.now + time);
        state.at(end, Event::Timer(id));
        Timer { simulation: self.clone(), id, end }
    }

    /// Runs all tasks until a time.
    pub(crate) fn run_until(&self, end: u64) {
        loop {
            let mut state = self.lock();
            let event = match state.events.peek() {
                Some(Reverse((at, ..))) if *at <= end => state.events.pop(),
                _ => return,
            };
            let Some(Reverse((at, _, event))) = event else { return };
            state.now = state.now.max(at);
            match event {
                Event::Timer(id) => {
                    let waker = state.timers.remove(&id);
                    drop(state);
                    if let Some(waker) = waker {
                        waker.wake();
                    }
                }
                Event::Poll(id) => {
                    let now = state.now;
                    let Some(running) = state.tasks.get_mut(&id) else { continue };
                    let instance = running.instance;
                    let (task, woken) = (running.task.take(), Arc::clone(&running.woken));
                    let stopped_until = state.machines[instance].stopped_until;
                    if stopped_until > now {
                        state.tasks.entry(id).and_modify(|running| running.task = task);
                        let delay = state.random.below(2 * MILLISECOND);
                        state.at(stopped_until + delay, Event::Poll(id));
                        continue;
                    }
                    drop(state);
                    let Some(mut task) = task else { continue };
                    woken.is_planned.store(false, Ordering::SeqCst);
                    let waker = Waker::from(woken);
                    let is_done = task.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
                    let mut state = self.lock();
                    if is_done {
                        state.tasks.remove(&id);
                    } else {
                        state.tasks.entry(id).and_modify(|running| running.task = Some(task));
                    }
                }
            }
        }
    }

    /// Drops all tasks of an instance.
    pub(crate) fn kill(&self, instance: usize) {
        let mut state = self.lock();
        let (killed, others): (BTreeMap<_, _>, _) = std::mem::take(&mut state.tasks)
            .into_iter()
            .partition(|(_, running)| running.instance == instance);
        state.tasks = others;
        // Dropping a task drops its timers, which lock the state.
        drop(state);
        drop(killed);
    }

    /// Drops all tasks, which refer to the simulation.
    pub(crate) fn end(&self) {
        let tasks = std::mem::take(&mut self.lock().tasks);
        drop(tasks);
    }
}

impl fmt::Debug for Simulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Simulation")
    }
}

/// Resolves at a true time.
pub(crate) struct Timer {
    simulation: Simulation,
    id: u64,
    end: u64,
}

impl Future for Timer {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.simulation.lock();
        if state.now >= self.end {
            return Poll::Ready(());
        }
        state.timers.insert(self.id, cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.simulation.lock().timers.remove(&self.id);
    }
}
