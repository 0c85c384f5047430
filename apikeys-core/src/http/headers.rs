/// Access to the headers of a request or response. An adapter implements this trait for its framework's
/// headers.
pub trait Headers {
    /// Returns the values of all lines of the header `name`, in order. `name` is in lower case.
    fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> + 'a;
}

/// This implementation is for tests, and for frameworks that keep headers in a list. The names must be in
/// lower case.
impl Headers for [(&str, &[u8])] {
    fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> + 'a {
        self.iter().filter(move |(other, _)| *other == name).map(|(_, value)| *value)
    }
}
