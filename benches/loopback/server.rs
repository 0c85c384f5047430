use std::{
    fs,
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Stdio},
    time::Duration,
};

use apikeys_benches::Result;

use crate::{
    cores::{OF_SERVERS, this_program_on},
    serve::{KEYS, Variant},
};

/// A service in a process of its own. Dropping the value ends the process.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: String,
    /// The secrets of the service's keys. A service without keys ignores them.
    pub(crate) secrets: Vec<String>,
    variant: Variant,
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Server {
    /// Starts a service and waits until it is ready.
    pub(crate) fn start(variant: Variant) -> Result<Self> {
        let mut command = this_program_on(OF_SERVERS)?;
        command.args(["serve", variant.as_str()]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn()?;
        let input = process.stdin.take().ok_or("the service has no input")?;
        let output = BufReader::new(process.stdout.take().ok_or("the service has no output")?);
        let mut server =
            Self { address: String::new(), secrets: Vec::new(), variant, process, input, output };
        server.address = server.line()?;
        for _ in 0..KEYS {
            let secret = server.line()?;
            server.secrets.push(secret);
        }
        Ok(server)
    }

    /// Returns the processor time of all threads of the service so far.
    pub(crate) fn busy(&self) -> Result<Duration> {
        let mut total = 0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.process.id()))? {
            let text = fs::read_to_string(thread?.path().join("schedstat"))?;
            total += text.split(' ').next().unwrap_or_default().parse::<u64>()?;
        }
        Ok(Duration::from_nanos(total))
    }

    /// Waits until all requests are stored, and returns their number. Returns `None` if the service stores none.
    pub(crate) fn stored(&mut self) -> Result<Option<u64>> {
        if !self.variant.stores() {
            return Ok(None);
        }
        writeln!(self.input, "stored")?;
        Ok(Some(self.line()?.parse()?))
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            return Err(format!("the service {} ended", self.variant.as_str()).into());
        }
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
