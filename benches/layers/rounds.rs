use std::time::Duration;

use apikeys_benches::{Result, median, order, per};

const ROUNDS: usize = 31;
/// The requests of a service in one round. Every key has fewer than 10,000 requests a minute.
const REQUESTS: usize = 50_000;
/// The requests that are made beforehand. They fit into the processor's caches, like a request that was just read from a
/// connection.
const CHUNK: usize = 100;
/// The requests after which the events are taken, like the default size of a batch.
const BATCH: usize = 1_000;

/// A service whose requests are timed.
pub(crate) struct Timed<'a> {
    pub(crate) name: &'static str,
    /// Makes a request with each of these keys, and returns how long the service took for all of them.
    pub(crate) serve: Serve<'a>,
    /// Takes the events of the requests. This is not timed.
    pub(crate) flush: Box<dyn Fn() -> Result<()> + 'a>,
    /// Makes all rate limits unused. This is not timed.
    pub(crate) next_minute: Box<dyn Fn() -> Result<()> + 'a>,
}

type Serve<'a> = Box<dyn FnMut(&[usize]) -> Result<Duration> + 'a>;

/// What the layer of one service adds to a request.
pub(crate) struct Added {
    pub(crate) name: &'static str,
    /// The nanoseconds that the layer adds in each round.
    rounds: Vec<f64>,
}

impl Added {
    /// Returns the median, in nanoseconds.
    pub(crate) fn median(&self) -> f64 {
        median(self.rounds.clone())
    }

    /// Returns the median of the ratios of the rounds.
    pub(crate) fn ratio_to(&self, other: &Self) -> f64 {
        median(self.rounds.iter().zip(&other.rounds).map(|(ours, theirs)| ours / theirs).collect())
    }
}

/// Measures the services in turn. The first is the bare one. Returns its time for a request, and what each of the others
/// adds to it.
pub(crate) fn compare(keys: usize, services: &mut [Timed<'_>]) -> Result<(f64, Vec<Added>)> {
    let everything: Vec<usize> = (0..keys).collect();
    let mut times: Vec<Vec<f64>> = services.iter().map(|_| Vec::new()).collect();
    for service in &mut *services {
        round(service, &everything)?;
    }
    for number in 0..ROUNDS {
        let places = order(keys, REQUESTS, number);
        for (service, times) in services.iter_mut().zip(&mut times) {
            times.push(per(round(service, &places)?, REQUESTS));
        }
    }
    let mut times = services.iter().map(|service| service.name).zip(times);
    let (_, bare) = times.next().ok_or("no service")?;
    let added = |(name, all): (_, Vec<f64>)| Added {
        name,
        rounds: all.iter().zip(&bare).map(|(time, bare)| time - bare).collect(),
    };
    Ok((median(bare.clone()), times.map(added).collect()))
}

/// Times one round of a service.
pub(crate) fn round(service: &mut Timed<'_>, places: &[usize]) -> Result<Duration> {
    (service.next_minute)()?;
    let mut total = Duration::ZERO;
    for batch in places.chunks(BATCH) {
        for some in batch.chunks(CHUNK) {
            total += (service.serve)(some)?;
        }
        (service.flush)()?;
    }
    Ok(total)
}
