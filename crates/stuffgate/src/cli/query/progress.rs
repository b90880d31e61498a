//! One line on a terminal that says how many stores have answered.

use std::io::{self, IsTerminal as _, Write as _};

/// Cells of the bar.
const CELLS: usize = 30;

/// The line; it is not there unless standard error is a terminal.
pub(super) struct Progress {
    is_terminal: bool,
    is_drawn: bool,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self { is_terminal: io::stderr().is_terminal(), is_drawn: false }
    }

    /// Whether anybody would see it.
    pub(super) fn is_shown(&self) -> bool {
        self.is_terminal
    }

    /// Draws it anew for `done/asked`; anything else leaves it as it is.
    pub(super) fn show(&mut self, value: &str) {
        if let Some(line) = self.is_terminal.then(|| line(value)).flatten() {
            // Nobody is worse off if the terminal does not take it.
            let _ = write!(io::stderr(), "\r{line}\x1b[K");
            self.is_drawn = true;
        }
    }

    /// Takes it away before something else is printed.
    pub(super) fn clear(&mut self) {
        if std::mem::take(&mut self.is_drawn) {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

fn line(value: &str) -> Option<String> {
    let (done, asked) = value.split_once('/')?;
    let (done, asked) = (done.parse::<usize>().ok()?, asked.parse::<usize>().ok()?);
    let filled = (done.min(asked) * CELLS).checked_div(asked)?;
    Some(format!("[{}{}] {done} of {asked} stores", "#".repeat(filled), ".".repeat(CELLS - filled)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_fills_from_left_to_right() {
        assert_eq!(line("0/4").as_deref(), Some("[..............................] 0 of 4 stores"));
        assert_eq!(line("1/2").as_deref(), Some("[###############...............] 1 of 2 stores"));
        assert_eq!(line("4/4").as_deref(), Some("[##############################] 4 of 4 stores"));
        for nothing in ["", "1", "0/0", "x/2", "1/-2"] {
            assert_eq!(line(nothing), None, "{nothing:?}");
        }
    }
}
