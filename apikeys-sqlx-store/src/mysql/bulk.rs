use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

/// The most rows or parameters of one statement. MySQL admits 65,535 parameters, and a row has up to 20.
const MOST: usize = 1 << (SIZES - 1);

/// The number of texts: for 1, 2, 4 and so on up to 1,024 rows. sqlx keeps the prepared statements of a connection, so
/// that a few texts must serve all numbers of rows.
///
/// With `JSON_TABLE`, one text would serve all numbers of rows. MariaDB 10.11 took 2 to 3 times as long for it: 33 to 66
/// microseconds for an audit event in a batch of 100 to 1,024 events, and 12 to 32 microseconds with these texts.
const SIZES: usize = 11;

/// The texts of a statement for many rows.
#[derive(Debug)]
pub(super) struct Bulk {
    texts: Vec<SqlStr>,
}

impl Bulk {
    /// Replaces `LIST` in the text by rows of so many columns, or by single parameters.
    pub(super) fn new(text: &str, columns: Option<usize>) -> Self {
        let element = columns.map_or_else(|| "?".to_owned(), |columns| format!("({})", list("?", columns)));
        let texts = (0..SIZES).map(|size| {
            let text = text.replace("LIST", &list(&element, 1 << size));
            AssertSqlSafe(text).into_sql_str()
        });
        Self { texts: texts.collect() }
    }

    /// Splits the rows into as few pieces as there are texts for, each with its text.
    pub(super) fn pieces<'r, T>(&self, mut rows: &'r [T]) -> Vec<(SqlStr, &'r [T])> {
        let mut pieces = Vec::new();
        while let Some(size) = rows.len().min(MOST).checked_ilog2() {
            let (piece, rest) = rows.split_at(1 << size);
            pieces.extend(self.texts.get(size as usize).map(|text| (text.clone(), piece)));
            rows = rest;
        }
        pieces
    }

    /// Splits the parameters into pieces. The last piece repeats its last parameter until there is a text for its
    /// length.
    pub(super) fn lists<T: Clone>(&self, parameters: &[T]) -> Vec<(SqlStr, Vec<T>)> {
        let lists = parameters.chunks(MOST).filter_map(|piece| {
            let length = piece.len().next_power_of_two();
            let text = self.texts.get(length.ilog2() as usize)?.clone();
            let repeated = std::iter::repeat_n(piece.last()?, length - piece.len());
            Some((text, piece.iter().chain(repeated).cloned().collect()))
        });
        lists.collect()
    }
}

fn list(element: &str, length: usize) -> String {
    vec![element; length].join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_contain_all_rows_in_order_with_as_many_parameters_as_their_texts() {
        let bulk = Bulk::new("INSERT INTO t (a, b) VALUES LIST", Some(2));
        for length in [0, 1, 2, 3, 1_000, 1_023, 1_024, 1_025, 5_000] {
            let rows: Vec<usize> = (0..length).collect();
            let pieces = bulk.pieces(&rows);
            for (text, piece) in &pieces {
                assert_eq!(text.as_str().matches("(?,?)").count(), piece.len());
            }
            assert_eq!(pieces.iter().flat_map(|(_, piece)| *piece).copied().collect::<Vec<_>>(), rows);
            assert!(pieces.len() <= length / MOST + 10, "{length}: {}", pieces.len());
        }
    }

    #[test]
    fn lists_repeat_only_the_last_parameter() {
        let bulk = Bulk::new("SELECT a FROM t WHERE a IN (LIST)", None);
        assert_eq!(bulk.lists::<u8>(&[]).len(), 0);
        for length in [1, 2, 3, 5, 1_024, 1_025, 3_000] {
            let parameters: Vec<usize> = (0..length).collect();
            let mut all = Vec::new();
            for (text, list) in bulk.lists(&parameters) {
                assert_eq!(text.as_str().matches('?').count(), list.len());
                all.extend(list);
            }
            all.dedup();
            assert_eq!(all, parameters);
        }
    }
}
