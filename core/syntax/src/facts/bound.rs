//! The values of a statement, those that are bound and those that stand in its text; and what a
//! `WHERE` asks of which column.

use super::leaves::{Clause, Leaf, Target, each_leaf};
use crate::token::Span;
use crate::tree::{
    Change, Comparand, Insert, InsertRow, Literal, Marker, Name, Operand, Operator, Part, Relation,
    Statement, Term, TermKind, Update,
};

/// A value that is bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Bound<'t> {
    /// Its place and name.
    pub marker: Marker<'t>,
    /// What it is for.
    pub target: Target<'t>,
    /// Where it stands.
    pub clause: Clause,
}

/// A value that stands in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct InText<'t> {
    /// The value.
    pub literal: Literal<'t>,
    /// What it is for.
    pub target: Target<'t>,
    /// In which clause it stands.
    pub clause: Clause,
    /// Where.
    pub span: Span,
}

/// What a `WHERE` asks of a column.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Restriction<'s, 't> {
    /// The column.
    pub column: Name<'t>,
    /// How it is compared.
    pub operator: Operator,
    /// The relation, which may be about other columns too.
    pub relation: &'s Relation<'t>,
}

/// What is written anew as a whole, whatever was there before.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Overwrite<'s, 't> {
    /// A column, and its new value.
    Column(Name<'t>, &'s Term<'t>),
    /// The columns that a JSON text has.
    Row,
}

impl<'t> Statement<'t> {
    /// What is bound, in the order in which it is bound.
    ///
    /// ```
    /// use cqlstack_syntax::{Target, parse};
    ///
    /// let update = parse("UPDATE t USING TTL ? SET name = ? WHERE id = :id")?;
    /// let markers = update.markers();
    /// assert_eq!(markers.len(), 3);
    /// assert_eq!(markers[0].target, Target::Ttl);
    /// assert!(matches!(markers[1].target, Target::Column(name) if name.resolved() == "name"));
    /// assert_eq!(markers[2].marker.name.unwrap().resolved(), "id");
    /// # Ok::<(), cqlstack_syntax::SyntaxError>(())
    /// ```
    #[must_use]
    pub fn markers(&self) -> Vec<Bound<'t>> {
        let mut markers = Vec::new();
        each_leaf(self, &mut |Leaf { term, target, clause }: Leaf<'_, 't>| {
            if let TermKind::Marker(marker) = term.kind {
                markers.push(Bound { marker, target, clause });
            }
        });
        // A statement is not always walked in the order of its text.
        markers.sort_by_key(|bound| bound.marker.index);
        markers
    }

    /// The values that stand in the text.
    ///
    /// ```
    /// use cqlstack_syntax::{Clause, parse};
    ///
    /// let select = parse("SELECT name FROM users WHERE id = 7 LIMIT 1")?;
    /// let clauses: Vec<_> = select.literals().iter().map(|literal| literal.clause).collect();
    /// assert_eq!(clauses, [Clause::Where, Clause::Limit]);
    /// # Ok::<(), cqlstack_syntax::SyntaxError>(())
    /// ```
    #[must_use]
    pub fn literals(&self) -> Vec<InText<'t>> {
        let mut literals = Vec::new();
        each_leaf(self, &mut |Leaf { term, target, clause }: Leaf<'_, 't>| {
            if let TermKind::Literal(literal) = term.kind {
                literals.push(InText { literal, target, clause, span: term.span });
            }
        });
        literals
    }

    /// Whether a value stands in its `WHERE`. It would be better bound: each value is another text, to
    /// be parsed and prepared anew, and a text that is put together from values can be made to mean
    /// something else.
    #[must_use]
    pub fn has_literal_in_where(&self) -> bool {
        let mut has = false;
        each_leaf(self, &mut |Leaf { term, clause, .. }: Leaf<'_, 't>| {
            has |= clause == Clause::Where && matches!(term.kind, TermKind::Literal(_));
        });
        has
    }

    /// What it writes anew as a whole; for a batch, of all its statements.
    ///
    /// ```
    /// use cqlstack_syntax::{Overwrite, parse};
    ///
    /// let update = parse("UPDATE t SET a = [1], b = b + 1, c[0] = 2 WHERE k = 1")?;
    /// let overwrites = update.overwrites();
    /// assert!(matches!(overwrites[..], [Overwrite::Column(a, _)] if a.resolved() == "a"));
    /// # Ok::<(), cqlstack_syntax::SyntaxError>(())
    /// ```
    #[must_use]
    pub fn overwrites(&self) -> Vec<Overwrite<'_, 't>> {
        match self {
            Statement::Insert(insert) => inserted(insert),
            Statement::Update(update) => updated(update),
            Statement::Batch(batch) => batch.statements.iter().flat_map(Self::overwrites).collect(),
            _ => Vec::new(),
        }
    }

    /// The columns that have one given value in the row that it writes or removes: what an `INSERT` has
    /// values for, and what a `WHERE` asks to be equal. None for a batch.
    ///
    /// ```
    /// use cqlstack_syntax::parse;
    ///
    /// let update = parse("UPDATE t SET v = 1 WHERE k = ? AND c > 5 AND d IN (7)")?;
    /// let names: Vec<_> = update.given().iter().map(|(column, _)| column.resolved()).collect();
    /// assert_eq!(names, ["k", "d"]);
    /// # Ok::<(), cqlstack_syntax::SyntaxError>(())
    /// ```
    #[must_use]
    pub fn given(&self) -> Vec<(Name<'t>, &Term<'t>)> {
        match self {
            Statement::Insert(insert) => match &insert.row {
                InsertRow::Values { columns, values } => {
                    columns.iter().copied().zip(values).collect()
                }
                InsertRow::Json { .. } => Vec::new(),
            },
            Statement::Update(update) => equalities(&update.relations),
            Statement::Delete(delete) => equalities(&delete.relations),
            _ => Vec::new(),
        }
    }

    /// What its `WHERE` asks, column by column; for a batch, of all its statements.
    ///
    /// ```
    /// use cqlstack_syntax::{Operator, parse};
    ///
    /// let delete = parse("DELETE FROM t WHERE k IN ? AND (a, b) > (1, 2)")?;
    /// let restrictions = delete.restrictions();
    /// let names: Vec<_> = restrictions.iter().map(|it| it.column.resolved()).collect();
    /// assert_eq!(names, ["k", "a", "b"]);
    /// assert_eq!(restrictions[0].operator, Operator::In);
    /// # Ok::<(), cqlstack_syntax::SyntaxError>(())
    /// ```
    #[must_use]
    pub fn restrictions(&self) -> Vec<Restriction<'_, 't>> {
        match self {
            Statement::Select(select) => restrictions(&select.relations),
            Statement::Update(update) => restrictions(&update.relations),
            Statement::Delete(delete) => restrictions(&delete.relations),
            Statement::Batch(batch) => {
                batch.statements.iter().flat_map(Self::restrictions).collect()
            }
            _ => Vec::new(),
        }
    }
}

fn inserted<'s, 't>(insert: &'s Insert<'t>) -> Vec<Overwrite<'s, 't>> {
    match &insert.row {
        InsertRow::Values { columns, values } => {
            let columns = columns.iter().zip(values);
            columns.map(|(column, value)| Overwrite::Column(*column, value)).collect()
        }
        InsertRow::Json { .. } => vec![Overwrite::Row],
    }
}

fn updated<'s, 't>(update: &'s Update<'t>) -> Vec<Overwrite<'s, 't>> {
    let whole = update.assignments.iter().filter_map(|assignment| {
        match (&assignment.part, &assignment.change) {
            (Part::Whole, Change::Set(value)) => Some(Overwrite::Column(assignment.column, value)),
            _ => None,
        }
    });
    whole.collect()
}

fn equalities<'s, 't>(relations: &'s [Relation<'t>]) -> Vec<(Name<'t>, &'s Term<'t>)> {
    let equal = relations.iter().filter_map(|relation| {
        let Operand::Column(column) = relation.left else { return None };
        match (relation.operator, &relation.right) {
            (Operator::Equal, Comparand::Term(value)) => Some((column, value)),
            (Operator::In, Comparand::Terms(values)) => match &values[..] {
                [only] => Some((column, only)),
                _ => None,
            },
            _ => None,
        }
    });
    equal.collect()
}

fn restrictions<'s, 't>(relations: &'s [Relation<'t>]) -> Vec<Restriction<'s, 't>> {
    let restrictions = relations.iter().flat_map(|relation| {
        let operator = relation.operator;
        let columns = relation.columns().iter();
        columns.map(move |column| Restriction { column: *column, operator, relation })
    });
    restrictions.collect()
}

impl<'t> Relation<'t> {
    /// The columns that it is about; none for a custom index's expression.
    #[must_use]
    pub fn columns(&self) -> &[Name<'t>] {
        match &self.left {
            Operand::Column(column) | Operand::Element(column, _) | Operand::Field(column, _) => {
                std::slice::from_ref(column)
            }
            Operand::Columns(columns) | Operand::Token(columns) => columns,
            Operand::Index(_) => &[],
        }
    }
}
