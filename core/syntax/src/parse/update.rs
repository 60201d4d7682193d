//! `UPDATE`, whose assignments have rules of their own.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::term::Scope;
use super::{Parsed, Parser};
use crate::keyword::Keyword;
use crate::token::{Span, TokenKind};
use crate::tree::{Assignment, Change, Name, Part, Update};

impl<'t> Parser<'t, '_> {
    pub(super) fn update(&mut self) -> Parsed<Update<'t>> {
        self.expect_keyword(Keyword::Update)?;
        let table = self.table()?;
        let using = self.using()?;
        self.expect_keyword(Keyword::Set)?;
        let assignments = self.list(Self::assignment)?;
        if let Some(span) = contradiction(&assignments) {
            return Err(self.refuse(span, "a column that is set twice", "each column once"));
        }
        self.expect_keyword(Keyword::Where)?;
        let relations = self.relations()?;
        let condition = self.condition()?;
        Ok(Update { table, using, assignments, relations, condition })
    }

    fn assignment(&mut self) -> Parsed<Assignment<'t>> {
        let start = self.token().span;
        let column = self.column()?;
        let mut part = Part::Whole;
        let change = if self.take(TokenKind::Equal) {
            self.change(column)?
        } else if self.take(TokenKind::PlusEqual) {
            Change::Add(self.term(Scope::Value)?)
        } else if self.take(TokenKind::MinusEqual) {
            Change::Subtract(self.term(Scope::Value)?)
        } else if self.take(TokenKind::OpenBracket) {
            part = Part::Element(self.term(Scope::Value)?);
            self.expect(TokenKind::CloseBracket, "`]`")?;
            self.set_part()?
        } else if self.take(TokenKind::Dot) {
            part = Part::Field(self.name("a field")?);
            self.set_part()?
        } else {
            return Err(self.fail("`=`, `+=`, `-=`, `[` or `.` after a column"));
        };
        Ok(Assignment { column, part, change, span: self.since(start) })
    }

    fn set_part(&mut self) -> Parsed<Change<'t>> {
        self.expect(TokenKind::Equal, "`=`")?;
        self.term(Scope::Value).map(Change::Set)
    }

    /// What follows `column =`.
    fn change(&mut self, column: Name<'t>) -> Parsed<Change<'t>> {
        let is_call = matches!(self.ahead(1).kind, TokenKind::Open | TokenKind::Dot);
        if self.is_column() && !is_call {
            self.same(column)?;
            return self.change_of_itself();
        }
        let term = self.term(Scope::Value)?;
        if !self.take(TokenKind::Plus) {
            return Ok(Change::Set(term));
        }
        self.same(column)?;
        Ok(Change::Prepend(term))
    }

    /// What follows `column = column`. A number with its minus is one token: `c = c -1` adds -1.
    fn change_of_itself(&mut self) -> Parsed<Change<'t>> {
        match self.kind() {
            TokenKind::Plus => {
                self.step();
                self.term(Scope::Value).map(Change::Add)
            }
            TokenKind::Minus => {
                self.step();
                self.term(Scope::Value).map(Change::Subtract)
            }
            TokenKind::Integer => self.simple(Scope::Value).map(Change::Add),
            _ => Err(self.fail("`+`, `-` or an integer after a column that changes itself")),
        }
    }

    fn same(&mut self, column: Name<'t>) -> Parsed<()> {
        if !self.is_column() {
            return Err(self.fail("the column that is set"));
        }
        let token = self.token();
        if self.take_name() == column {
            return Ok(());
        }
        let expected = "the column that is set (a value of another one cannot be had)";
        Err(self.refuse(token.span, token.kind.as_str(), expected))
    }
}

/// What a statement does to one column so far.
#[derive(Default)]
struct Changes<'a> {
    all: bool,
    some: bool,
    fields: HashSet<Cow<'a, str>>,
}

/// A column is set once, or changed in parts, as often as these differ.
fn contradiction(assignments: &[Assignment<'_>]) -> Option<Span> {
    if assignments.len() < 2 {
        return None;
    }
    let mut columns: HashMap<Cow<'_, str>, Changes<'_>> = HashMap::new();
    for Assignment { column, part, change, span } in assignments {
        let known = columns.entry(column.resolved()).or_default();
        let clash = match (part, change) {
            (Part::Whole, Change::Set(_)) => {
                let clash = known.all || known.some;
                known.all = true;
                clash
            }
            (Part::Field(field), _) => known.all || !known.fields.insert(field.resolved()),
            _ => known.all,
        };
        known.some = true;
        if clash {
            return Some(*span);
        }
    }
    None
}
