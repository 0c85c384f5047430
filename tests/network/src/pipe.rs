use std::{future::pending, io, net::Shutdown, time::Duration};

use socket2::SockRef;
use tokio::{
    net::TcpStream,
    time::{Instant, sleep_until},
};

/// One direction of a connection. Dropping the future of [`run`](Self::run) loses no data, so that the conditions can change
/// at any time.
#[derive(Debug)]
pub(crate) struct Pipe {
    buffer: Vec<u8>,
    /// The part of the buffer that was read and not yet written.
    start: usize,
    end: usize,
    /// The time from which the data in the buffer is written.
    due: Instant,
    /// The number of bytes that were written.
    written: u64,
    /// The number of bytes after which the connection is cut.
    cut_after: Option<u64>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// The receiver was told that no more data follows. The sender was not, and its data is dropped.
    HalfClosed,
    /// The sender has closed this direction.
    Finished,
}

/// The reason why forwarding ends.
#[derive(Debug)]
pub(crate) enum End {
    /// The number of bytes has been reached after which the connection is cut.
    Cut,
    /// One side has reset the connection.
    Reset,
    /// The sender has closed this direction, and the receiver has been told.
    Finished,
}

impl Pipe {
    pub(crate) fn new(cut_after: Option<u64>) -> Self {
        let (buffer, due, state) = (vec![0; 16 * 1024], Instant::now(), State::Open);
        Self { buffer, start: 0, end: 0, due, written: 0, cut_after, state }
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.state == State::Finished
    }

    /// Tells the receiver that no more data follows.
    pub(crate) fn half_close(&mut self, to: &TcpStream) {
        if self.state == State::Open {
            self.state = State::HalfClosed;
            // A receiver that has left needs not be told.
            let _ = SockRef::from(to).shutdown(Shutdown::Write);
        }
    }

    /// Forwards data until the direction ends. Does not return if it has ended already.
    pub(crate) async fn run(&mut self, from: &TcpStream, to: &TcpStream, delay: Duration) -> End {
        loop {
            if self.state == State::Finished {
                return pending().await;
            }
            match self.step(from, to, delay).await {
                Ok(None) => {}
                Ok(Some(end)) => return end,
                Err(_) => return End::Reset,
            }
        }
    }

    async fn step(&mut self, from: &TcpStream, to: &TcpStream, delay: Duration) -> io::Result<Option<End>> {
        if self.start == self.end {
            from.readable().await?;
            match from.try_read(&mut self.buffer) {
                Ok(0) => {
                    self.half_close(to);
                    self.state = State::Finished;
                    return Ok(Some(End::Finished));
                }
                Ok(read) if self.state == State::Open => {
                    (self.start, self.end, self.due) = (0, read, Instant::now() + delay);
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            return Ok(None);
        }
        if self.state == State::HalfClosed {
            self.start = self.end;
            return Ok(None);
        }
        sleep_until(self.due).await;
        to.writable().await?;
        let left = self.cut_after.map_or(u64::MAX, |bytes| bytes - self.written);
        let upto = self.end.min(self.start.saturating_add(usize::try_from(left).unwrap_or(usize::MAX)));
        match to.try_write(&self.buffer[self.start..upto]) {
            Ok(written) => {
                self.start += written;
                self.written += u64::try_from(written).unwrap_or(u64::MAX);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        Ok((self.cut_after == Some(self.written)).then_some(End::Cut))
    }
}
