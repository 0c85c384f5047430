use std::time::{Duration, Instant};

use apikeys_tests::{Load, Seen, contract::Created};
use tokio::time::sleep;

use crate::fleet::Fleet;

/// The number of responses of each instance to wait for after a change. The first response can be to a request that
/// began before the change had returned.
const ANSWERS: usize = 4;

/// The pause of a caller after each response. Without it, the callers would use all processors, and each change would
/// wait for a processor.
const PAUSE: Duration = Duration::from_millis(10);

/// Starts a caller of an instance for each key.
pub(crate) fn call<'k>(
    fleet: &Fleet,
    instance: usize,
    name: &str,
    keys: impl IntoIterator<Item = &'k Created>,
) -> Load {
    let secrets = keys.into_iter().map(|key| key.secret.clone());
    Load::start_with_pauses(fleet.instances[instance].address, name, secrets, PAUSE)
}

/// One caller for each instance. All callers use the same key.
pub(crate) struct Callers {
    loads: Vec<Load>,
    phases: Vec<Phase>,
}

/// A period in which no change is made, so that each request that begins and ends in the period has the same status.
struct Phase {
    /// The change before the period.
    change: &'static str,
    /// The expected status.
    status: u16,
    begins: Instant,
    ends: Instant,
}

impl Callers {
    pub(crate) fn start(fleet: &Fleet, name: &str, key: &Created) -> Self {
        let load = |instance: usize| {
            let name = format!("{name}:{instance}");
            call(fleet, instance, &name, [key])
        };
        Self { loads: fleet.numbers().map(load).collect(), phases: Vec::new() }
    }

    /// Makes a change, and waits until all instances have responded to requests that began afterwards. Requests that
    /// begin when the change has returned must have the status `status`, until the next change begins.
    pub(crate) async fn after(&mut self, change: &'static str, made: impl Future<Output = ()>, status: u16) {
        self.end_phase();
        made.await;
        let begins = Instant::now();
        let answered: Vec<_> = self.loads.iter().map(Load::answered).collect();
        for (load, before) in self.loads.iter().zip(answered) {
            while load.answered() < before + ANSWERS {
                assert!(begins.elapsed() < Duration::from_secs(30), "no responses after {change}");
                sleep(Duration::from_millis(1)).await;
            }
        }
        self.phases.push(Phase { change, status, begins, ends: begins });
    }

    fn end_phase(&mut self) {
        if let Some(last) = self.phases.last_mut() {
            last.ends = Instant::now();
        }
    }

    /// Stops the callers and checks the responses to all requests that began after a change had returned and ended
    /// before the next change began. Returns the number of these responses.
    pub(crate) async fn stop(mut self) -> usize {
        self.end_phase();
        let mut checked = 0;
        let mut wrong = Vec::new();
        for (instance, load) in self.loads.into_iter().enumerate() {
            let seen = load.stop().await;
            assert!(
                seen.iter().all(|seen| seen.answer.is_some()),
                "a connection to instance {instance} ended"
            );
            for phase in &self.phases {
                let answers = phase.answers(&seen);
                assert!(!answers.is_empty(), "no request to instance {instance} after {}", phase.change);
                checked += answers.len();
                wrong.extend(answers.iter().filter(|(_, status)| *status != phase.status).map(
                    |(after, status)| {
                        format!("{status} from instance {instance}, {after:?} after {}", phase.change)
                    },
                ));
            }
        }
        assert!(wrong.is_empty(), "{} of {checked} responses are wrong: {wrong:#?}", wrong.len());
        checked
    }
}

impl Phase {
    /// Returns how long after the change each request began, and the status of its response.
    fn answers(&self, seen: &[Seen]) -> Vec<(Duration, u16)> {
        let within = |seen: &Seen| {
            let (answered, status) = seen.answer?;
            (seen.sent >= self.begins && answered <= self.ends).then(|| (seen.sent - self.begins, status))
        };
        seen.iter().filter_map(within).collect()
    }
}
