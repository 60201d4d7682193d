//! The words of a CQL text: identifiers, keywords and signs, without comments.

/// Iterates over words. Quoted identifiers and literals are one word each, with their quotes, so
/// that what stands inside is never taken for a keyword. Text that ends within a quote or a comment
/// ends there.
#[derive(Debug, Clone)]
pub(super) struct Words<'t> {
    rest: &'t str,
}

impl<'t> Words<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { rest: text }
    }

    fn skip_blanks_and_comments(&mut self) {
        loop {
            self.rest = self.rest.trim_start();
            let end = if self.rest.starts_with("--") || self.rest.starts_with("//") {
                self.rest.find('\n')
            } else if self.rest.starts_with("/*") {
                self.rest[2..].find("*/").map(|at| at + 4)
            } else {
                return;
            };
            self.rest = end.and_then(|end| self.rest.get(end..)).unwrap_or_default();
        }
    }

    /// How long the word at the start is, in bytes.
    fn length(&self) -> Option<usize> {
        let first = self.rest.chars().next()?;
        let to_the = |close: &str| {
            let opened = close.len();
            self.rest[opened..].find(close).map_or(self.rest.len(), |at| at + 2 * opened)
        };
        Some(match first {
            // A doubled quote stands for itself: it ends one word, and the next one begins with it.
            '\'' => to_the("'"),
            '"' => to_the("\""),
            '$' if self.rest.starts_with("$$") => to_the("$$"),
            first if is_part(first) => self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len()),
            sign => sign.len_utf8(),
        })
    }
}

fn is_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

impl<'t> Iterator for Words<'t> {
    type Item = &'t str;

    fn next(&mut self) -> Option<&'t str> {
        self.skip_blanks_and_comments();
        let (word, rest) = self.rest.split_at_checked(self.length()?)?;
        self.rest = rest;
        Some(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        Words::new(text).collect()
    }

    #[test]
    fn words_signs_and_literals_are_told_apart() {
        assert_eq!(words("a.b=?,'x y'"), ["a", ".", "b", "=", "?", ",", "'x y'"]);
        assert_eq!(
            words("'it''s' \"q\"\"r\" $$b'c$$"),
            ["'it'", "'s'", "\"q\"", "\"r\"", "$$b'c$$"]
        );
    }

    #[test]
    fn comments_are_skipped() {
        assert_eq!(words("a -- b\nc // d\r\n/* e */ f /* g"), ["a", "c", "f"]);
    }

    #[test]
    fn any_text_ends() {
        for text in ["'", "\"", "$$", "$", "/*", "/*/", "--", "☃'☃", "é\u{301}$$☃", "'a$$"] {
            assert!(words(text).len() <= text.len(), "{text}");
        }
    }
}
