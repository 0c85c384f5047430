use std::{fmt, iter::repeat_n};

use unicode_width::UnicodeWidthStr;

use crate::printable::printable;

/// A table whose columns are as wide as their widest cell. Cells are escaped with [`printable`].
#[derive(Debug, Clone)]
pub(crate) struct Table<const N: usize>(Vec<[String; N]>);

impl<const N: usize> Table<N> {
    /// Creates a table without rows.
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: [&str; N]) {
        self.0.push(cells.map(printable));
    }

    fn widths(&self) -> [usize; N] {
        let mut widths = [0; N];
        for row in &self.0 {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        widths
    }
}

/// Writes a line per row, with two spaces between columns.
impl<const N: usize> fmt::Display for Table<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        for row in &self.0 {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(widths) {
                line.push_str(cell);
                line.extend(repeat_n(' ', width - cell.width() + 2));
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_have_the_display_width_of_their_widest_cell() {
        let mut table = Table::new();
        table.row(["ID", "NAME", "STATUS"]);
        table.row(["1", "キー", "active"]);
        table.row(["22", "e\u{301}\u{1b}", "-"]);
        let lines = ["ID  NAME     STATUS", "1   キー     active", "22  e\u{301}\\u{1b}  -", ""];
        assert_eq!(table.to_string(), lines.join("\n"));
    }
}
