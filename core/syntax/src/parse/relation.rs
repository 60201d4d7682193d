//! Relations and conditions.

use super::term::Scope;
use super::{Parsed, Parser};
use crate::dialect::Dialect;
use crate::keyword::Keyword;
use crate::token::TokenKind;
use crate::tree::{Comparand, Condition, Name, Operand, Operator, Relation, Term, TermKind};

pub(super) const fn comparison_of(token: TokenKind) -> Option<Operator> {
    Some(match token {
        TokenKind::Equal => Operator::Equal,
        TokenKind::NotEqual => Operator::NotEqual,
        TokenKind::Less => Operator::Less,
        TokenKind::LessOrEqual => Operator::LessOrEqual,
        TokenKind::Greater => Operator::Greater,
        TokenKind::GreaterOrEqual => Operator::GreaterOrEqual,
        _ => return None,
    })
}

impl<'t> Parser<'t, '_> {
    pub(super) fn relations(&mut self) -> Parsed<Vec<Relation<'t>>> {
        self.all_of(Self::relation_in_parentheses)
    }

    /// Parentheses around a relation mean nothing, however many.
    fn relation_in_parentheses(&mut self) -> Parsed<Relation<'t>> {
        let mut open = 0_usize;
        while self.kind() == TokenKind::Open && !self.are_columns() {
            self.step();
            open += 1;
        }
        if open > 0 && self.kind() == TokenKind::Expr {
            return Err(self.fail("a relation (`expr(…)` stands without parentheses around it)"));
        }
        let relation = self.relation()?;
        for _ in 0..open {
            self.expect(TokenKind::Close, "`)` after a relation")?;
        }
        Ok(relation)
    }

    /// `(a)` and `(a, …`, not `(a = …`.
    fn are_columns(&self) -> bool {
        let column = self.ahead(1).kind;
        (super::names::is_name(column) || column == TokenKind::EmptyName)
            && matches!(self.ahead(2).kind, TokenKind::Comma | TokenKind::Close)
    }

    fn relation(&mut self) -> Parsed<Relation<'t>> {
        let start = self.token().span;
        let (left, operator, right) = match self.kind() {
            TokenKind::Expr => self.index_expression()?,
            TokenKind::Open => self.tuple_relation()?,
            TokenKind::Keyword(Keyword::Token) => {
                self.step();
                let columns = self.columns()?;
                if let Some(range) = self.between(Self::value)? {
                    (Operand::Token(columns), Operator::Between, range)
                } else {
                    let operator = self.comparison()?;
                    (Operand::Token(columns), operator, self.comparand()?)
                }
            }
            _ => self.column_relation()?,
        };
        Ok(Relation { left, operator, right, span: self.since(start) })
    }

    fn index_expression(&mut self) -> Parsed<(Operand<'t>, Operator, Comparand<'t>)> {
        self.step();
        let index = self.name("an index")?;
        self.expect(TokenKind::Comma, "`,` after an index")?;
        let term = self.term(Scope::Value)?;
        self.expect(TokenKind::Close, "`)`")?;
        Ok((Operand::Index(index), Operator::Expression, Comparand::Term(term)))
    }

    fn column_relation(&mut self) -> Parsed<(Operand<'t>, Operator, Comparand<'t>)> {
        let column = self.column()?;
        match self.kind() {
            TokenKind::Keyword(Keyword::Like) => {
                self.step();
                Ok((Operand::Column(column), Operator::Like, self.comparand()?))
            }
            TokenKind::Keyword(Keyword::Is) => {
                self.step();
                self.expect_keyword(Keyword::Not)?;
                self.expect_keyword(Keyword::Null)?;
                Ok((Operand::Column(column), Operator::IsNotNull, Comparand::Nothing))
            }
            TokenKind::OpenBracket => {
                let left = self.element(column)?;
                let operator = self.comparison()?;
                Ok((left, operator, self.comparand()?))
            }
            _ => {
                if let Some(range) = self.between(Self::value)? {
                    return Ok((Operand::Column(column), Operator::Between, range));
                }
                let next = [Keyword::In, Keyword::Contains].map(TokenKind::Keyword);
                let negated = self.dialect.has(Dialect::NextCassandra)
                    && next.contains(&self.ahead(1).kind)
                    && self.take_keyword(Keyword::Not);
                let (operator, right) = self.comparison_or_in(true)?;
                let operator = match operator {
                    Operator::In if negated => Operator::NotIn,
                    Operator::Contains if negated => Operator::NotContains,
                    Operator::ContainsKey if negated => Operator::NotContainsKey,
                    operator => operator,
                };
                Ok((Operand::Column(column), operator, right))
            }
        }
    }

    fn element(&mut self, column: Name<'t>) -> Parsed<Operand<'t>> {
        self.expect(TokenKind::OpenBracket, "`[`")?;
        let key = self.term(Scope::Value)?;
        self.expect(TokenKind::CloseBracket, "`]`")?;
        Ok(Operand::Element(column, key))
    }

    pub(super) fn comparison(&mut self) -> Parsed<Operator> {
        let operator = comparison_of(self.kind());
        let operator = operator.ok_or_else(|| self.fail("a comparison: =, <, <=, >, >= or !="))?;
        self.step();
        Ok(operator)
    }

    fn value(&mut self) -> Parsed<Term<'t>> {
        self.term(Scope::Value)
    }

    /// `BETWEEN … AND …`, if the dialect has it and it is there.
    fn between(
        &mut self,
        mut bound: impl FnMut(&mut Self) -> Parsed<Term<'t>>,
    ) -> Parsed<Option<Comparand<'t>>> {
        if !self.take_word(Dialect::NextCassandra, "BETWEEN") {
            return Ok(None);
        }
        let from = bound(self)?;
        self.expect_keyword(Keyword::And)?;
        Ok(Some(Comparand::Terms(vec![from, bound(self)?])))
    }

    fn comparand(&mut self) -> Parsed<Comparand<'t>> {
        self.term(Scope::Value).map(Comparand::Term)
    }

    /// The rest of a relation or condition on a column or a part of it.
    fn comparison_or_in(&mut self, may_contain: bool) -> Parsed<(Operator, Comparand<'t>)> {
        if self.take_keyword(Keyword::In) {
            if self.is_marker() {
                return Ok((Operator::In, Comparand::List(self.marker()?)));
            }
            self.expect(TokenKind::Open, "`(` or a marker after IN")?;
            let mut terms = Vec::new();
            if self.kind() != TokenKind::Close {
                terms = self.list(|parser| parser.term(Scope::Value))?;
            }
            self.expect(TokenKind::Close, "`,` or `)`")?;
            return Ok((Operator::In, Comparand::Terms(terms)));
        }
        if may_contain && self.take_keyword(Keyword::Contains) {
            let key = self.take_keyword(Keyword::Key);
            let operator = if key { Operator::ContainsKey } else { Operator::Contains };
            return Ok((operator, self.comparand()?));
        }
        let operator = self.comparison()?;
        Ok((operator, self.comparand()?))
    }

    fn columns(&mut self) -> Parsed<Vec<Name<'t>>> {
        self.expect(TokenKind::Open, "`(` and columns")?;
        let columns = self.list(Self::column)?;
        self.expect(TokenKind::Close, "`,` or `)`").map(|_| columns)
    }

    fn tuple_relation(&mut self) -> Parsed<(Operand<'t>, Operator, Comparand<'t>)> {
        let left = Operand::Columns(self.columns()?);
        if let Some(range) = self.between(Self::tuple_or_marker)? {
            return Ok((left, Operator::Between, range));
        }
        if !self.take_keyword(Keyword::In) {
            let operator = self.comparison()?;
            return Ok((left, operator, Comparand::Term(self.tuple_or_marker()?)));
        }
        if self.is_marker() {
            return Ok((left, Operator::In, Comparand::List(self.marker()?)));
        }
        self.expect(TokenKind::Open, "`(` or a marker after IN")?;
        let mut terms = Vec::new();
        if self.kind() != TokenKind::Close {
            // All of them markers, or none.
            let markers = self.is_marker();
            terms = self.list(|parser| {
                if parser.is_marker() == markers {
                    parser.tuple_or_marker()
                } else {
                    Err(parser.fail("tuples only or markers only"))
                }
            })?;
        }
        self.expect(TokenKind::Close, "`,` or `)`")?;
        Ok((left, Operator::In, Comparand::Terms(terms)))
    }

    fn tuple_or_marker(&mut self) -> Parsed<Term<'t>> {
        match self.kind() {
            TokenKind::Question | TokenKind::Colon => self.simple(Scope::Value),
            TokenKind::Open => self.tuple(),
            _ => Err(self.fail("a tuple or a marker")),
        }
    }

    fn tuple(&mut self) -> Parsed<Term<'t>> {
        let start = self.expect(TokenKind::Open, "`(`")?;
        let terms = self.list(|parser| parser.term(Scope::Value))?;
        self.expect(TokenKind::Close, "`,` or `)`")?;
        Ok(Term { kind: TermKind::Tuple(terms), span: self.since(start) })
    }

    /// `IF …` of an `UPDATE` or `DELETE`, if it has one.
    pub(super) fn condition(&mut self) -> Parsed<Condition<'t>> {
        if !self.take_keyword(Keyword::If) {
            return Ok(Condition::Always);
        }
        // A column may be called `exists`.
        let next = self.ahead(1).kind;
        let is_column = comparison_of(next).is_some()
            || matches!(
                next,
                TokenKind::OpenBracket
                    | TokenKind::Dot
                    | TokenKind::Keyword(Keyword::In | Keyword::Contains)
            );
        if !is_column && self.take_keyword(Keyword::Exists) {
            return Ok(Condition::Exists);
        }
        self.all_of(Self::column_condition).map(Condition::If)
    }

    fn column_condition(&mut self) -> Parsed<Relation<'t>> {
        let start = self.token().span;
        let column = self.column()?;
        let left = match self.kind() {
            TokenKind::OpenBracket => self.element(column)?,
            TokenKind::Dot => {
                self.step();
                Operand::Field(column, self.name("a field")?)
            }
            _ => Operand::Column(column),
        };
        let may_contain = matches!(left, Operand::Column(_));
        let (operator, right) = self.comparison_or_in(may_contain)?;
        Ok(Relation { left, operator, right, span: self.since(start) })
    }
}
