use std::{
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use apikeys_core::{
    KeyId, MemoryStore, OrgId,
    conformance::faults::Interceptor,
    id::InstanceId,
    store::{
        BehindInstance, Change, Coherence, CommitOutcome, FoundKey, KeyStore, KeyView, OrgRow, Polled,
        Revision, StoreResult,
    },
    token::{Locator, Scheme},
};
use futures_util::FutureExt;

use crate::{
    history::History,
    simulation::{MILLISECOND, SECOND, Simulation},
};

/// The network between an instance and the store.
#[derive(Debug, Clone)]
pub(crate) struct Network {
    pub(crate) simulation: Simulation,
    pub(crate) store: MemoryStore,
    pub(crate) history: Arc<Mutex<History>>,
    pub(crate) weather: Weather,
    /// Until the engine is built, requests are executed at once.
    pub(crate) is_setting_up: Arc<AtomicBool>,
}

/// How well the network works.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weather {
    /// The percentage of messages that are lost, and of those that take long.
    loss: u64,
    slowness: u64,
    /// The longest delay of the other messages.
    longest_delay: u64,
}

impl Weather {
    pub(crate) fn new(simulation: &Simulation) -> Self {
        Self {
            loss: [0, 3, 15][simulation.index(3)],
            slowness: [0, 5, 25][simulation.index(3)],
            longest_delay: [300, 4 * MILLISECOND][simulation.index(2)],
        }
    }
}

impl Network {
    /// Sends a request, lets the store execute it later, and waits for the answer. If the caller no longer waits, the
    /// request is executed nevertheless.
    async fn send<T: Send + 'static>(
        &self,
        execute: impl FnOnce(&MemoryStore, &mut History) -> StoreResult<T> + Send + 'static,
    ) -> StoreResult<T> {
        if self.is_setting_up.load(Ordering::SeqCst) {
            return execute(&self.store, &mut self.history.lock().unwrap());
        }
        let (sender, receiver) = channel();
        let network = self.clone();
        // The task belongs to no instance that can be stopped.
        self.simulation.spawn(SERVER, async move {
            if network.simulation.chance(network.weather.loss) {
                return;
            }
            network.delay().await;
            let answer = execute(&network.store, &mut network.history.lock().unwrap());
            if !network.simulation.chance(network.weather.loss) {
                network.delay().await;
                sender.send(answer);
            }
        });
        receiver.await
    }

    async fn delay(&self) {
        let slow = self.simulation.chance(self.weather.slowness);
        let longest = if slow { 4 * SECOND } else { self.weather.longest_delay };
        let time = 100 + self.simulation.below(longest);
        self.simulation.wait(time).await;
    }
}

/// The number of the machine on which the network's own tasks run. It is never stopped.
pub(crate) const SERVER: usize = 0;

/// Carries one answer.
struct Channel<T> {
    answer: Option<T>,
    waker: Option<Waker>,
}

struct Sender<T>(Arc<Mutex<Channel<T>>>);

impl<T> Sender<T> {
    fn send(self, answer: T) {
        let mut channel = self.0.lock().unwrap();
        channel.answer = Some(answer);
        let waker = channel.waker.take();
        drop(channel);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

struct Receiver<T>(Arc<Mutex<Channel<T>>>);

impl<T> Future for Receiver<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let mut channel = self.0.lock().unwrap();
        match channel.answer.take() {
            Some(answer) => Poll::Ready(answer),
            None => {
                channel.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let channel = Arc::new(Mutex::new(Channel { answer: None, waker: None }));
    (Sender(Arc::clone(&channel)), Receiver(channel))
}

/// Returns the answer of the store in memory, which never waits.
fn now<T>(answer: impl Future<Output = StoreResult<T>>) -> StoreResult<T> {
    answer.now_or_never().expect("the store in memory does not wait")
}

#[async_trait::async_trait]
impl Interceptor for Network {
    type Store = MemoryStore;

    fn store(&self) -> &MemoryStore {
        &self.store
    }

    async fn find(&self, locators: &[Locator]) -> StoreResult<Option<FoundKey>> {
        let locators = locators.to_vec();
        self.send(move |store, history| {
            history.reads += 1;
            now(store.find(&locators))
        })
        .await
    }

    async fn schemes(&self) -> StoreResult<Vec<Scheme>> {
        self.send(move |store, _| now(store.schemes())).await
    }

    async fn org(&self, org: &OrgId) -> StoreResult<Option<OrgRow>> {
        let org = org.clone();
        self.send(move |store, _| now(store.org(&org))).await
    }

    async fn key(&self, org: &OrgId, key: KeyId) -> StoreResult<Option<KeyView>> {
        let org = org.clone();
        self.send(move |store, _| now(store.key(&org, key))).await
    }

    async fn commit(&self, change: &Change) -> StoreResult<CommitOutcome> {
        let change = change.clone();
        self.send(move |store, history| {
            let before = now(store.revision())?;
            let outcome = now(store.commit(&change));
            if now(store.revision())? > before {
                history.committed(&change);
            }
            outcome
        })
        .await
    }

    async fn register(&self, instance: InstanceId, lease: Duration) -> StoreResult<Revision> {
        self.send(move |store, _| now(store.register(instance, lease))).await
    }

    async fn poll(&self, instance: InstanceId, applied: Revision) -> StoreResult<Polled> {
        self.send(move |store, _| now(store.poll(instance, applied))).await
    }

    async fn acknowledge(&self, instance: InstanceId, applied: Revision) -> StoreResult<bool> {
        self.send(move |store, _| now(store.acknowledge(instance, applied))).await
    }

    async fn behind(&self, revision: Revision) -> StoreResult<Vec<BehindInstance>> {
        self.send(move |store, _| now(store.behind(revision))).await
    }

    async fn fence(&self, instances: &[InstanceId], revision: Revision) -> StoreResult<()> {
        let instances = instances.to_vec();
        self.send(move |store, history| {
            history.fenced += instances.len() as u64;
            now(store.fence(&instances, revision))
        })
        .await
    }

    async fn leave(&self, instance: InstanceId) -> StoreResult<()> {
        self.send(move |store, _| now(store.leave(instance))).await
    }

    async fn revision(&self) -> StoreResult<Revision> {
        self.send(move |store, _| now(store.revision())).await
    }

    async fn hint(&self, applied: Revision) -> StoreResult<()> {
        // A part of the changes is announced.
        match self.simulation.chance(50) {
            true => self.store.hint(applied).await,
            false => std::future::pending().await,
        }
    }
}
