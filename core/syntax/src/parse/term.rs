//! Terms, with columns in a `SELECT` clause and without elsewhere.

use super::names::{is_function, is_name};
use super::{Parsed, Parser};
use crate::keyword::Keyword;
use crate::token::{Span, TokenKind};
use crate::tree::{ArithmeticOperator, Function, Literal, LiteralKind, Step, Term, TermKind};

/// Where a term stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Where a value is wanted: no columns.
    Value,
    /// In a `SELECT` clause or a `GROUP BY`: columns and their parts too.
    Selector,
}

use Scope::{Selector, Value};

impl<'t> Parser<'t, '_> {
    pub(super) fn term(&mut self, scope: Scope) -> Parsed<Term<'t>> {
        let first = self.product(scope)?;
        self.chain(first, |parser| {
            let operator = match parser.kind() {
                TokenKind::Plus if scope == Value && parser.is_column_after_plus() => {
                    return Ok(None);
                }
                TokenKind::Plus => ArithmeticOperator::Add,
                TokenKind::Minus => ArithmeticOperator::Subtract,
                _ => return Ok(None),
            };
            parser.step();
            Ok(Some((operator, parser.product(scope)?)))
        })
    }

    fn product(&mut self, scope: Scope) -> Parsed<Term<'t>> {
        let first = self.operand(scope)?;
        self.chain(first, |parser| {
            let operator = match parser.kind() {
                TokenKind::Star => ArithmeticOperator::Multiply,
                TokenKind::Slash => ArithmeticOperator::Divide,
                TokenKind::Percent => ArithmeticOperator::Modulo,
                _ => return Ok(None),
            };
            parser.step();
            Ok(Some((operator, parser.operand(scope)?)))
        })
    }

    fn chain(
        &mut self,
        first: Term<'t>,
        mut next: impl FnMut(&mut Self) -> Parsed<Option<(ArithmeticOperator, Term<'t>)>>,
    ) -> Parsed<Term<'t>> {
        let Some(second) = next(self)? else { return Ok(first) };
        let mut rest = vec![second];
        while let Some(term) = next(self)? {
            rest.push(term);
        }
        let span = self.since(first.span);
        Ok(Term { kind: TermKind::Arithmetic(Box::new(first), rest), span })
    }

    /// The end of `SET l = [1] + l`: that column is not part of the value.
    fn is_column_after_plus(&self) -> bool {
        let [name, next] = [self.ahead(1).kind, self.ahead(2).kind];
        (is_name(name) || name == TokenKind::EmptyName)
            && !matches!(next, TokenKind::Open | TokenKind::Dot)
    }

    fn operand(&mut self, scope: Scope) -> Parsed<Term<'t>> {
        let start = self.token().span;
        if !self.take(TokenKind::Minus) {
            return self.whole(scope);
        }
        // A selector takes any number of them, a value one.
        let negated = match scope {
            Selector => self.nested(|parser| parser.operand(scope))?,
            Value => self.simple(scope)?,
        };
        let span = self.since(start);
        Ok(Term { kind: TermKind::Negation(Box::new(negated)), span })
    }

    /// With the steps to its parts, where those may stand.
    fn whole(&mut self, scope: Scope) -> Parsed<Term<'t>> {
        let base = self.simple(scope)?;
        if scope == Selector { self.path(base) } else { Ok(base) }
    }

    fn path(&mut self, base: Term<'t>) -> Parsed<Term<'t>> {
        let mut steps = Vec::new();
        loop {
            if self.take(TokenKind::Dot) {
                steps.push(Step::Field(self.name("a field")?));
            } else if self.take(TokenKind::OpenBracket) {
                steps.push(self.nested(Self::element_or_slice)?);
            } else if steps.is_empty() {
                return Ok(base);
            } else {
                let span = self.since(base.span);
                return Ok(Term { kind: TermKind::Path(Box::new(base), steps), span });
            }
        }
    }

    fn element_or_slice(&mut self) -> Parsed<Step<'t>> {
        let from = if self.kind() == TokenKind::Range { None } else { Some(self.term(Value)?) };
        let step = match from {
            Some(element) if self.kind() != TokenKind::Range => Step::Element(element),
            from => {
                self.step();
                let open = from.is_some() && self.kind() == TokenKind::CloseBracket;
                Step::Slice(from, if open { None } else { Some(self.term(Value)?) })
            }
        };
        self.expect(TokenKind::CloseBracket, "`]`").map(|_| step)
    }

    /// Without operators around it and without steps after it.
    fn simple(&mut self, scope: Scope) -> Parsed<Term<'t>> {
        let start = self.token().span;
        let kind = match self.kind() {
            TokenKind::String => self.literal(LiteralKind::String),
            TokenKind::Integer => self.literal(LiteralKind::Integer),
            TokenKind::Float => self.literal(LiteralKind::Float),
            TokenKind::Boolean => self.literal(LiteralKind::Boolean),
            TokenKind::Duration => self.literal(LiteralKind::Duration),
            TokenKind::Uuid => self.literal(LiteralKind::Uuid),
            TokenKind::Blob => self.literal(LiteralKind::Blob),
            TokenKind::Question | TokenKind::Colon => TermKind::Marker(self.marker()?),
            TokenKind::Keyword(Keyword::Null) => {
                self.step();
                TermKind::Null
            }
            TokenKind::OpenBracket => self.nested(|parser| parser.list_literal(scope))?,
            TokenKind::OpenBrace => self.nested(|parser| parser.braces(scope))?,
            TokenKind::Open => self.nested(|parser| parser.parentheses(scope))?,
            _ => self.named(scope)?,
        };
        Ok(Term { kind, span: self.since(start) })
    }

    fn literal(&mut self, kind: LiteralKind) -> TermKind<'t> {
        let written = self.step().span.of(self.text);
        TermKind::Literal(Literal { kind, written })
    }

    fn list_literal(&mut self, scope: Scope) -> Parsed<TermKind<'t>> {
        self.step();
        self.terms(scope, TokenKind::CloseBracket, "`,` or `]`").map(TermKind::List)
    }

    /// None or more, to the bracket that closes them.
    fn terms(
        &mut self,
        scope: Scope,
        close: TokenKind,
        expected: &'static str,
    ) -> Parsed<Vec<Term<'t>>> {
        if self.take(close) {
            return Ok(Vec::new());
        }
        let terms = self.list(|parser| parser.term(scope))?;
        self.expect(close, expected).map(|_| terms)
    }

    /// A set, a map, or a UDT, whose names would be columns in a `SELECT` clause.
    fn braces(&mut self, scope: Scope) -> Parsed<TermKind<'t>> {
        self.step();
        if self.take(TokenKind::CloseBrace) {
            return Ok(TermKind::Set(Vec::new()));
        }
        if scope == Value && is_name(self.kind()) && self.ahead(1).kind == TokenKind::Colon {
            let fields = self.list(|parser| {
                let field = parser.name("a field")?;
                parser.expect(TokenKind::Colon, "`:` after a field")?;
                Ok((field, parser.term(scope)?))
            })?;
            return self.close_brace(TermKind::UserType(fields));
        }
        let first = self.term(scope)?;
        if self.kind() != TokenKind::Colon {
            let mut terms = vec![first];
            while self.take(TokenKind::Comma) {
                terms.push(self.term(scope)?);
            }
            return self.close_brace(TermKind::Set(terms));
        }
        let mut entries = Vec::new();
        let mut key = first;
        loop {
            self.expect(TokenKind::Colon, "`:` after a key")?;
            entries.push((key, self.term(scope)?));
            if !self.take(TokenKind::Comma) {
                return self.close_brace(TermKind::Map(entries));
            }
            key = self.term(scope)?;
        }
    }

    fn close_brace(&mut self, kind: TermKind<'t>) -> Parsed<TermKind<'t>> {
        self.expect(TokenKind::CloseBrace, "`,` or `}`").map(|_| kind)
    }

    /// A tuple, or a type and the value that it is a hint for.
    fn parentheses(&mut self, scope: Scope) -> Parsed<TermKind<'t>> {
        if self.ahead(1).kind != TokenKind::Open
            && let Some(hint) = self.attempt(|parser| parser.hint(scope))
        {
            return Ok(hint);
        }
        self.step();
        let terms = self.list(|parser| parser.term(scope))?;
        self.expect(TokenKind::Close, "`,` or `)`").map(|_| TermKind::Tuple(terms))
    }

    fn hint(&mut self, scope: Scope) -> Parsed<TermKind<'t>> {
        self.step();
        let hint = self.any_type()?;
        self.expect(TokenKind::Close, "`)` after a type")?;
        Ok(TermKind::Hint(hint, Box::new(self.simple(scope)?)))
    }

    /// What begins with a name: a function, a cast, a column.
    fn named(&mut self, scope: Scope) -> Parsed<TermKind<'t>> {
        let [first, second, third, fourth] = [0, 1, 2, 3].map(|count| self.ahead(count).kind);
        if second == TokenKind::Open {
            match first {
                TokenKind::Keyword(Keyword::Count)
                    if scope == Selector && third == TokenKind::Star =>
                {
                    return self.count_rows();
                }
                TokenKind::Keyword(Keyword::Cast) => return self.nested(|p| p.cast(scope)),
                TokenKind::Keyword(Keyword::Ttl | Keyword::Writetime | Keyword::Maxwritetime)
                    if scope == Selector =>
                {
                    return self.nested(Self::column_function);
                }
                first if is_function(first) => return self.nested(|p| p.function(scope, false)),
                _ => {}
            }
        }
        let qualified = second == TokenKind::Dot && fourth == TokenKind::Open;
        if qualified && is_name(first) && is_function(third) {
            return self.nested(|parser| parser.function(scope, true));
        }
        if scope == Selector && is_name(first) {
            return self.selected_column();
        }
        Err(self.fault(match scope {
            Value => "a value",
            Selector => "a column, a function or a value",
        }))
    }

    /// What follows a column tells whether it is one: `AS`, for example, may be.
    fn selected_column(&mut self) -> Parsed<TermKind<'t>> {
        let name = self.take_name();
        match self.kind() {
            TokenKind::Dot
            | TokenKind::OpenBracket
            | TokenKind::Plus
            | TokenKind::Minus
            | TokenKind::Star
            | TokenKind::Slash
            | TokenKind::Percent
            | TokenKind::Comma
            | TokenKind::Colon
            | TokenKind::Semicolon
            | TokenKind::Close
            | TokenKind::CloseBracket
            | TokenKind::CloseBrace
            | TokenKind::End
            | TokenKind::Keyword(
                Keyword::As
                | Keyword::From
                | Keyword::Order
                | Keyword::Per
                | Keyword::Limit
                | Keyword::Allow,
            ) => Ok(TermKind::Column(name)),
            _ => Err(self.fault("`,`, AS or FROM after a selector")),
        }
    }

    fn count_rows(&mut self) -> Parsed<TermKind<'t>> {
        self.step();
        self.step();
        self.step();
        self.expect(TokenKind::Close, "`)`").map(|_| TermKind::CountRows)
    }

    fn cast(&mut self, scope: Scope) -> Parsed<TermKind<'t>> {
        self.step();
        self.step();
        let term = match scope {
            Value => self.simple(scope)?,
            Selector => self.term(scope)?,
        };
        self.expect_keyword(Keyword::As)?;
        let to = self.native_type()?;
        self.expect(TokenKind::Close, "`)`").map(|_| TermKind::Cast(Box::new(term), to))
    }

    /// `TTL(column)`, `WRITETIME(column.field)`
    fn column_function(&mut self) -> Parsed<TermKind<'t>> {
        let name = self.take_name();
        self.step();
        let start = self.token().span;
        let column = TermKind::Column(self.name("a column")?);
        let argument = self.path(Term { kind: column, span: start })?;
        self.expect(TokenKind::Close, "`)`")?;
        let function = Function { keyspace: None, name, arguments: vec![argument] };
        Ok(TermKind::Function(Box::new(function)))
    }

    fn function(&mut self, scope: Scope, qualified: bool) -> Parsed<TermKind<'t>> {
        let mut name = self.take_name();
        let mut keyspace = None;
        if qualified {
            self.step();
            keyspace = Some(std::mem::replace(&mut name, self.take_name()));
        }
        self.step();
        let arguments = self.terms(scope, TokenKind::Close, "`,` or `)`")?;
        Ok(TermKind::Function(Box::new(Function { keyspace, name, arguments })))
    }

    /// An integer or a marker, for `LIMIT` and `USING`.
    pub(super) fn integer(&mut self) -> Parsed<Term<'t>> {
        let start: Span = self.token().span;
        match self.kind() {
            TokenKind::Integer | TokenKind::Question | TokenKind::Colon => {
                let kind = match self.kind() {
                    TokenKind::Integer => self.literal(LiteralKind::Integer),
                    _ => TermKind::Marker(self.marker()?),
                };
                Ok(Term { kind, span: self.since(start) })
            }
            _ => Err(self.fault("an integer or a marker")),
        }
    }
}
