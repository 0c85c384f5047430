use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

/// The admin token of the quickstarts that tests manage keys with.
pub const TOKEN: &str = "let-me-in";

/// A request as it is sent. Only the headers `Host` and `Content-Length` are added.
#[derive(Debug, Clone)]
pub struct Request {
    method: &'static str,
    target: String,
    host: String,
    lines: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Request {
    /// A request without headers or a body.
    pub fn new(method: &'static str, target: impl Into<String>) -> Self {
        let host = "localhost".to_owned();
        Self { method, target: target.into(), host, lines: Vec::new(), body: Vec::new() }
    }

    /// A `GET` of `target`.
    pub fn get(target: impl Into<String>) -> Self {
        Self::new("GET", target)
    }

    /// A `POST` of `body` to `target`.
    pub fn post(target: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self::new("POST", target).body(body)
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets a JSON body.
    #[must_use]
    pub fn json(self, json: &serde_json::Value) -> Self {
        self.line("Content-Type", "application/json").body(json.to_string())
    }

    /// Adds a header line. A name that is added twice has two lines.
    #[must_use]
    pub fn line(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.lines.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// Removes all lines of a header.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.lines.retain(|(other, _)| other != name);
        self
    }

    /// Sets the host. The default is `localhost`.
    #[must_use]
    pub fn host(mut self, host: &str) -> Self {
        host.clone_into(&mut self.host);
        self
    }

    /// The method.
    #[must_use]
    pub fn method(&self) -> &'static str {
        self.method
    }

    /// The target without its query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The body.
    #[must_use]
    pub fn sent(&self) -> &[u8] {
        &self.body
    }

    /// Adds the header `Authorization: Bearer <secret>`.
    #[must_use]
    pub fn bearer(self, secret: &str) -> Self {
        self.line("Authorization", format!("Bearer {secret}"))
    }

    /// Adds the login of a program that administers `org`, with the admin token [`TOKEN`].
    #[must_use]
    pub fn admin(self, org: &str) -> Self {
        self.line("X-Demo-Admin", TOKEN).line("X-Demo-Org", org)
    }

    /// Returns the bytes of the request.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes =
            format!("{} {} HTTP/1.1\r\nHost: {}\r\n", self.method, self.target, self.host).into_bytes();
        for (name, value) in &self.lines {
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        }
        if !self.body.is_empty() || self.method == "POST" {
            bytes.extend_from_slice(format!("Content-Length: {}\r\n", self.body.len()).as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// Sends the request on a new connection.
    pub async fn send(&self, to: SocketAddr) -> Response {
        Connection::open(to).await.unwrap().send(self).await.unwrap()
    }
}

/// A response as it was received.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The header lines in order, names in lower case.
    pub lines: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Response {
    /// Returns the value of a header that has one line at most.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.lines.iter().filter(|(other, _)| other == name);
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} came twice: {:?}", self.lines);
        value
    }

    /// Returns all header lines except those that the HTTP server adds, sorted.
    #[must_use]
    pub fn own_lines(&self) -> Vec<(&str, &str)> {
        let own =
            |name: &str| !matches!(name, "connection" | "date" | "content-length" | "transfer-encoding");
        let lines = self.lines.iter().filter(|(name, _)| own(name));
        let mut lines: Vec<_> = lines.map(|(name, value)| (name.as_str(), value.as_str())).collect();
        lines.sort_unstable();
        lines
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// A connection for several requests.
#[derive(Debug)]
pub struct Connection(BufReader<TcpStream>);

impl Connection {
    /// Connects.
    ///
    /// # Errors
    ///
    /// Returns an error if no server listens on the address.
    pub async fn open(to: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Sends a request and reads the whole response.
    ///
    /// # Errors
    ///
    /// Returns an error if the connection ends before the end of the response.
    pub async fn send(&mut self, request: &Request) -> io::Result<Response> {
        self.write(&request.to_bytes()).await?;
        if request.method == "HEAD" { self.read_head().await } else { self.read().await }
    }

    /// Sends bytes.
    ///
    /// # Errors
    ///
    /// Returns an error if the connection has ended.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.get_mut().write_all(bytes).await
    }

    /// Reads one response.
    ///
    /// # Errors
    ///
    /// Returns an error if the connection ends before the end of the response, or if the response is invalid.
    pub async fn read(&mut self) -> io::Result<Response> {
        let mut response = self.read_head().await?;
        response.body = if response.header("transfer-encoding") == Some("chunked") {
            self.chunks().await?
        } else {
            let length = response.header("content-length").map_or(Ok(0), str::parse);
            self.exactly(length.map_err(|_| io::ErrorKind::InvalidData)?).await?
        };
        Ok(response)
    }

    /// Reads a response that has no body, such as `100 Continue` or the answer to a `HEAD`.
    ///
    /// # Errors
    ///
    /// Returns an error if the connection ends before the end of the response, or if the response is invalid.
    pub async fn read_head(&mut self) -> io::Result<Response> {
        let status_line = self.line().await?;
        let status = status_line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
        let status = status.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, status_line))?;
        let mut lines = Vec::new();
        loop {
            let line = self.line().await?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').ok_or(io::ErrorKind::InvalidData)?;
            lines.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        Ok(Response { status, lines, body: Vec::new() })
    }

    async fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let length = self.line().await?;
            let length = usize::from_str_radix(&length, 16).map_err(|_| io::ErrorKind::InvalidData)?;
            body.extend(self.exactly(length).await?);
            self.line().await?;
            if length == 0 {
                return Ok(body);
            }
        }
    }

    async fn exactly(&mut self, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.0.read_exact(&mut bytes).await?;
        Ok(bytes)
    }

    async fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.0.read_line(&mut line).await?;
        let line = line.strip_suffix("\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
        Ok(line.to_owned())
    }
}
