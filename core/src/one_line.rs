//! Names in messages.

use std::fmt::{self, Write};

/// A name that somebody chose, on one line and short.
pub(crate) struct OneLine<'a>(pub(crate) &'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut characters = self.0.chars();
        for c in characters.by_ref().take(80) {
            f.write_char(if c.is_control() { ' ' } else { c })?;
        }
        if characters.next().is_some() { f.write_str("...") } else { Ok(()) }
    }
}
