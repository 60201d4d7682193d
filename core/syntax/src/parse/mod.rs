//! From tokens to a tree, by recursive descent: a file for each family of statements.
//!
//! The grammar is Cassandra's own, with the same ways out of its ambiguities. Only brackets recurse,
//! and only so deep as [`DEEPEST`].

mod alter;
mod create;
mod describe;
mod named;
mod names;
mod permission;
mod property;
mod relation;
mod role;
mod script;
mod select;
mod statement;
mod term;
mod types;
mod update;
mod write;

pub(crate) use self::script::read_script;
pub use self::script::{Scripted, script, utf8};
pub(crate) use self::types::is_kept_type;
use crate::dialect::Dialect;
use crate::error::{Fault, SyntaxError};
use crate::keyword::Keyword;
use crate::lexer::tokens;
use crate::token::{Span, Token, TokenKind};
use crate::tree::{Statement, Type};

/// How deep brackets may nest: what 256 KiB of stack have room for, with room to spare. Cassandra's
/// own parser overflows its stack somewhere below 2,000.
pub const DEEPEST: u32 = 64;

/// Reads one statement, with or without semicolons after it.
///
/// The time is linear in the text. A typical `SELECT` takes half a microsecond and five allocations;
/// the tree borrows from the text.
///
/// # Errors
///
/// What Cassandra's parser refuses, and brackets that nest deeper than [`DEEPEST`]. What only a schema
/// tells, as whether a column exists, is not looked at.
///
/// ```
/// use cqlstack_syntax::{Statement, parse};
///
/// let statement = parse("SELECT name FROM app.users WHERE id = ?")?;
/// let Statement::Select(select) = statement else { panic!("not a SELECT") };
/// assert_eq!(select.from.name.resolved(), "users");
/// assert_eq!(select.relations.len(), 1);
/// # Ok::<(), cqlstack_syntax::SyntaxError>(())
/// ```
pub fn parse(text: &str) -> Result<Statement<'_>, SyntaxError> {
    parse_tokens(text, &tokens(text)?, Dialect::Cassandra5)
}

pub(crate) fn parse_tokens<'t>(
    text: &'t str,
    tokens: &[Token],
    dialect: Dialect,
) -> Result<Statement<'t>, SyntaxError> {
    let mut parser = Parser::new(text, tokens, dialect);
    let parsed = parser.whole_statement();
    parsed.map_err(|Failed| SyntaxError::new(text, parser.furthest))
}

/// Reads a type, as `system_schema` writes those of columns and fields.
///
/// # Errors
///
/// What Cassandra's parser does not take for a type.
///
/// ```
/// use cqlstack_syntax::{TypeKind, parse_type};
///
/// let kind = parse_type("map<text, frozen<\"Address\">>")?.kind;
/// assert!(matches!(kind, TypeKind::Map(..)));
/// assert!(parse_type("list<int").is_err());
/// # Ok::<(), cqlstack_syntax::SyntaxError>(())
/// ```
pub fn parse_type(text: &str) -> Result<Type<'_>, SyntaxError> {
    let tokens = tokens(text)?;
    let mut parser = Parser::new(text, &tokens, Dialect::Any);
    parser.whole_type().map_err(|Failed| SyntaxError::new(text, parser.furthest))
}

/// The first word of a text, if it is a keyword: what is known of a statement that does not parse, as
/// another server's may not.
///
/// ```
/// use cqlstack_syntax::{Keyword, verb};
///
/// assert_eq!(verb("create service level fast"), Some(Keyword::Create));
/// assert_eq!(verb("EXPLAIN SELECT"), None);
/// ```
#[must_use]
pub fn verb(text: &str) -> Option<Keyword> {
    match tokens(text).ok()?.first()?.kind {
        TokenKind::Keyword(keyword) => Some(keyword),
        _ => None,
    }
}

/// What is expected of columns in a list.
const ONCE: &str = "each column once";

type Parsed<T> = Result<T, Failed>;

/// The parser knows why.
#[derive(Debug, Clone, Copy)]
struct Failed;

/// Where the parser stands.
#[derive(Debug, Clone, Copy)]
struct Place {
    at: usize,
    depth: u32,
    markers: u32,
}

struct Parser<'t, 'k> {
    text: &'t str,
    /// Never empty: the last one is [`TokenKind::End`], which is never taken.
    tokens: &'k [Token],
    place: Place,
    /// Of all ways that led nowhere, that which led furthest tells best what is wrong.
    furthest: Fault,
    /// Semicolons end statements, and are not sent.
    in_script: bool,
    dialect: Dialect,
}

impl<'t, 'k> Parser<'t, 'k> {
    fn new(text: &'t str, tokens: &'k [Token], dialect: Dialect) -> Self {
        let place = Place { at: 0, depth: 0, markers: 0 };
        let furthest = Fault::new(Span::default(), TokenKind::End, "a statement");
        Self { text, tokens, place, furthest, in_script: false, dialect }
    }

    fn token(&self) -> Token {
        self.ahead(0)
    }

    /// The token that many after the next one.
    fn ahead(&self, count: usize) -> Token {
        let end = Token { kind: TokenKind::End, span: Span::default() };
        let token = self.tokens.get(self.place.at + count).or(self.tokens.last());
        token.copied().unwrap_or(end)
    }

    fn kind(&self) -> TokenKind {
        self.token().kind
    }

    fn step(&mut self) -> Token {
        let token = self.token();
        if token.kind != TokenKind::End {
            self.place.at += 1;
        }
        token
    }

    /// Takes the next token if it is of this kind.
    fn take(&mut self, kind: TokenKind) -> bool {
        let is = self.kind() == kind;
        if is {
            self.place.at += 1;
        }
        is
    }

    /// Whether the next token is this word, which is no keyword to Cassandra 5, and the dialect has it.
    fn is_word(&self, dialect: Dialect, word: &str) -> bool {
        self.dialect.has(dialect)
            && self.kind() == TokenKind::Identifier
            && self.token().span.of(self.text).eq_ignore_ascii_case(word)
    }

    fn take_word(&mut self, dialect: Dialect, word: &str) -> bool {
        let is = self.is_word(dialect, word);
        if is {
            self.place.at += 1;
        }
        is
    }

    fn expect_word(&mut self, dialect: Dialect, word: &'static str) -> Parsed<()> {
        if self.take_word(dialect, word) { Ok(()) } else { Err(self.fail(word)) }
    }

    fn take_keyword(&mut self, keyword: Keyword) -> bool {
        self.take(TokenKind::Keyword(keyword))
    }

    fn expect(&mut self, kind: TokenKind, expected: &'static str) -> Parsed<Span> {
        let token = self.token();
        if self.take(kind) { Ok(token.span) } else { Err(self.fail(expected)) }
    }

    fn expect_keyword(&mut self, keyword: Keyword) -> Parsed<Span> {
        self.expect(TokenKind::Keyword(keyword), keyword.as_str())
    }

    /// The next token is not what it has to be.
    #[cold]
    fn fail(&mut self, expected: &'static str) -> Failed {
        let Token { kind, span } = self.token();
        if span.start >= self.furthest.span.start {
            self.furthest = Fault::new(span, kind, expected);
        }
        Failed
    }

    /// It is CQL, but cannot be meant.
    #[cold]
    fn refuse(&mut self, span: Span, found: &'static str, expected: &'static str) -> Failed {
        self.furthest = Fault { span, found, expected };
        Failed
    }

    /// From the start of something to what was taken last.
    fn since(&self, start: Span) -> Span {
        let last = self.place.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        start.to(last.map_or(start, |token| token.span))
    }

    /// One level deeper, for what stands in brackets. After a failure nobody has to leave.
    fn enter(&mut self) -> Parsed<()> {
        if self.place.depth == DEEPEST {
            let span = self.token().span;
            let expected = "fewer (a limit of this parser)";
            return Err(self.refuse(span, "brackets that nest too deep", expected));
        }
        self.place.depth += 1;
        Ok(())
    }

    fn leave(&mut self) {
        self.place.depth -= 1;
    }

    /// Tries one way; if it leads nowhere, the parser stands where it stood.
    fn attempt<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Option<T> {
        let place = self.place;
        let parsed = parse(self).ok();
        if parsed.is_none() {
            self.place = place;
        }
        parsed
    }

    /// One or more, with commas between them.
    fn list<T>(&mut self, mut parse: impl FnMut(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let mut list = vec![parse(self)?];
        while self.take(TokenKind::Comma) {
            list.push(parse(self)?);
        }
        Ok(list)
    }

    /// One or more, with `AND` between them.
    fn all_of<T>(&mut self, mut parse: impl FnMut(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let mut all = vec![parse(self)?];
        while self.take_keyword(Keyword::And) {
            all.push(parse(self)?);
        }
        Ok(all)
    }
}
