//! What sending a statement asks of its text, read once and kept.

use std::borrow::Cow;
use std::fmt;

use super::StatementKind;
use super::bound::Overwrite;
use super::leaves::Target;
use crate::keyword::Keyword;
use crate::parse::verb;
use crate::tree::{
    Assignment, Change, Delete, Insert, InsertRow, LiteralKind, Name, Operator, Part, Statement,
    Table, Term, TermKind, Update,
};

type Text = Cow<'static, str>;
type List<T> = Cow<'static, [T]>;

/// What sending a statement asks of its text. It owns its names, or borrows them for ever, so that it can be made
/// at run time and stand in a `static`.
///
/// ```
/// use cqlstack_syntax::{Facts, Form, StatementKind, parse};
///
/// let facts = Facts::of(&parse("UPDATE app.users SET name = ? WHERE id = ?")?);
/// assert_eq!((facts.kind, facts.form), (StatementKind::Write, Form::Change));
/// assert_eq!((&*facts.label, facts.is_idempotent), ("UPDATE app.users", true));
/// # Ok::<(), cqlstack_syntax::SyntaxError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "the macro makes it, field by field")]
pub struct Facts {
    /// [`Statement::kind`]
    pub kind: StatementKind,
    /// [`Statement::is_idempotent`]
    pub is_idempotent: bool,
    /// [`Statement::label`]
    pub label: Text,
    /// The form of the statement.
    pub form: Form,
    /// [`Statement::depends_on_use`]
    pub depends_on_use: bool,
    /// Whether it inserts a row as JSON, whose columns only the value tells.
    pub writes_json: bool,
    /// [`Statement::tables`]
    pub tables: List<TableName>,
    /// The columns with `IN` for which it may write to several partitions.
    pub several: List<Text>,
    /// [`Statement::given`]
    pub given: List<Given>,
    /// The columns that it writes; of a batch, those of all its statements.
    pub written: List<Written>,
    /// The purpose of each marker, in the order in which they are bound.
    pub markers: List<MarkerTarget>,
}

/// The form of a statement, as far as that decides whether it may stand in a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// `INSERT`
    Insert,
    /// `UPDATE`, `DELETE`
    Change,
    /// `BEGIN BATCH … APPLY BATCH`
    Batch,
    /// `USE`
    Use,
    /// Any other that parses.
    Other,
    /// The parser does not understand it.
    Unread,
}

/// A table as the schema calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableName {
    /// Its keyspace, if the text names one.
    pub keyspace: Option<Text>,
    /// Its name.
    pub name: Text,
}

/// A column that has one given value in the row that is written or removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// The column.
    pub column: Text,
    /// Its value.
    pub value: GivenValue,
}

/// A value that a text gives.
#[derive(Clone, PartialEq, Eq)]
pub enum GivenValue {
    /// The marker of this index.
    Marker(u32),
    /// A literal, as it was written.
    Literal(LiteralKind, Text),
    /// Anything else, as the result of a function.
    Computed,
}

/// Shows no literal.
impl fmt::Debug for GivenValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Marker(index) => f.debug_tuple("Marker").field(index).finish(),
            Self::Literal(kind, _) => f.debug_tuple("Literal").field(kind).finish(),
            Self::Computed => f.write_str("Computed"),
        }
    }
}

/// A column that is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The column.
    pub column: Text,
    /// How it is written.
    pub effect: Effect,
}

/// How a column is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// A marker replaces it as a whole.
    Bound,
    /// What looks like a list replaces it as a whole.
    List,
    /// Another value replaces it as a whole.
    Value,
    /// A part of it changes: `a[1] = 2`, `a = a + 1`.
    Part,
    /// It is removed, or a part of it is.
    Removed,
}

/// The purpose of a marker: a [`Target`] that owns its names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MarkerTarget {
    /// [`Target::Column`]
    Column(Text),
    /// [`Target::In`]
    In(Text),
    /// [`Target::Key`]
    Key(Text),
    /// [`Target::Element`]
    Element(Text),
    /// [`Target::Field`], without the field.
    Field(Text),
    /// [`Target::Part`]
    Part(Text),
    /// Its type does not depend on a table: `LIMIT`, `USING`, a token, a row as JSON.
    Fixed,
    /// Any other.
    Other,
}

impl Facts {
    /// The facts of a statement.
    #[must_use]
    pub fn of(statement: &Statement<'_>) -> Self {
        let kind = statement.kind();
        let several = match (kind, statement) {
            // It is several partitions by its statements.
            (_, Statement::Batch(_)) => Vec::new(),
            (StatementKind::MultiPartition | StatementKind::Counter, _) => in_columns(statement),
            _ => Vec::new(),
        };
        let given = statement.given().into_iter().map(|(column, value)| Given::new(column, value));
        let mut written = Vec::new();
        written_by(statement, &mut written);
        let is_row = |overwrite: &Overwrite<'_, '_>| matches!(overwrite, Overwrite::Row);
        let markers = statement.markers().into_iter().map(|bound| MarkerTarget::of(bound.target));
        Self {
            kind,
            is_idempotent: statement.is_idempotent(),
            label: statement.label().into(),
            form: Form::of(statement),
            depends_on_use: statement.depends_on_use(),
            writes_json: statement.overwrites().iter().any(is_row),
            tables: statement.tables().into_iter().map(TableName::of).collect(),
            several: several.into(),
            given: given.collect(),
            written: written.into(),
            markers: markers.collect(),
        }
    }

    /// The facts of a text that does not parse. Its first word tells the kind; the server decides the rest.
    #[must_use]
    pub fn unread(text: &str) -> Self {
        let verb = verb(text);
        let (kind, label) = match verb {
            Some(verb @ (Keyword::Create | Keyword::Alter | Keyword::Drop)) => {
                (StatementKind::Schema, verb.as_str())
            }
            _ => (StatementKind::Other, "unrecognised"),
        };
        let form = if verb == Some(Keyword::Use) { Form::Use } else { Form::Unread };
        Self { label: label.into(), depends_on_use: true, ..Self::bare(kind, false, form) }
    }

    /// The facts of a statement of which no more is known; it has no label.
    #[must_use]
    pub const fn bare(kind: StatementKind, is_idempotent: bool, form: Form) -> Self {
        Self {
            kind,
            is_idempotent,
            label: Cow::Borrowed(""),
            form,
            depends_on_use: false,
            writes_json: false,
            tables: Cow::Borrowed(&[]),
            several: Cow::Borrowed(&[]),
            given: Cow::Borrowed(&[]),
            written: Cow::Borrowed(&[]),
            markers: Cow::Borrowed(&[]),
        }
    }

    /// Whether it writes a list anew, whose elements would all be there twice if it was applied twice.
    ///
    /// `is_list` tells of a column, or of any column of the table, whether it is a list that is not frozen; where it
    /// does not know, what looks like a list is one.
    ///
    /// ```
    /// use cqlstack_syntax::{Facts, parse};
    ///
    /// let facts = Facts::of(&parse("UPDATE t SET tags = ? WHERE k = 1")?);
    /// assert!(facts.overwrites_list(|column| Some(column == Some("tags"))));
    /// # Ok::<(), cqlstack_syntax::SyntaxError>(())
    /// ```
    #[must_use]
    pub fn overwrites_list(&self, is_list: impl Fn(Option<&str>) -> Option<bool>) -> bool {
        let of_column = |written: &Written| match written.effect {
            Effect::Bound | Effect::List | Effect::Value => {
                is_list(Some(&written.column)).unwrap_or(written.effect == Effect::List)
            }
            Effect::Part | Effect::Removed => false,
        };
        self.written.iter().any(of_column) || self.writes_json && is_list(None).unwrap_or(true)
    }
}

impl Form {
    const fn of(statement: &Statement<'_>) -> Self {
        match statement {
            Statement::Insert(_) => Self::Insert,
            Statement::Update(_) | Statement::Delete(_) => Self::Change,
            Statement::Batch(_) => Self::Batch,
            Statement::Use(_) => Self::Use,
            _ => Self::Other,
        }
    }
}

impl TableName {
    fn of(table: Table<'_>) -> Self {
        Self { keyspace: table.keyspace.map(owned), name: owned(table.name) }
    }
}

impl Given {
    fn new(column: Name<'_>, value: &Term<'_>) -> Self {
        let value = match (&value.kind, &value.without_parentheses().kind) {
            (TermKind::Marker(marker), _) => GivenValue::Marker(marker.index),
            (_, TermKind::Literal(literal)) => {
                GivenValue::Literal(literal.kind, literal.written.to_owned().into())
            }
            _ => GivenValue::Computed,
        };
        Self { column: owned(column), value }
    }
}

impl MarkerTarget {
    fn of(target: Target<'_>) -> Self {
        match target {
            Target::Column(name) => Self::Column(owned(name)),
            Target::In(name) => Self::In(owned(name)),
            Target::Key(name) => Self::Key(owned(name)),
            Target::Element(name) => Self::Element(owned(name)),
            Target::Field(name, _) => Self::Field(owned(name)),
            Target::Part(name) => Self::Part(owned(name)),
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

    /// The column that the value is for, or for a part of.
    #[must_use]
    pub fn column(&self) -> Option<&str> {
        match self {
            Self::Column(name)
            | Self::In(name)
            | Self::Key(name)
            | Self::Element(name)
            | Self::Field(name)
            | Self::Part(name) => Some(name),
            Self::Fixed | Self::Other => None,
        }
    }
}

fn written_by(statement: &Statement<'_>, written: &mut Vec<Written>) {
    let one = |column: Name<'_>, effect| Written { column: owned(column), effect };
    match statement {
        Statement::Insert(Insert { row: InsertRow::Values { columns, values }, .. }) => {
            let pairs = columns.iter().zip(values);
            written.extend(pairs.map(|(column, value)| one(*column, Effect::of_value(value))));
        }
        Statement::Update(Update { assignments, .. }) => {
            let changed = |it: &Assignment<'_>| one(it.column, Effect::of_assignment(it));
            written.extend(assignments.iter().map(changed));
        }
        Statement::Delete(Delete { deletions, .. }) => {
            written.extend(deletions.iter().map(|it| one(it.column, Effect::Removed)));
        }
        Statement::Batch(batch) => {
            batch.statements.iter().for_each(|statement| written_by(statement, written));
        }
        _ => {}
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

fn in_columns(statement: &Statement<'_>) -> Vec<Text> {
    let restrictions = statement.restrictions();
    let with_in = restrictions.iter().filter(|restriction| restriction.operator == Operator::In);
    with_in.map(|restriction| owned(restriction.column)).collect()
}

fn owned(name: Name<'_>) -> Text {
    name.resolved().into_owned().into()
}
