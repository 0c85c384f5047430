use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{Result, server::Server};

/// Sends requests on this number of connections for this time. Returns the responses per second.
pub(crate) async fn measure(server: &Server, connections: usize, time: Duration) -> Result<f64> {
    let end = Instant::now() + time;
    let began = Instant::now();
    let clients: Vec<_> = (0..connections)
        .map(|number| {
            let mine = server.secrets.iter().skip(number).step_by(connections);
            let requests: Vec<Vec<u8>> = mine.map(|secret| request(secret)).collect();
            tokio::spawn(client(server.address, requests, end))
        })
        .collect();
    let mut answers = 0_u32;
    for client in clients {
        answers += client.await??;
    }
    Ok(f64::from(answers) / began.elapsed().as_secs_f64())
}

fn request(secret: &str) -> Vec<u8> {
    format!(
        "POST /v1/echo HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\n\
         Authorization: Bearer {secret}\r\nContent-Length: 4\r\n\r\nping"
    )
    .into_bytes()
}

async fn client(to: SocketAddr, requests: Vec<Vec<u8>>, end: Instant) -> Result<u32> {
    let mut stream = TcpStream::connect(to).await?;
    stream.set_nodelay(true)?;
    let mut answers = 0;
    let mut buffer = Vec::with_capacity(1024);
    for request in requests.iter().cycle() {
        if Instant::now() >= end {
            break;
        }
        stream.write_all(request).await?;
        buffer.clear();
        // A connection has one request at a time. The response is complete when it ends with the body of the request.
        while !buffer.ends_with(b"\r\n\r\nping") {
            if stream.read_buf(&mut buffer).await? == 0 || buffer.len() > 4096 {
                return Err(format!("no answer, but: {}", String::from_utf8_lossy(&buffer)).into());
            }
            if !b"HTTP/1.1 200".starts_with(buffer.get(..12).unwrap_or(b"HTTP/1.1 200")) {
                return Err(format!("not admitted: {}", String::from_utf8_lossy(&buffer)).into());
            }
        }
        answers += 1;
    }
    Ok(answers)
}
