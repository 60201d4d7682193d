//! Terms, with columns in a `SELECT` clause and without elsewhere.

use super::names::is_name;
use super::{Parsed, Parser};
use crate::keyword::Keyword;
use crate::token::TokenKind;
use crate::tree::{ArithmeticOperator, Literal, LiteralKind, Step, Term, TermKind};

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
        let first = self.operand(scope)?;
        if self.operator(scope).is_some() { self.arithmetic(scope, first) } else { Ok(first) }
    }

    /// The next token, if it is an operator that goes on with a term.
    fn operator(&self, scope: Scope) -> Option<ArithmeticOperator> {
        Some(match self.kind() {
            TokenKind::Plus if scope == Value && self.is_column_after_plus() => return None,
            TokenKind::Plus => ArithmeticOperator::Add,
            TokenKind::Minus => ArithmeticOperator::Subtract,
            TokenKind::Star => ArithmeticOperator::Multiply,
            TokenKind::Slash => ArithmeticOperator::Divide,
            TokenKind::Percent => ArithmeticOperator::Modulo,
            _ => return None,
        })
    }

    /// The end of `SET l = [1] + l`: that column is not part of the value.
    fn is_column_after_plus(&self) -> bool {
        let [name, next] = [self.ahead(1).kind, self.ahead(2).kind];
        (is_name(name) || name == TokenKind::EmptyName)
            && !matches!(next, TokenKind::Open | TokenKind::Dot)
    }

    fn arithmetic(&mut self, scope: Scope, mut first: Term<'t>) -> Parsed<Term<'t>> {
        let start = first.span;
        let mut rest: Vec<(ArithmeticOperator, Term<'t>)> = Vec::new();
        while let Some(operator) = self.operator(scope) {
            self.step();
            let operand = self.operand(scope)?;
            if matches!(operator, ArithmeticOperator::Add | ArithmeticOperator::Subtract) {
                rest.push((operator, operand));
            } else {
                let last = rest.last_mut().map_or(&mut first, |(_, last)| last);
                multiply(last, operator, operand);
            }
        }
        if rest.is_empty() {
            return Ok(first);
        }
        let span = self.since(start);
        Ok(Term { kind: TermKind::Arithmetic(Box::new(first), rest), span })
    }

    fn operand(&mut self, scope: Scope) -> Parsed<Term<'t>> {
        if self.kind() == TokenKind::Minus {
            return self.negation(scope);
        }
        let simple = self.simple(scope)?;
        if scope == Selector { self.path(simple) } else { Ok(simple) }
    }

    /// A selector takes any number of minuses, a value one.
    fn negation(&mut self, scope: Scope) -> Parsed<Term<'t>> {
        let start = self.step().span;
        if scope == Value {
            let negated = Box::new(self.simple(scope)?);
            return Ok(Term { kind: TermKind::Negation(negated), span: self.since(start) });
        }
        self.enter()?;
        let negated = Box::new(self.operand(scope)?);
        self.leave();
        Ok(Term { kind: TermKind::Negation(negated), span: self.since(start) })
    }

    /// With the steps to its parts.
    pub(super) fn path(&mut self, base: Term<'t>) -> Parsed<Term<'t>> {
        if !matches!(self.kind(), TokenKind::Dot | TokenKind::OpenBracket) {
            return Ok(base);
        }
        let mut steps = Vec::new();
        loop {
            if self.take(TokenKind::Dot) {
                steps.push(Step::Field(self.name("a field")?));
            } else if self.take(TokenKind::OpenBracket) {
                steps.push(self.element_or_slice()?);
            } else {
                break;
            }
        }
        if self.kind() == TokenKind::Semicolon && !self.in_script {
            // `GROUP BY a.b;`: Cassandra takes it without a semicolon only.
            return Err(self.fail("the end of the text after a part of a column"));
        }
        let span = self.since(base.span);
        Ok(Term { kind: TermKind::Path(Box::new(base), steps), span })
    }

    fn element_or_slice(&mut self) -> Parsed<Step<'t>> {
        self.enter()?;
        let from = if self.kind() == TokenKind::Range { None } else { Some(self.term(Value)?) };
        let step = match from {
            Some(element) if self.kind() != TokenKind::Range => Step::Element(element),
            from => {
                self.step();
                let open = from.is_some() && self.kind() == TokenKind::CloseBracket;
                Step::Slice(from, if open { None } else { Some(self.term(Value)?) })
            }
        };
        self.leave();
        self.expect(TokenKind::CloseBracket, "`]`").map(|_| step)
    }

    /// Without operators around it and without steps after it.
    pub(super) fn simple(&mut self, scope: Scope) -> Parsed<Term<'t>> {
        let start = self.token().span;
        let kind = match self.kind() {
            TokenKind::OpenBracket => self.list_literal(scope),
            TokenKind::OpenBrace => self.braces(scope),
            TokenKind::Open => self.parentheses(scope),
            _ => match self.leaf()? {
                Some(leaf) => Ok(leaf),
                None => self.named(scope),
            },
        };
        kind.map(|kind| Term { kind, span: self.since(start) })
    }

    /// What has no terms in it and begins with no name.
    fn leaf(&mut self) -> Parsed<Option<TermKind<'t>>> {
        if let Some(kind) = literal_kind(self.kind()) {
            return Ok(Some(TermKind::Literal(self.take_literal(kind))));
        }
        match self.kind() {
            TokenKind::Question | TokenKind::Colon => {
                self.marker().map(|marker| Some(TermKind::Marker(marker)))
            }
            TokenKind::Keyword(Keyword::Null) => {
                self.step();
                Ok(Some(TermKind::Null))
            }
            _ => Ok(None),
        }
    }

    /// Takes the next token as a literal, which the caller has looked at.
    pub(super) fn take_literal(&mut self, kind: LiteralKind) -> Literal<'t> {
        Literal { kind, written: self.step().span.of(self.text) }
    }

    pub(super) fn any_literal(&mut self, expected: &'static str) -> Parsed<Literal<'t>> {
        match literal_kind(self.kind()) {
            Some(kind) => Ok(self.take_literal(kind)),
            None => Err(self.fail(expected)),
        }
    }

    pub(super) fn string(&mut self, expected: &'static str) -> Parsed<Literal<'t>> {
        if self.kind() == TokenKind::String {
            Ok(self.take_literal(LiteralKind::String))
        } else {
            Err(self.fail(expected))
        }
    }

    fn list_literal(&mut self, scope: Scope) -> Parsed<TermKind<'t>> {
        self.step();
        self.terms(scope, TokenKind::CloseBracket, "`,` or `]`").map(TermKind::List)
    }

    /// None or more, to the bracket that closes them.
    pub(super) fn terms(
        &mut self,
        scope: Scope,
        close: TokenKind,
        expected: &'static str,
    ) -> Parsed<Vec<Term<'t>>> {
        let mut terms = Vec::new();
        if self.take(close) {
            return Ok(terms);
        }
        self.enter()?;
        loop {
            terms.push(self.term(scope)?);
            if !self.take(TokenKind::Comma) {
                break;
            }
        }
        self.leave();
        self.expect(close, expected).map(|_| terms)
    }

    /// A set, a map, or a UDT, whose names would be columns in a `SELECT` clause.
    fn braces(&mut self, scope: Scope) -> Parsed<TermKind<'t>> {
        self.step();
        if self.take(TokenKind::CloseBrace) {
            return Ok(TermKind::Set(Vec::new()));
        }
        self.enter()?;
        let kind =
            if scope == Value && self.ahead(1).kind == TokenKind::Colon && is_name(self.kind()) {
                self.fields(scope)
            } else {
                let first = self.term(scope)?;
                if self.kind() == TokenKind::Colon {
                    self.entries(scope, first)
                } else {
                    self.elements(scope, first)
                }
            };
        self.leave();
        let kind = kind?;
        self.expect(TokenKind::CloseBrace, "`,` or `}`").map(|_| kind)
    }

    fn fields(&mut self, scope: Scope) -> Parsed<TermKind<'t>> {
        let mut fields = Vec::new();
        loop {
            let field = self.name("a field")?;
            self.expect(TokenKind::Colon, "`:` after a field")?;
            fields.push((field, self.term(scope)?));
            if !self.take(TokenKind::Comma) {
                return Ok(TermKind::UserType(fields));
            }
        }
    }

    fn elements(&mut self, scope: Scope, first: Term<'t>) -> Parsed<TermKind<'t>> {
        let mut elements = vec![first];
        while self.take(TokenKind::Comma) {
            elements.push(self.term(scope)?);
        }
        Ok(TermKind::Set(elements))
    }

    fn entries(&mut self, scope: Scope, first: Term<'t>) -> Parsed<TermKind<'t>> {
        let mut entries = Vec::new();
        let mut key = first;
        loop {
            self.expect(TokenKind::Colon, "`:` after a key")?;
            entries.push((key, self.term(scope)?));
            if !self.take(TokenKind::Comma) {
                return Ok(TermKind::Map(entries));
            }
            key = self.term(scope)?;
        }
    }

    /// A tuple, or a type and the value that it is a hint for.
    fn parentheses(&mut self, scope: Scope) -> Parsed<TermKind<'t>> {
        if self.ahead(1).kind != TokenKind::Open {
            // Not by `attempt`, whose frames would be on the way of each bracket.
            let place = self.place;
            if let Ok(hint) = self.hint(scope) {
                return Ok(hint);
            }
            self.place = place;
        }
        self.step();
        if self.kind() == TokenKind::Close {
            return Err(self.fail("a value"));
        }
        self.terms(scope, TokenKind::Close, "`,` or `)`").map(TermKind::Tuple)
    }

    fn hint(&mut self, scope: Scope) -> Parsed<TermKind<'t>> {
        self.step();
        let hint = self.inner_type()?;
        self.expect(TokenKind::Close, "`)` after a type")?;
        self.enter()?;
        let term = self.simple(scope)?;
        self.leave();
        Ok(TermKind::Hint(hint, Box::new(term)))
    }

    /// An integer or a marker, for `LIMIT` and `USING`.
    pub(super) fn integer(&mut self) -> Parsed<Term<'t>> {
        match self.kind() {
            TokenKind::Integer | TokenKind::Question | TokenKind::Colon => self.simple(Value),
            _ => Err(self.fail("an integer or a marker")),
        }
    }
}

const fn literal_kind(token: TokenKind) -> Option<LiteralKind> {
    Some(match token {
        TokenKind::String => LiteralKind::String,
        TokenKind::Integer => LiteralKind::Integer,
        TokenKind::Float => LiteralKind::Float,
        TokenKind::Boolean => LiteralKind::Boolean,
        TokenKind::Duration => LiteralKind::Duration,
        TokenKind::Uuid => LiteralKind::Uuid,
        TokenKind::Blob => LiteralKind::Blob,
        _ => return None,
    })
}

/// The last term of a sum becomes a product, or a longer one. No operand is a product by itself:
/// parentheses make a tuple of it.
fn multiply<'t>(last: &mut Term<'t>, operator: ArithmeticOperator, operand: Term<'t>) {
    let span = last.span.to(operand.span);
    if let TermKind::Arithmetic(_, rest) = &mut last.kind {
        rest.push((operator, operand));
    } else {
        let first =
            Term { kind: std::mem::replace(&mut last.kind, TermKind::Null), span: last.span };
        last.kind = TermKind::Arithmetic(Box::new(first), vec![(operator, operand)]);
    }
    last.span = span;
}
