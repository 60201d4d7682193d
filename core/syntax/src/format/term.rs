//! Terms and relations.

use std::fmt;

use super::Printer;
use crate::tree::{
    ArithmeticOperator, Comparand, Function, Literal, Marker, Name, Operand, Operator, Relation,
    Step, Table, Term, TermKind,
};

impl Printer<'_> {
    pub(super) fn term(&mut self, term: &Term<'_>) -> fmt::Result {
        match &term.kind {
            TermKind::Literal(literal) => self.literal(*literal),
            TermKind::Null => self.text("NULL"),
            TermKind::Marker(marker) => self.marker(*marker),
            TermKind::List(terms) => self.terms("[", terms, "]"),
            TermKind::Set(terms) => self.terms("{", terms, "}"),
            TermKind::Tuple(terms) => self.terms("(", terms, ")"),
            TermKind::Map(entries) => {
                self.text("{")?;
                self.list(entries, |printer, (key, value)| {
                    printer.term(key)?;
                    printer.text(": ")?;
                    printer.term(value)
                })?;
                self.text("}")
            }
            TermKind::UserType(fields) => {
                self.text("{")?;
                self.list(fields, |printer, (field, value)| {
                    printer.name(*field)?;
                    printer.text(": ")?;
                    printer.term(value)
                })?;
                self.text("}")
            }
            TermKind::Function(function) => self.function(function),
            TermKind::Hint(kind, term) => {
                self.text("(")?;
                self.kind(kind)?;
                self.text(") ")?;
                self.term(term)
            }
            TermKind::Cast(term, kind) => {
                self.text("CAST(")?;
                self.term(term)?;
                self.text(" AS ")?;
                self.kind(kind)?;
                self.text(")")
            }
            TermKind::Negation(term) => {
                // Two minuses would begin a comment, and one before a number would be part of it.
                self.text("- ")?;
                self.term(term)
            }
            TermKind::Arithmetic(first, rest) => {
                self.term(first)?;
                for (operator, term) in rest {
                    self.text(match operator {
                        ArithmeticOperator::Add => " + ",
                        ArithmeticOperator::Subtract => " - ",
                        ArithmeticOperator::Multiply => " * ",
                        ArithmeticOperator::Divide => " / ",
                        ArithmeticOperator::Modulo => " % ",
                    })?;
                    self.term(term)?;
                }
                Ok(())
            }
            TermKind::Column(name) => self.name(*name),
            TermKind::Path(base, steps) => {
                self.term(base)?;
                if ends_in_literal(base) && matches!(steps.first(), Some(Step::Field(_))) {
                    self.text(" ")?;
                }
                steps.iter().try_for_each(|step| self.step(step))
            }
            TermKind::CountRows => self.text("count(*)"),
        }
    }

    pub(super) fn literal(&mut self, literal: Literal<'_>) -> fmt::Result {
        self.text(literal.written)
    }

    fn marker(&mut self, marker: Marker<'_>) -> fmt::Result {
        match marker.name {
            None => self.text("?"),
            Some(name) => {
                self.text(":")?;
                self.name(name)
            }
        }
    }

    pub(super) fn terms(&mut self, open: &str, terms: &[Term<'_>], close: &str) -> fmt::Result {
        self.text(open)?;
        self.list(terms, Self::term)?;
        self.text(close)
    }

    pub(super) fn function(&mut self, function: &Function<'_>) -> fmt::Result {
        let Function { keyspace, name, arguments } = function;
        self.table(Table { keyspace: *keyspace, name: *name })?;
        self.terms("(", arguments, ")")
    }

    fn step(&mut self, step: &Step<'_>) -> fmt::Result {
        match step {
            Step::Field(field) => {
                self.text(".")?;
                self.name(*field)
            }
            Step::Element(key) => {
                self.text("[")?;
                self.term(key)?;
                self.text("]")
            }
            Step::Slice(from, to) => {
                self.text("[")?;
                if let Some(from) = from {
                    self.term(from)?;
                    self.text(" ")?;
                }
                self.text("..")?;
                if let Some(to) = to {
                    self.text(" ")?;
                    self.term(to)?;
                }
                self.text("]")
            }
        }
    }

    pub(super) fn relations(&mut self, relations: &[Relation<'_>]) -> fmt::Result {
        self.all_of(relations, Self::relation)
    }

    fn relation(&mut self, relation: &Relation<'_>) -> fmt::Result {
        match &relation.left {
            Operand::Column(column) => self.name(*column)?,
            Operand::Element(column, key) => {
                self.name(*column)?;
                self.terms("[", std::slice::from_ref(key), "]")?;
            }
            Operand::Field(column, field) => {
                self.name(*column)?;
                self.text(".")?;
                self.name(*field)?;
            }
            Operand::Columns(columns) => self.columns("(", columns)?,
            Operand::Token(columns) => self.columns("token(", columns)?,
            Operand::Index(index) => {
                self.text("expr(")?;
                self.name(*index)?;
            }
        }
        self.operator(relation.operator)?;
        match &relation.right {
            Comparand::Terms(terms) if relation.operator == Operator::Between => {
                for (index, term) in terms.iter().enumerate() {
                    self.text_if(index > 0, " AND ")?;
                    self.term(term)?;
                }
            }
            Comparand::Nothing => {}
            Comparand::Term(term) => self.term(term)?,
            Comparand::Terms(terms) => self.terms("(", terms, ")")?,
            Comparand::List(marker) => self.marker(*marker)?,
        }
        self.text_if(relation.operator == Operator::Expression, ")")
    }

    pub(super) fn operator(&mut self, operator: Operator) -> fmt::Result {
        self.text(match operator {
            Operator::Equal => " = ",
            Operator::NotEqual => " != ",
            Operator::Less => " < ",
            Operator::LessOrEqual => " <= ",
            Operator::Greater => " > ",
            Operator::GreaterOrEqual => " >= ",
            Operator::In => " IN ",
            Operator::NotIn => " NOT IN ",
            Operator::Between => " BETWEEN ",
            Operator::Contains => " CONTAINS ",
            Operator::ContainsKey => " CONTAINS KEY ",
            Operator::NotContains => " NOT CONTAINS ",
            Operator::NotContainsKey => " NOT CONTAINS KEY ",
            Operator::Like => " LIKE ",
            Operator::IsNotNull => " IS NOT NULL",
            Operator::Expression => ", ",
        })
    }

    pub(super) fn columns(&mut self, open: &str, columns: &[Name<'_>]) -> fmt::Result {
        self.text(open)?;
        self.names(columns)?;
        self.text(")")
    }
}

/// Whether a point behind it would be a part of its last token: `2.` is a number.
fn ends_in_literal(term: &Term<'_>) -> bool {
    match &term.kind {
        TermKind::Literal(_) => true,
        TermKind::Hint(_, term) | TermKind::Negation(term) => ends_in_literal(term),
        _ => false,
    }
}
