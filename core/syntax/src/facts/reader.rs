//! Reads the facts of a statement out of its tree.

use std::borrow::Cow;
use std::collections::HashMap;

use super::StatementKind;
use super::leaves::Target;
use super::row_bound::RowBound;
use super::summary::{Effect, Form, GivenValue, Lists, MarkerTarget, Names, nth};
use crate::tree::{
    Assignment, Change, Delete, Insert, InsertRow, Name, Operator, Part, Statement, Term, TermKind,
    Update,
};

impl Form {
    pub(super) const fn of(statement: &Statement<'_>) -> Self {
        match statement {
            Statement::Insert(_) => Self::Insert,
            Statement::Update(_) | Statement::Delete(_) => Self::Change,
            Statement::Batch(_) => Self::Batch,
            Statement::Use(_) => Self::Use,
            _ => Self::Other,
        }
    }
}

pub(super) fn writes_json(statement: &Statement<'_>) -> bool {
    match statement {
        Statement::Insert(insert) => matches!(insert.row, InsertRow::Json { .. }),
        Statement::Batch(batch) => batch.statements.iter().any(writes_json),
        _ => false,
    }
}

impl Effect {
    fn of_value(value: &Term<'_>) -> Self {
        match (&value.kind, &value.without_parentheses().kind) {
            (TermKind::Marker(_), _) => Self::Bound,
            (_, TermKind::List(_)) => Self::List,
            _ => Self::Value,
        }
    }

    fn of_assignment(assignment: &Assignment<'_>) -> Self {
        match (&assignment.part, &assignment.change) {
            (Part::Whole, Change::Set(value)) => Self::of_value(value),
            _ => Self::Part,
        }
    }
}

impl<'t> MarkerTarget<Name<'t>> {
    fn of(target: Target<'t>) -> Self {
        match target {
            Target::Column(name) => Self::Column(name),
            Target::In(name) => Self::In(name),
            Target::Key(name) => Self::Key(name),
            Target::Element(name) => Self::Element(name),
            Target::Field(name, _) => Self::Field(name),
            Target::Part(name) => Self::Part(name),
            Target::Token
            | Target::Ttl
            | Target::Timestamp
            | Target::Timeout
            | Target::Limit
            | Target::PerPartitionLimit
            | Target::Json => Self::Fixed,
            Target::Tuple
            | Target::InTuple
            | Target::Index(_)
            | Target::Argument
            | Target::Result => Self::Other,
        }
    }
}

/// Of so many names each is compared; more are hashed.
const FEW: usize = 16;

/// Gives each name its index.
#[derive(Default)]
pub(super) struct Reader<'t> {
    all: String,
    ends: Vec<u32>,
    /// Where there are more than a few.
    known: HashMap<Cow<'t, str>, u32>,
}

impl<'t> Reader<'t> {
    fn index(&mut self, text: Cow<'t, str>) -> u32 {
        let count = self.ends.len();
        let first = (0..count.min(FEW)).find(|at| nth(&self.all, &self.ends, *at) == text);
        let known =
            first.and_then(|at| u32::try_from(at).ok()).or_else(|| self.known.get(&text).copied());
        if let Some(known) = known {
            return known;
        }
        let next = u32::try_from(count).unwrap_or(u32::MAX);
        self.all.push_str(&text);
        self.ends.push(u32::try_from(self.all.len()).unwrap_or(u32::MAX));
        if count >= FEW {
            self.known.insert(text, next);
        }
        next
    }

    fn name(&mut self, name: Name<'t>) -> u32 {
        self.index(name.resolved())
    }

    pub(super) fn read(
        mut self,
        statement: &Statement<'t>,
        kind: StatementKind,
        rows: RowBound<'t>,
    ) -> Lists {
        let tables = statement.tables().into_iter().map(|table| {
            (table.keyspace.map(|keyspace| self.name(keyspace)), self.name(table.name))
        });
        let tables = tables.collect();
        let several = self.several(statement, kind);
        let given = statement
            .given()
            .into_iter()
            .map(|(column, value)| (self.name(column), self.value(value)));
        let given = given.collect();
        let mut written = Vec::new();
        self.written(statement, &mut written);
        let markers = statement
            .markers()
            .into_iter()
            .map(|bound| MarkerTarget::of(bound.target).map(|name| self.name(name)));
        let markers = markers.collect();
        let limit = rows.limit;
        let equal = rows.equal.into_iter().map(|name| self.name(name)).collect();
        let names = Names::Read(self.all.into(), self.ends.into());
        let (several, written) = (several.into(), written.into());
        Lists { names, tables, several, given, written, markers, equal, limit }
    }

    fn several(&mut self, statement: &Statement<'t>, kind: StatementKind) -> Vec<u32> {
        let may_be = matches!(kind, StatementKind::MultiPartition | StatementKind::Counter);
        // A batch is several partitions by its statements.
        if !may_be || matches!(statement, Statement::Batch(_)) {
            return Vec::new();
        }
        let restrictions = statement.restrictions();
        let with_in = restrictions.iter().filter(|it| it.operator == Operator::In);
        with_in.map(|restriction| self.name(restriction.column)).collect()
    }

    fn value(&mut self, value: &Term<'t>) -> GivenValue {
        match (&value.kind, &value.without_parentheses().kind) {
            (TermKind::Marker(marker), _) => GivenValue::Marker(marker.index),
            (_, TermKind::Literal(literal)) => {
                GivenValue::Literal(literal.kind, self.index(literal.written.into()))
            }
            _ => GivenValue::Computed,
        }
    }

    fn written(&mut self, statement: &Statement<'t>, written: &mut Vec<(u32, Effect)>) {
        match statement {
            Statement::Insert(Insert { row: InsertRow::Values { columns, values }, .. }) => {
                for (column, value) in columns.iter().zip(values) {
                    written.push((self.name(*column), Effect::of_value(value)));
                }
            }
            Statement::Update(Update { assignments, .. }) => {
                for assignment in assignments {
                    written.push((self.name(assignment.column), Effect::of_assignment(assignment)));
                }
            }
            Statement::Delete(Delete { deletions, .. }) => {
                for deletion in deletions {
                    written.push((self.name(deletion.column), Effect::Removed));
                }
            }
            Statement::Batch(batch) => {
                for statement in &batch.statements {
                    self.written(statement, written);
                }
            }
            _ => {}
        }
    }
}
