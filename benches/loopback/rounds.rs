use std::{
    io::Write,
    process::Stdio,
    time::{Duration, Instant},
};

use apikeys_benches::{Result, median};

use crate::{
    cores::{OF_CLIENTS, this_program_on},
    serve::Variant,
    server::Server,
};

const CONNECTIONS: usize = 64;

/// The rounds of one service.
#[derive(Debug, Default)]
pub(crate) struct Measured(Vec<Round>);

#[derive(Debug, Clone, Copy)]
struct Round {
    /// Responses per second.
    rate: f64,
    /// The nanoseconds of processor time that the service took for a request.
    busy: f64,
    /// The part of the time in which the service was running.
    load: f64,
    /// The latency that 99 % of the requests did not exceed, in microseconds.
    p99: f64,
}

impl Measured {
    pub(crate) fn rate(&self) -> f64 {
        self.median(|round| round.rate)
    }

    pub(crate) fn busy(&self) -> f64 {
        self.median(|round| round.busy)
    }

    pub(crate) fn load(&self) -> f64 {
        self.median(|round| round.load)
    }

    pub(crate) fn p99(&self) -> f64 {
        self.median(|round| round.p99)
    }

    /// Returns the median of the ratios of the rates.
    pub(crate) fn ratio_to(&self, other: &Self) -> f64 {
        median(self.0.iter().zip(&other.0).map(|(ours, theirs)| ours.rate / theirs.rate).collect())
    }

    fn median(&self, value: impl Fn(&Round) -> f64) -> f64 {
        median(self.0.iter().map(value).collect())
    }
}

/// Starts the services and measures them in turn.
pub(crate) fn compare(variants: &[Variant], rounds: usize, time: Duration) -> Result<Vec<Measured>> {
    let mut servers = Vec::new();
    for variant in variants {
        servers.push(Server::start(*variant)?);
    }
    let mut all: Vec<Measured> = variants.iter().map(|_| Measured::default()).collect();
    for server in &mut servers {
        // The first requests warm up connections, caches and the processor's clock.
        round(server, time / 2)?;
    }
    for _ in 0..rounds {
        for (server, measured) in servers.iter_mut().zip(&mut all) {
            measured.0.push(round(server, time)?);
        }
    }
    Ok(all)
}

fn round(server: &mut Server, time: Duration) -> Result<Round> {
    let mut load = this_program_on(OF_CLIENTS)?;
    load.args(["load", &server.address, &CONNECTIONS.to_string(), &time.as_millis().to_string()]);
    let mut load = load.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let secrets = server.secrets.join("\n");
    let (stored, busy, began) = (server.stored()?, server.busy()?, Instant::now());
    // The clients begin when they have read all secrets.
    load.stdin.take().ok_or("the clients have no input")?.write_all(secrets.as_bytes())?;
    let output = load.wait_with_output()?;
    let mut took = time;
    let text = String::from_utf8(output.stdout)?;
    let numbers: Vec<u32> = text.split_whitespace().map(str::parse).collect::<std::result::Result<_, _>>()?;
    let &[answers, _, p99] = numbers.as_slice() else { return Err("the clients failed".into()) };
    if let (Some(before), Some(now)) = (stored, server.stored()?) {
        took = began.elapsed();
        if now - before != u64::from(answers) {
            return Err(format!("{answers} requests were answered, but {} stored", now - before).into());
        }
    }
    let busy = server.busy()?.saturating_sub(busy).as_secs_f64();
    Ok(Round {
        rate: f64::from(answers) / took.as_secs_f64(),
        busy: busy * 1e9 / f64::from(answers),
        load: busy / took.as_secs_f64(),
        p99: f64::from(p99),
    })
}
