//! What people see: tables, notes and errors.

use std::{
    fmt::Display,
    io::{self, IsTerminal as _, Write as _},
};

use anstyle::{AnsiColor, Style};
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(crate) const CAREFUL: Style = AnsiColor::Yellow.on_default().bold();

/// Standard output, which drops colours where it isn't a terminal.
pub(crate) fn stdout() -> impl io::Write {
    Out(anstream::AutoStream::auto(io::stdout().lock()))
}

/// Standard output, past everything that treats text as coloured.
pub(crate) fn plain() -> impl io::Write {
    Out(io::stdout().lock())
}

/// Something that the person should know, beside the result.
pub(crate) fn note(text: impl Display) {
    message(CAREFUL, "note", &text);
}

/// Something that the person should do otherwise.
pub(crate) fn warning(text: impl Display) {
    message(CAREFUL, "warning", &text);
}

/// Why the command could do nothing.
pub(crate) fn error(error: &anyhow::Error) {
    message(BAD, "error", &format_args!("{error:#}"));
}

/// Whether nobody reads any more what the command writes: a reader such as `head` has had enough.
pub(crate) fn nobody_reads(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// An empty table that fits the terminal, or is as wide as it needs where there is none.
pub(crate) fn table() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    if let Some((width, _)) = terminal_size::terminal_size().filter(|_| io::stdout().is_terminal()) {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width.0);
    }
    table
}

/// Writes bytes as they are.
pub(crate) fn bytes(bytes: &[u8]) -> anyhow::Result<()> {
    let mut out = plain();
    out.write_all(bytes)?;
    Ok(out.flush()?)
}

/// Writes one JSON object.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    let mut out = plain();
    serde_json::to_writer(&mut out, value).map_err(io::Error::from)?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}

/// The lines of a table, without the spaces at their ends.
pub(crate) fn lines(mut table: Table) -> String {
    table.column_iter_mut().for_each(|column| {
        column.set_padding((0, 2));
    });
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// Text of a request as a terminal can show it: control characters, which could move the cursor or
/// change what was printed before, are escaped.
pub(crate) fn printable(text: &str) -> String {
    let show = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(show).collect()
}

/// Standard output, whose errors say of what they are.
struct Out<W>(W);

impl<W: io::Write> io::Write for Out<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map_err(unwritten)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(unwritten)
    }
}

fn unwritten(error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("standard output can't be written: {error}"))
}

fn message(style: Style, word: &str, text: &dyn Display) {
    // Nobody is left to be told that standard error is closed.
    let _ = writeln!(anstream::stderr(), "{style}{word}:{style:#} {text}");
}
