//! Runs verifications, reads from the store, evictions and renewals of the lease at the same time, in every order of
//! their accesses to shared numbers (loom).
//!
//! One key has the state 0, and a change makes it 1. A verification that begins after the change has returned must not
//! use the state 0.

use std::time::Duration;

use loom::{
    model,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    thread,
};

use super::{
    evictions::{Epoch, Evictions, Slots},
    lease::{Lease, Moment},
    number::Shared,
};
use crate::{
    Timestamp,
    clock::Monotonic,
    id::{KeyId, OrgId},
    store::Changed,
};

impl Shared for AtomicU64 {
    fn new(value: u64) -> Self {
        Self::new(value)
    }

    fn get(&self) -> u64 {
        self.load(SeqCst)
    }

    fn set(&self, value: u64) {
        self.store(value, SeqCst);
    }

    fn increase(&self) -> u64 {
        self.fetch_add(1, SeqCst)
    }

    fn raise(&self, value: u64) {
        self.fetch_max(value, SeqCst);
    }
}

/// The length of the lease in microseconds.
const LEASE: u64 = 10;

/// An instance, the store, and the clock.
struct World {
    evictions: Evictions<AtomicU64>,
    lease: Lease<AtomicU64>,
    /// The snapshot of the key: the state that was read, and the number of the latest eviction before the read.
    snapshot: Mutex<Option<(u64, Epoch)>>,
    /// The state of the key in the store.
    stored: AtomicU64,
    /// 1 if the instance has acknowledged the change.
    acknowledged: AtomicU64,
    /// 1 if the method that makes the change has returned.
    returned: AtomicU64,
    /// The time in microseconds.
    clock: AtomicU64,
    slots: Slots,
    changed: Changed,
}

fn moment(micros: u64) -> Moment {
    let wall = i64::try_from(micros).unwrap();
    Moment { monotonic: Monotonic::from_micros(micros), wall: Timestamp::from_micros(wall) }
}

impl World {
    /// Creates an instance whose lease lasts, and whose cache contains the state 0.
    fn new() -> Arc<Self> {
        let key = KeyId::from_bytes([1; 16]);
        let world = Self {
            evictions: Evictions::with_slots(1),
            lease: Lease::none(),
            snapshot: Mutex::new(None),
            stored: AtomicU64::new(0),
            acknowledged: AtomicU64::new(0),
            returned: AtomicU64::new(0),
            clock: AtomicU64::new(0),
            slots: Slots::of(key, &OrgId::new("o").unwrap()),
            changed: Changed::Key(key),
        };
        world.lease.extend(moment(0), Duration::from_micros(LEASE));
        *world.snapshot.lock().unwrap() = Some((0, world.evictions.now()));
        Arc::new(world)
    }

    fn now(&self) -> Moment {
        moment(self.clock.load(SeqCst))
    }

    /// Reads the store, and adds the snapshot to the cache.
    fn fill(&self) {
        let epoch = self.evictions.now();
        let state = self.stored.load(SeqCst);
        *self.snapshot.lock().unwrap() = Some((state, epoch));
    }

    /// Verifies like `Cache::get`. Returns the state that was used from the cache.
    fn cached(&self) -> Option<u64> {
        if !self.lease.lasts(self.now()) {
            return None;
        }
        let (state, epoch) = (*self.snapshot.lock().unwrap())?;
        self.evictions.is_valid(epoch, self.slots).then_some(state)
    }

    fn verify(&self) {
        let returned = self.returned.load(SeqCst) == 1;
        let used = self.cached();
        assert!(!returned || used != Some(0), "an older state was used");
    }
}

#[test]
fn verification_after_an_acknowledged_change_uses_no_older_state() {
    model(|| {
        let world = World::new();
        let renewer = thread::spawn({
            let world = Arc::clone(&world);
            move || {
                // The poll finds the change.
                if world.stored.load(SeqCst) == 1 {
                    world.evictions.evict(&world.changed);
                    world.acknowledged.store(1, SeqCst);
                }
            }
        });
        let filler = thread::spawn({
            let world = Arc::clone(&world);
            move || world.fill()
        });
        world.stored.store(1, SeqCst);
        if world.acknowledged.load(SeqCst) == 1 {
            world.returned.store(1, SeqCst);
        }
        world.verify();
        renewer.join().unwrap();
        filler.join().unwrap();
        world.verify();
    });
}

#[test]
fn verification_after_the_own_change_uses_no_older_state() {
    model(|| {
        let world = World::new();
        let filler = thread::spawn({
            let world = Arc::clone(&world);
            move || world.fill()
        });
        let verifier = thread::spawn({
            let world = Arc::clone(&world);
            move || world.verify()
        });
        world.stored.store(1, SeqCst);
        world.evictions.evict(&world.changed);
        world.returned.store(1, SeqCst);
        world.verify();
        filler.join().unwrap();
        verifier.join().unwrap();
        world.verify();
    });
}

/// The instance does not acknowledge the change, so the change returns when the lease has ended. Then the instance
/// polls, and extends its lease.
#[test]
fn verification_beside_a_late_renewal_uses_no_older_state() {
    model(|| {
        let world = World::new();
        let renewer = thread::spawn({
            let world = Arc::clone(&world);
            move || {
                let asked = world.now();
                if world.stored.load(SeqCst) == 1 {
                    world.evictions.evict(&world.changed);
                }
                world.lease.extend(asked, Duration::from_micros(LEASE));
            }
        });
        let verifier = thread::spawn({
            let world = Arc::clone(&world);
            move || world.verify()
        });
        world.stored.store(1, SeqCst);
        // More than a lease passes after the commit.
        world.clock.store(2 * LEASE, SeqCst);
        world.returned.store(1, SeqCst);
        renewer.join().unwrap();
        verifier.join().unwrap();
        world.verify();
    });
}
