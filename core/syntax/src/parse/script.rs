//! Scripts: many statements in one text.

use super::{Parsed, Parser};
use crate::dialect::Dialect;
use crate::error::{Fault, SyntaxError, after};
use crate::lexer::script_tokens;
use crate::token::{Span, Token, TokenKind};
use crate::tree::Statement;

/// A statement of a script.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Scripted<'t> {
    /// The line on which it begins, from 1.
    pub line: u32,
    /// The column in which it begins, from 1, in characters.
    pub column: u32,
    /// Where it stands in the whole text.
    pub span: Span,
    /// Its text, without a semicolon after it.
    pub text: &'t str,
    /// What it is.
    pub statement: Statement<'t>,
}

/// Reads a text of many statements with semicolons between them, as files of CQL are: strings, function bodies,
/// comments and batches may hold semicolons themselves. There may be a byte order mark, lines may end in CR LF,
/// statements may be empty, the last one may have no semicolon, and a comment on the last line no line break.
///
/// The time is linear in the text.
///
/// # Errors
///
/// The first statement that [`parse`](super::parse) refuses, with its place in the whole text. What only `cqlsh`
/// understands (`SOURCE`, `COPY`, `CONSISTENCY`, …) is named as such.
///
/// ```
/// use cqlstack_syntax::script;
///
/// let statements = script("USE app; -- don't; \nINSERT INTO t (k) VALUES ('a;b');\n\n;TRUNCATE t")?;
/// let lines: Vec<_> = statements.iter().map(|it| (it.line, it.text)).collect();
/// assert_eq!(lines, [(1, "USE app"), (2, "INSERT INTO t (k) VALUES ('a;b')"), (4, "TRUNCATE t")]);
///
/// let error = script("USE app;\nSOURCE 'schema.cql'").unwrap_err();
/// assert!(error.to_string().starts_with("line 2, column 1: found a command of cqlsh"));
/// # Ok::<(), cqlstack_syntax::SyntaxError>(())
/// ```
pub fn script(text: &str) -> Result<Vec<Scripted<'_>>, SyntaxError> {
    read_script(text, Dialect::Cassandra5)
}

pub(crate) fn read_script(text: &str, dialect: Dialect) -> Result<Vec<Scripted<'_>>, SyntaxError> {
    let (tokens, broken) = script_tokens(text);
    let error = |fault| SyntaxError::new(text, fault);
    let mut parser = Parser::new(text, &tokens, dialect);
    parser.in_script = true;
    let (mut statements, mut line, mut column, mut counted) = (Vec::new(), 1, 1, 0);
    loop {
        while parser.take(TokenKind::Semicolon) {}
        let Token { kind, span } = parser.token();
        if kind == TokenKind::End {
            return broken.map_or(Ok(statements), |fault| Err(error(fault)));
        }
        parser.furthest = Fault::new(span, kind, "a statement");
        parser.place.markers = 0;
        let parsed = parser.scripted();
        let Ok(statement) = parsed else {
            // Where tokens end too early, the lexer knows why.
            let fault = match broken {
                Some(broken) if parser.furthest.span.start >= broken.span.start => broken,
                _ => parser.furthest,
            };
            return Err(error(fault));
        };
        let before = text.get(counted..span.start as usize).unwrap_or_default();
        (line, column) = after(before, (line, column));
        counted = span.start as usize;
        let span = parser.since(span);
        statements.push(Scripted { line, column, span, text: span.of(text), statement });
    }
}

/// A file's text.
///
/// # Errors
///
/// The place of the first byte that is not UTF-8.
///
/// ```
/// use cqlstack_syntax::utf8;
///
/// assert_eq!(utf8(b"USE app")?, "USE app");
/// let error = utf8(b"USE app;\n  \xff").unwrap_err();
/// assert_eq!((error.line(), error.column()), (2, 3));
/// # Ok::<(), cqlstack_syntax::SyntaxError>(())
/// ```
pub fn utf8(bytes: &[u8]) -> Result<&str, SyntaxError> {
    std::str::from_utf8(bytes).map_err(|error| {
        let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
        let valid = std::str::from_utf8(valid).unwrap_or_default();
        let at = u32::try_from(valid.len()).unwrap_or(u32::MAX);
        let span = Span { start: at, end: at };
        let (found, expected) = ("a byte that is not UTF-8", "UTF-8");
        SyntaxError::new(valid, Fault { span, found, expected })
    })
}

impl<'t> Parser<'t, '_> {
    /// A statement and its end.
    fn scripted(&mut self) -> Parsed<Statement<'t>> {
        let statement = self.statement()?;
        match self.kind() {
            TokenKind::Semicolon | TokenKind::End => Ok(statement),
            _ => Err(self.fail("`;` after a statement")),
        }
    }
}
