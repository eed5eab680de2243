//! Tables: columns as wide as their widest cell, the last one ragged.

use std::io::{self, Write};

use crate::text::{clip, width};

/// A column may take this many columns of the terminal.
const MAX_CELL: usize = 44;

/// Rows under a heading; cells are escaped by whoever fills them.
#[derive(Debug)]
pub(crate) struct Table<const N: usize> {
    heading: [&'static str; N],
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    /// A table without rows.
    pub(crate) const fn new(heading: [&'static str; N]) -> Self {
        Self { heading, rows: Vec::new() }
    }

    /// Adds a row below the others.
    pub(crate) fn push(&mut self, row: [String; N]) {
        self.rows.push(row.map(|cell| clip(&cell, MAX_CELL)));
    }

    /// Writes heading, rule and rows, each line behind `indent`.
    pub(crate) fn write(&self, out: &mut dyn Write, indent: &str) -> io::Result<()> {
        let (heading, widths) = (self.heading.map(str::to_owned), self.widths());
        write_row(out, indent, &widths, &heading)?;
        write_row(out, indent, &widths, &widths.map(|width| "─".repeat(width)))?;
        self.rows.iter().try_for_each(|row| write_row(out, indent, &widths, row))
    }

    fn widths(&self) -> [usize; N] {
        let mut widths = self.heading.map(width);
        for row in &self.rows {
            for (widest, cell) in widths.iter_mut().zip(row) {
                *widest = width(cell).max(*widest);
            }
        }
        widths
    }
}

/// A table whose rows are written as they come: columns grow, and are never
/// narrower than before.
#[derive(Debug)]
pub(crate) struct Rows<const N: usize> {
    widths: [usize; N],
}

impl<const N: usize> Rows<N> {
    /// Writes the heading of `table`, with its rows.
    pub(crate) fn begin(table: &Table<N>, out: &mut dyn Write) -> io::Result<Self> {
        table.write(out, "")?;
        Ok(Self { widths: table.widths() })
    }

    /// Writes a row.
    pub(crate) fn write(&mut self, out: &mut dyn Write, row: [String; N]) -> io::Result<()> {
        let row = row.map(|cell| clip(&cell, MAX_CELL));
        for (widest, cell) in self.widths.iter_mut().zip(&row) {
            *widest = width(cell).max(*widest);
        }
        write_row(out, "", &self.widths, &row)
    }
}

fn write_row<const N: usize>(
    out: &mut dyn Write,
    indent: &str,
    widths: &[usize; N],
    row: &[String; N],
) -> io::Result<()> {
    let mut line = String::from(indent);
    for (cell, widest) in row.iter().zip(widths) {
        line.push_str(cell);
        line.extend(std::iter::repeat_n(' ', widest.saturating_sub(width(cell)) + 2));
    }
    writeln!(out, "{}", line.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut table = Table::new(["seq", "what", "end"]);
        table.push(["1".into(), "送金".into(), "x".into()]);
        table.push(["10".into(), "ab".into(), String::new()]);
        let mut out = Vec::new();
        table.write(&mut out, " ").unwrap();
        let expected = " seq  what  end\n ───  ────  ───\n 1    送金  x\n 10   ab\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
