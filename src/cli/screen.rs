//! What a command shows: lines, tables and documents, in colour where somebody looks.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use comfy_table::presets::NOTHING;
use comfy_table::{Cell, Color, ColumnConstraint, ContentArrangement, Table};
use mainstem_wire::api::Page;
use serde::Serialize;

/// A colour with a meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As it is.
    Plain,
    /// As it should be.
    Good,
    /// To be looked at.
    Warning,
    /// Wrong.
    Bad,
    /// Less important than the rest.
    Quiet,
    /// More important than the rest.
    Strong,
}

impl Tone {
    /// The colour of a quality.
    pub(crate) fn of_status(status: &str) -> Self {
        match status {
            "good" => Self::Good,
            "uncertain" => Self::Warning,
            _ => Self::Bad,
        }
    }

    fn code(self) -> &'static str {
        match self {
            Self::Plain => "0",
            Self::Good => "32",
            Self::Warning => "33",
            Self::Bad => "31",
            Self::Quiet => "2",
            Self::Strong => "1",
        }
    }

    fn color(self) -> Option<Color> {
        match self {
            Self::Good => Some(Color::DarkGreen),
            Self::Warning => Some(Color::DarkYellow),
            Self::Bad => Some(Color::DarkRed),
            Self::Quiet => Some(Color::DarkGrey),
            Self::Plain | Self::Strong => None,
        }
    }
}

/// How output looks on whatever it goes to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    json: bool,
    color: bool,
    error_color: bool,
    terminal: bool,
}

impl Screen {
    /// For standard output as it is: documents if they are asked for, colours only on a terminal.
    pub(super) fn new(json: bool, no_color: bool) -> Self {
        let terminal = io::stdout().is_terminal();
        Self {
            json,
            color: terminal && !no_color,
            error_color: io::stderr().is_terminal() && !no_color,
            terminal,
        }
    }

    /// For tests: a file without colours.
    #[cfg(test)]
    pub(crate) fn plain() -> Self {
        Self {
            json: false,
            color: false,
            error_color: false,
            terminal: false,
        }
    }

    /// Whether a program reads this.
    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// Whether somebody looks at this, and lines can be drawn over.
    pub(crate) fn is_terminal(self) -> bool {
        self.terminal && !self.json
    }

    /// A text in a tone.
    pub(crate) fn paint(self, tone: Tone, text: impl Display) -> String {
        painted(self.color, tone, text)
    }

    /// The same on standard error.
    pub(super) fn paint_error(self, tone: Tone, text: impl Display) -> String {
        painted(self.error_color, tone, text)
    }

    /// One line for eyes.
    #[expect(
        clippy::unused_self,
        reason = "everything shown goes through the screen"
    )]
    pub(crate) fn line(self, text: impl Display) -> io::Result<()> {
        writeln!(io::stdout().lock(), "{text}")
    }

    /// A word beside the output, on standard error.
    #[expect(
        clippy::unused_self,
        reason = "everything shown goes through the screen"
    )]
    pub(crate) fn aside(self, text: impl Display) -> io::Result<()> {
        writeln!(io::stderr().lock(), "{text}")
    }

    /// A text without a line's end, shown at once.
    #[expect(
        clippy::unused_self,
        reason = "everything shown goes through the screen"
    )]
    pub(crate) fn part(self, text: impl Display) -> io::Result<()> {
        let mut out = io::stdout().lock();
        write!(out, "{text}")?;
        out.flush()
    }

    /// A list: the document for programs, a table for eyes, or a sentence where there is nothing.
    pub(super) fn list<T: Serialize>(
        self,
        page: &Page<T>,
        nothing: &str,
        table: impl FnOnce(&[T], Self) -> Table,
    ) -> io::Result<()> {
        if self.is_json() {
            self.document(page)
        } else if page.items.is_empty() {
            self.line(nothing)
        } else {
            self.show(&table(&page.items, self))
        }
    }

    /// One document for programs, indented so that people can read it too.
    pub(crate) fn document(self, document: &impl Serialize) -> io::Result<()> {
        let mut out = io::stdout().lock();
        serde_json::to_writer_pretty(&mut out, document)?;
        writeln!(out)
    }

    /// One document in one line.
    #[expect(
        clippy::unused_self,
        reason = "everything shown goes through the screen"
    )]
    pub(crate) fn document_line(self, document: &impl Serialize) -> io::Result<()> {
        let mut out = io::stdout().lock();
        serde_json::to_writer(&mut out, document)?;
        writeln!(out)?;
        out.flush()
    }

    /// A table with these headings. Columns keep their width; those named in `wrapping` give way
    /// where the terminal is too narrow.
    pub(crate) fn table(self, headings: &[&str], wrapping: &[usize]) -> Table {
        let mut table = Table::new();
        table.load_style(NOTHING);
        let cells = headings.iter().map(|text| self.cell(text, Tone::Quiet));
        table.set_header(cells);
        if self.color {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        let fixed = if self.terminal {
            table.set_content_arrangement(ContentArrangement::Dynamic);
            Some(ColumnConstraint::ContentWidth)
        } else {
            table.set_content_arrangement(ContentArrangement::Disabled);
            None
        };
        for (index, column) in table.column_iter_mut().enumerate() {
            column.set_padding((0, 2));
            if let Some(fixed) = fixed.filter(|_| !wrapping.contains(&index)) {
                column.set_constraint(fixed);
            }
        }
        table
    }

    /// A cell in a tone.
    pub(crate) fn cell(self, text: impl Display, tone: Tone) -> Cell {
        let cell = Cell::new(text.to_string());
        match tone.color().filter(|_| self.color) {
            Some(color) => cell.fg(color),
            None => cell,
        }
    }

    /// Shows a table, without blanks at the ends of lines.
    pub(crate) fn show(self, table: &Table) -> io::Result<()> {
        self.line(table.trim_fmt())
    }
}

fn painted(color: bool, tone: Tone, text: impl Display) -> String {
    if color && tone != Tone::Plain {
        format!("\x1b[{}m{text}\x1b[0m", tone.code())
    } else {
        text.to_string()
    }
}
