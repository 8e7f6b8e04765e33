//! Questions, on a terminal only.

use std::io::{self, BufRead as _, IsTerminal as _, Read as _, Write as _};

use crate::{
    exit::{Error, Exit},
    text::{clean, wrap},
};

/// Most bytes of an answer that are read.
const ANSWER_BYTES_MAX: u64 = 256;

/// Whether somebody will be asked.
pub(crate) fn is_asked(given: bool) -> bool {
    !given && io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Columns that questions are laid out for.
const COLUMNS: usize = 80;

/// Asks for a yes, unless it was given beforehand or there is nobody to ask: a script means what it says.
///
/// # Errors
/// If the answer is no, or none.
pub(crate) fn consent(question: &str, given: bool) -> Result<(), Error> {
    if !is_asked(given) {
        return Ok(());
    }
    let mut output = io::stderr().lock();
    for line in question.lines() {
        for piece in wrap(&clean(line), COLUMNS) {
            writeln!(output, "{piece}")?;
        }
    }
    write!(output, "[y/N] ")?;
    output.flush()?;
    let mut answer = String::new();
    io::stdin().lock().take(ANSWER_BYTES_MAX).read_line(&mut answer)?;
    if is_yes(&answer) {
        return Ok(());
    }
    Err(Error::new(Exit::Error, "not confirmed: nothing was changed"))
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_yes_is_one() {
        assert!(is_yes("y\n") && is_yes(" YES \r\n"));
        assert!(!is_yes("") && !is_yes("\n") && !is_yes("n\n") && !is_yes("yep\n"));
    }
}
