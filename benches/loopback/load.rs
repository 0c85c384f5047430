//! The clients: a process that sends requests on many connections.

use std::{
    io::{BufRead, stdin},
    net::SocketAddr,
    time::{Duration, Instant},
};

use apikeys_benches::Result;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    runtime::Builder,
    task::JoinSet,
};

/// Sends requests on this number of connections for this time. Reads the secrets from standard input, one a line. Prints
/// the number of responses and the 50th and the 99th percentile of their latency in microseconds.
pub(crate) fn run(address: &str, connections: &str, milliseconds: &str) -> Result<()> {
    let secrets = stdin().lock().lines().collect::<std::io::Result<Vec<_>>>()?;
    let (address, connections) = (address.parse()?, connections.parse()?);
    let time = Duration::from_millis(milliseconds.parse()?);
    let mut times = Builder::new_current_thread().enable_all().build()?.block_on(async {
        let end = Instant::now() + time;
        let mut clients = JoinSet::new();
        for number in 0..connections {
            let secrets = secrets.iter().skip(number).step_by(connections);
            let requests: Vec<Vec<u8>> = secrets.map(|secret| request(secret)).collect();
            clients.spawn(client(address, requests, end));
        }
        // A process that sleeps must be woken by the service, which would pay for that with its own core, and the more
        // often, the longer it takes for a response. With this task, the clients never sleep.
        let awake = tokio::spawn(async {
            loop {
                tokio::task::yield_now().await;
            }
        });
        let mut times = Vec::new();
        while let Some(client) = clients.join_next().await {
            times.extend(client??);
        }
        awake.abort();
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(times)
    })?;
    times.sort_unstable();
    let quantile = |of_100: usize| times.get(times.len() * of_100 / 100).copied().unwrap_or_default();
    println!("{} {} {}", times.len(), quantile(50), quantile(99));
    Ok(())
}

fn request(secret: &str) -> Vec<u8> {
    format!(
        "GET /v1/items HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench/1.0\r\nAccept: */*\r\n\
         Authorization: Bearer {secret}\r\n\r\n"
    )
    .into_bytes()
}

/// Sends one request after the other, and returns the latency of each in microseconds.
async fn client(to: SocketAddr, requests: Vec<Vec<u8>>, end: Instant) -> Result<Vec<u32>> {
    let mut stream = TcpStream::connect(to).await?;
    stream.set_nodelay(true)?;
    let mut times = Vec::new();
    let mut buffer = Vec::with_capacity(1024);
    for request in requests.iter().cycle() {
        let began = Instant::now();
        if began >= end {
            break;
        }
        stream.write_all(request).await?;
        buffer.clear();
        // The body is the text `ok`.
        while !buffer.ends_with(b"\r\n\r\nok") {
            if stream.read_buf(&mut buffer).await? == 0 || buffer.len() > 4096 {
                return Err(format!("no answer, but: {}", String::from_utf8_lossy(&buffer)).into());
            }
            if !b"HTTP/1.1 200".starts_with(buffer.get(..12).unwrap_or(b"HTTP/1.1 200")) {
                return Err(format!("not admitted: {}", String::from_utf8_lossy(&buffer)).into());
            }
        }
        times.push(u32::try_from(began.elapsed().as_micros()).unwrap_or(u32::MAX));
    }
    Ok(times)
}
