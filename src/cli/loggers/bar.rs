//! A bar that shows how far something is.

use std::io::{self, IsTerminal, Write};

use crate::cli::screen::Screen;

/// Columns of the bar.
const WIDTH: u64 = 30;

/// A bar on the terminal; nothing where there is none, or where documents are wanted.
pub(super) struct Bar {
    is_shown: bool,
}

impl Bar {
    pub(super) fn new(screen: Screen, wanted: bool) -> Self {
        Self {
            is_shown: wanted && io::stderr().is_terminal() && !screen.is_json(),
        }
    }

    pub(super) fn show(&self, done: u64, total: u64, text: &str) -> io::Result<()> {
        if !self.is_shown {
            return Ok(());
        }
        let full = (done.min(total) * WIDTH)
            .checked_div(total)
            .unwrap_or(WIDTH);
        let width = |columns: u64| usize::try_from(columns).unwrap_or(0);
        let (done, left) = ("#".repeat(width(full)), "·".repeat(width(WIDTH - full)));
        write!(io::stderr(), "\r[{done}{left}] {text}\u{1b}[K")
    }

    pub(super) fn end(&self) -> io::Result<()> {
        match self.is_shown {
            true => writeln!(io::stderr()),
            false => Ok(()),
        }
    }
}
