/// Returns a random text of letters and digits, for passwords and names.
///
/// # Errors
///
/// Returns an error if the operating system has no random numbers.
pub(crate) fn text(length: usize) -> Result<String, String> {
    let mut bytes = vec![0; length];
    fill(&mut bytes)?;
    // Some characters are a little more likely than others, which does not matter for tests.
    let letter = |byte: &u8| LETTERS.get(usize::from(*byte) % LETTERS.len()).copied().map(char::from);
    Ok(bytes.iter().filter_map(letter).collect())
}

/// Returns a random number below `end`.
///
/// # Errors
///
/// Returns an error if the operating system has no random numbers.
pub(crate) fn below(end: u16) -> Result<u16, String> {
    let mut bytes = [0; 2];
    fill(&mut bytes)?;
    Ok(u16::from_ne_bytes(bytes) % end)
}

fn fill(bytes: &mut [u8]) -> Result<(), String> {
    getrandom::fill(bytes).map_err(|error| format!("cannot read random numbers: {error}"))
}

const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
