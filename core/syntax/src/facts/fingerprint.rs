//! What all texts have in common that differ in values only.

use crate::error::SyntaxError;
use crate::keyword::Keyword;
use crate::lexer::tokens;
use crate::token::{Token, TokenKind};

/// The text with every literal replaced by `?`, and everything else written in one way: one blank
/// between tokens, words in small letters unless they are quoted, no comments and no last semicolon.
/// Literals with commas between them count as one, so that `IN (1, 2)` is `IN (1, 2, 3)`.
///
/// No literal survives, whatever the statement. Nor does a password of which somebody forgot a quote, or that has
/// double ones.
///
/// # Errors
///
/// As [`tokens`]. The text need not be a statement.
///
/// ```
/// let normalized = cqlstack_syntax::normalized("SELECT name FROM Users WHERE id IN (1, 2);")?;
/// assert_eq!(normalized, "select name from users where id in ( ? )");
/// # Ok::<(), cqlstack_syntax::SyntaxError>(())
/// ```
pub fn normalized(text: &str) -> Result<String, SyntaxError> {
    let mut normalized = String::with_capacity(text.len() + text.len() / 4);
    each_piece(text, |piece| normalized.push_str(piece))?;
    Ok(normalized)
}

/// A number for [`normalized`]: equal texts have equal ones, on every machine and in every version of
/// this crate; different texts very probably not. It is FNV-1a with 64 bits, and no allocation for
/// the text.
///
/// # Errors
///
/// As [`tokens`].
///
/// ```
/// use cqlstack_syntax::fingerprint;
///
/// let of = |id: u32| fingerprint(&format!("SELECT name FROM users WHERE id = {id}"));
/// assert_eq!(of(7)?, of(8)?);
/// # Ok::<(), cqlstack_syntax::SyntaxError>(())
/// ```
pub fn fingerprint(text: &str) -> Result<u64, SyntaxError> {
    const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let mut hash = BASIS;
    each_piece(text, |piece| {
        for byte in piece.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(PRIME);
        }
    })?;
    Ok(hash)
}

/// Looks for passwords that are no strings: in single quotes they would be literals, which never survive.
#[derive(Default)]
struct Watch {
    before: Option<TokenKind>,
    last: Option<TokenKind>,
    /// Of a role or user, after `PASSWORD`: there are no names any more, so what looks like one was not quoted.
    in_role: bool,
    after_password: bool,
}

impl Watch {
    fn is_password(&mut self, token: TokenKind) -> bool {
        const PASSWORD: Option<TokenKind> = Some(TokenKind::Keyword(Keyword::Password));
        let is = match token {
            TokenKind::Identifier | TokenKind::QuotedName => {
                self.last == PASSWORD
                    || self.before == PASSWORD && self.last == Some(TokenKind::Equal)
                    || self.after_password
            }
            TokenKind::Keyword(_) => self.before == PASSWORD && self.last == Some(TokenKind::Equal),
            _ => false,
        };
        self.in_role |= matches!(
            (self.last, token),
            (
                Some(TokenKind::Keyword(Keyword::Create | Keyword::Alter)),
                TokenKind::Keyword(Keyword::Role | Keyword::User)
            )
        );
        self.after_password |= self.in_role && Some(token) == PASSWORD;
        (self.before, self.last) = (self.last, Some(token));
        is
    }
}

/// The pieces of the normalized text, blanks among them.
fn each_piece(text: &str, mut write: impl FnMut(&str)) -> Result<(), SyntaxError> {
    let tokens = tokens(text)?;
    let mut tokens = tokens.as_slice();
    while let [rest @ .., Token { kind: TokenKind::End | TokenKind::Semicolon, .. }] = tokens {
        tokens = rest;
    }
    let mut first = true;
    let mut watch = Watch::default();
    while let [Token { kind, span }, rest @ ..] = tokens {
        tokens = rest;
        let is_password = watch.is_password(*kind);
        if !first {
            write(" ");
        }
        first = false;
        match kind {
            _ if is_password => write("?"),
            kind if kind.is_literal() => {
                write("?");
                while let [Token { kind: TokenKind::Comma, .. }, next, rest @ ..] = tokens {
                    if !next.kind.is_literal() {
                        break;
                    }
                    tokens = rest;
                }
            }
            TokenKind::Identifier | TokenKind::Keyword(_) => {
                let word = span.of(text);
                if word.bytes().any(|byte| byte.is_ascii_uppercase()) {
                    write(&word.to_ascii_lowercase());
                } else {
                    write(word);
                }
            }
            _ => write(span.of(text)),
        }
    }
    Ok(())
}
