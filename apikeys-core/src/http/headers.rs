/// Access to the headers of a request or response. An adapter implements this trait for its framework's
/// headers.
pub trait Headers {
    /// Returns the name and the value of each header line. Names are in lower case. Lines with the same name are in their
    /// order.
    fn lines(&self) -> impl Iterator<Item = (&str, &[u8])>;

    /// Returns the values of all lines of the header `name`, in order. `name` is in lower case.
    fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> + 'a {
        self.lines().filter(move |(other, _)| *other == name).map(|(_, value)| value)
    }
}

/// Access to the headers of a response, so that the core can add its own. An adapter implements this trait for its
/// framework's headers.
pub trait HeadersMut: Headers {
    /// Sets the header `name` to `value`, in place of all lines that it has. `name` is in lower case, and `value` is ASCII.
    fn set(&mut self, name: &'static str, value: &[u8]);

    /// Adds a line to the header `name`. `name` is in lower case, and `value` is ASCII.
    fn add(&mut self, name: &'static str, value: &[u8]);
}

/// This implementation is for tests, and for frameworks that keep headers in a list. The names must be in
/// lower case.
impl Headers for [(&str, &[u8])] {
    fn lines(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.iter().copied()
    }
}
