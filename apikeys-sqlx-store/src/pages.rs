//! Makes pages of rows. Rows that cannot be read are left out.

use crate::{cells::Cells, columns::Columns, error::Failure};
use apikeys_core::store::Page;

/// Returns the number of rows to read. One row more than the limit shows whether there is a next page.
pub(crate) fn one_more(limit: u32) -> i64 {
    i64::from(limit).saturating_add(1)
}

/// Makes a page of `rows`, whose first column is the id. The caller reads [one row more](one_more) than the
/// limit.
///
/// Rows for which `read` returns `None` are left out. Rows that cannot be read are also left out, so that an
/// administrator can see all other rows. Their number is logged once for the page.
pub(crate) fn page<T, C, R: Cells>(
    what: &'static str,
    rows: &[R],
    limit: u32,
    cursor: impl FnOnce([u8; 16]) -> C,
    mut read: impl FnMut(&R) -> Result<Option<T>, Failure>,
) -> Result<Page<T, C>, Failure> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let within = rows.get(..limit).unwrap_or(rows);
    let (mut items, mut unreadable) = (Vec::with_capacity(within.len()), Vec::new());
    for row in within {
        match read(row) {
            Ok(item) => items.extend(item),
            Err(failure) => unreadable.push(failure),
        }
    }
    if let Some(first) = unreadable.first() {
        tracing::error!(what, rows = unreadable.len(), cause = %first, "rows that cannot be read were left out of a page");
    }
    let next = match within.last() {
        Some(last) if rows.len() > limit => Some(cursor(at_most(Columns::of(last).bytes()?))),
        _ => None,
    };
    Ok(Page::new(items, next))
}

/// Returns an id as a cursor. A damaged id with a wrong length is rounded down, so that the next page begins
/// after it.
fn at_most(id: &[u8]) -> [u8; 16] {
    if let Ok(id) = id.try_into() {
        return id;
    }
    let mut bytes = [0; 16];
    for (byte, from) in bytes.iter_mut().zip(id) {
        *byte = *from;
    }
    if id.len() > bytes.len() {
        return bytes;
    }
    u128::from_be_bytes(bytes).saturating_sub(1).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_damaged_id_returns_a_lower_id() {
        let whole = [7; 16];
        assert_eq!(at_most(&whole), whole);
        for damaged in [&[7; 15][..], &[7; 17], &[1], &[0xff; 40]] {
            assert!(at_most(damaged).as_slice() < damaged, "{damaged:?}");
        }
        assert_eq!(at_most(&[]), [0; 16]);
    }
}
