//! What happened, as a table.

use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};

/// A table of what happened, and whether it should have.
pub(crate) struct Report {
    what: &'static str,
    table: Table,
    note: &'static str,
    wrong: usize,
}

impl Report {
    pub(crate) fn new(what: &'static str, columns: [&str; 5]) -> Self {
        let mut table = Table::new();
        table.load_style(UTF8_FULL_CONDENSED);
        table.set_header(columns);
        Report { what, table, note: "", wrong: 0 }
    }

    /// A line to stand below.
    pub(crate) fn note(&mut self, note: &'static str) {
        self.note = note;
    }

    /// Adds what happened once. What is wrong is marked in the last column.
    pub(crate) fn row(&mut self, right: bool, columns: [&str; 5]) {
        let [first, second, third, fourth, last] = columns;
        let last = format!("{}{last}", if right { "" } else { WRONG });
        self.table.add_row([first, second, third, fourth, &last]);
        self.wrong += usize::from(!right);
    }

    /// Prints it.
    pub(crate) fn print(&self) -> ExitCode {
        for line in self.table.lines() {
            let style = if line.contains(WRONG) { BAD } else { Style::new() };
            anstream::println!("{style}{line}{style:#}");
        }
        if !self.note.is_empty() {
            println!("{}", self.note);
        }
        let (what, rows, wrong) = (self.what, self.table.row_iter().count(), self.wrong);
        match wrong {
            0 => anstream::println!("{GOOD}{rows} {what}, all as they should be{GOOD:#}"),
            _ => anstream::println!("{BAD}{wrong} of {rows} {what} not as they should be{BAD:#}"),
        }
        ExitCode::from(u8::from(wrong > 0))
    }
}

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const WRONG: &str = "WRONG: ";
