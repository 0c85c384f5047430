//! Prepares the texts of statements for a database: the names of tables, and the form of parameters.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use crate::{
    argument::Argument,
    error::Failure,
    statements::{ReadStatement, WriteStatement},
};

/// The text of a statement as a database takes it.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    sql: SqlStr,
    /// The arguments in the order in which the database takes them, counted from 0.
    order: Vec<usize>,
}

impl Text {
    pub(crate) fn sql(&self) -> SqlStr {
        self.sql.clone()
    }

    /// Returns the arguments in the order in which the database takes them.
    pub(crate) fn ordered<'v, 'a>(
        &self,
        arguments: &'v [Argument<'a>],
    ) -> Result<Vec<&'v Argument<'a>>, Failure> {
        let found = self.order.iter().map(|place| arguments.get(*place));
        found.collect::<Option<_>>().ok_or(Failure::Unusable("a statement has too few arguments"))
    }
}

/// How a database names parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parameters {
    /// `$1`, `$2` and so on. Equal parameters have equal numbers.
    #[cfg(feature = "postgres")]
    Numbered,
    /// `?` for each use of a parameter.
    #[cfg(feature = "mysql")]
    InOrder,
}

/// The texts of all statements.
#[derive(Debug)]
pub(crate) struct Texts {
    reads: Vec<Text>,
    writes: Vec<Text>,
}

impl Texts {
    /// Prepares all texts with `prepare`.
    pub(crate) fn new(
        read: impl Fn(ReadStatement) -> &'static str,
        write: impl Fn(WriteStatement) -> &'static str,
        prepare: impl Fn(&str) -> Text,
    ) -> Self {
        Self {
            reads: ReadStatement::ALL.iter().map(|statement| prepare(read(*statement))).collect(),
            writes: WriteStatement::ALL.iter().map(|statement| prepare(write(*statement))).collect(),
        }
    }

    pub(crate) fn read(&self, statement: ReadStatement) -> Result<&Text, Failure> {
        self.reads.get(statement as usize).ok_or(Failure::Unusable("a statement has no text"))
    }

    pub(crate) fn write(&self, statement: WriteStatement) -> Result<&Text, Failure> {
        self.writes.get(statement as usize).ok_or(Failure::Unusable("a statement has no text"))
    }
}

/// Prepares a text of this crate. The texts are constants, and `names` changes only identifiers, so that no value
/// from outside is in the result.
///
/// `?1` in the text is the first argument. A text has no question marks besides.
pub(crate) fn prepare(text: &str, parameters: Parameters, names: impl Fn(&str) -> String) -> Text {
    let named = names(text);
    let (mut sql, mut order) = (String::with_capacity(named.len()), Vec::new());
    let mut parts = named.split('?');
    sql.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = part.split_at(digits);
        let place = number.parse::<usize>().unwrap_or_default().saturating_sub(1);
        match parameters {
            #[cfg(feature = "postgres")]
            Parameters::Numbered => {
                let known = order.iter().position(|other| *other == place);
                let position = known.unwrap_or_else(|| {
                    order.push(place);
                    order.len() - 1
                });
                sql.push('$');
                sql.push_str(&(position + 1).to_string());
            }
            #[cfg(feature = "mysql")]
            Parameters::InOrder => {
                order.push(place);
                sql.push('?');
            }
        }
        sql.push_str(rest);
    }
    Text { sql: AssertSqlSafe(Arc::<str>::from(sql)).into_sql_str(), order }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::argument::arguments;

    const TEXT: &str = "SELECT a FROM t WHERE b < ?2 AND c = ?10 AND d = ?2 LIMIT ?1";

    #[cfg(feature = "postgres")]
    #[test]
    fn numbered_parameters_are_numbered_by_their_first_use() {
        let text = prepare(TEXT, Parameters::Numbered, str::to_owned);
        assert_eq!(text.sql().as_str(), "SELECT a FROM t WHERE b < $1 AND c = $2 AND d = $1 LIMIT $3");
        assert_eq!(text.order, [1, 9, 0]);
    }

    #[cfg(feature = "mysql")]
    #[test]
    fn parameters_in_order_are_repeated() {
        let text = prepare(TEXT, Parameters::InOrder, str::to_owned);
        assert_eq!(text.sql().as_str(), "SELECT a FROM t WHERE b < ? AND c = ? AND d = ? LIMIT ?");
        assert_eq!(text.order, [1, 9, 1, 0]);
    }

    #[cfg(feature = "postgres")]
    #[test]
    fn ordered_with_too_few_arguments_fails() {
        let text = prepare(TEXT, Parameters::Numbered, str::to_owned);
        assert!(text.ordered(arguments![1_i64, 2_i64]).is_err());
        let ten: Vec<Argument<'_>> = (0..10_i64).map(Argument::from).collect();
        let ordered = text.ordered(&ten).unwrap();
        assert!(matches!(
            ordered[..],
            [Argument::Integer(Some(1)), Argument::Integer(Some(9)), Argument::Integer(Some(0))]
        ));
    }
}
