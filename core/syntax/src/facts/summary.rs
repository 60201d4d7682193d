//! What sending a statement asks of its text, read once and kept.
//!
//! Enums are exhaustive on purpose: what `cql!` writes has each of their variants, and is released together with them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use super::StatementKind;
use super::bound::Overwrite;
use super::leaves::Target;
use crate::keyword::Keyword;
use crate::parse::verb;
use crate::tree::{
    Assignment, Change, Delete, Insert, InsertRow, LiteralKind, Name, Operator, Part, Statement,
    Term, TermKind, Update,
};

type List<T> = Cow<'static, [T]>;

/// What sending a statement asks of its text. It owns its names, or borrows them for ever, so that it can be made
/// at run time and stand in a `static`.
///
/// ```
/// use cqlstack_syntax::{Facts, Form, StatementKind, parse};
///
/// let facts = Facts::of(&parse("UPDATE app.users SET name = ? WHERE id = ?")?);
/// assert_eq!((facts.kind, facts.form), (StatementKind::Write, Form::Change));
/// assert_eq!((facts.label(), facts.is_idempotent), ("UPDATE app.users", true));
/// assert_eq!(facts.tables().next(), Some((Some("app"), "users")));
/// # Ok::<(), cqlstack_syntax::SyntaxError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Facts {
    /// [`Statement::kind`]
    pub kind: StatementKind,
    /// [`Statement::is_idempotent`]
    pub is_idempotent: bool,
    /// The form of the statement.
    pub form: Form,
    /// [`Statement::depends_on_use`]
    pub depends_on_use: bool,
    /// Whether it inserts a row as JSON, whose columns only the value tells.
    pub writes_json: bool,
    label: Cow<'static, str>,
    lists: Lists,
}

/// The lists of [`Facts`]. Names stand in them as indices of `names`, so that a compiler has little to read. For `cql!`
/// alone: the lists may be others in any version.
#[doc(hidden)]
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Lists {
    /// Names and literals, each once.
    pub names: Names,
    /// Keyspace and name of each table.
    pub tables: List<(Option<u32>, u32)>,
    /// Columns.
    pub several: List<u32>,
    /// A column and its value.
    pub given: List<(u32, GivenValue)>,
    /// A column and how it is written.
    pub written: List<(u32, Effect)>,
    /// The purpose of each marker.
    pub markers: List<MarkerTarget>,
}

/// Names of a statement, known when the program was compiled or read at run time. For `cql!` alone.
#[doc(hidden)]
#[derive(Clone, Eq)]
pub enum Names {
    /// By the macro.
    Given(&'static [&'static str]),
    /// By the parser.
    Read(Vec<Box<str>>),
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

/// A value that a text gives to a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GivenValue<N = u32> {
    /// The marker of this index.
    Marker(u32),
    /// A literal, as it was written.
    Literal(LiteralKind, N),
    /// Anything else, as the result of a function.
    Computed,
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

/// The purpose of a marker: a [`Target`] without places in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkerTarget<N = u32> {
    /// [`Target::Column`]
    Column(N),
    /// [`Target::In`]
    In(N),
    /// [`Target::Key`]
    Key(N),
    /// [`Target::Element`]
    Element(N),
    /// [`Target::Field`], without the field.
    Field(N),
    /// [`Target::Part`]
    Part(N),
    /// Its type does not depend on a table: `LIMIT`, `USING`, a token, a row as JSON.
    Fixed,
    /// Any other.
    Other,
}

/// Shows no literal.
impl fmt::Debug for Lists {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lists(..)")
    }
}

/// Shows no literal.
impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Names(..)")
    }
}

/// They are equal when the names are.
impl PartialEq for Names {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Default for Names {
    fn default() -> Self {
        Self::Given(&[])
    }
}

impl Names {
    fn at(&self, index: u32) -> &str {
        let index = index as usize;
        match self {
            Self::Given(names) => names.get(index).copied().unwrap_or_default(),
            Self::Read(names) => names.get(index).map_or("", |name| name),
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let count = match self {
            Self::Given(names) => names.len(),
            Self::Read(names) => names.len(),
        };
        (0..u32::try_from(count).unwrap_or(u32::MAX)).map(|index| self.at(index))
    }
}

impl Facts {
    /// The facts of a statement.
    #[must_use]
    pub fn of(statement: &Statement<'_>) -> Self {
        let kind = statement.kind();
        let is_row = |overwrite: &Overwrite<'_, '_>| matches!(overwrite, Overwrite::Row);
        Self {
            kind,
            is_idempotent: statement.is_idempotent(),
            form: Form::of(statement),
            depends_on_use: statement.depends_on_use(),
            writes_json: statement.overwrites().iter().any(is_row),
            label: statement.label().into(),
            lists: Reader::default().read(statement, kind),
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
        let mut facts = Self::given_as(kind, form, label, Lists::NONE);
        facts.depends_on_use = true;
        facts
    }

    /// Facts that are known without a text: not idempotent, independent of `USE`, and no JSON, until the fields
    /// are set.
    #[doc(hidden)]
    #[must_use]
    pub const fn given_as(
        kind: StatementKind,
        form: Form,
        label: &'static str,
        lists: Lists,
    ) -> Self {
        Self {
            kind,
            is_idempotent: false,
            form,
            depends_on_use: false,
            writes_json: false,
            label: Cow::Borrowed(label),
            lists,
        }
    }

    /// [`Statement::label`]
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The lists as they are stored.
    #[doc(hidden)]
    #[must_use]
    pub const fn lists(&self) -> &Lists {
        &self.lists
    }

    /// Keyspace, if the text names it, and name of each table that it reads or writes: [`Statement::tables`].
    pub fn tables(&self) -> impl Iterator<Item = (Option<&str>, &str)> {
        let name = |at: u32| self.lists.names.at(at);
        self.lists.tables.iter().map(move |(keyspace, own)| (keyspace.map(name), name(*own)))
    }

    /// The columns with `IN` for which it may write to several partitions.
    #[must_use]
    pub fn several(&self) -> impl ExactSizeIterator<Item = &str> {
        self.lists.several.iter().map(|at| self.lists.names.at(*at))
    }

    /// The columns that have one given value in the row that it writes or removes: [`Statement::given`].
    pub fn given(&self) -> impl Iterator<Item = (&str, GivenValue<&str>)> {
        self.lists.given.iter().map(|(column, value)| {
            let value = match *value {
                GivenValue::Marker(index) => GivenValue::Marker(index),
                GivenValue::Literal(kind, at) => GivenValue::Literal(kind, self.lists.names.at(at)),
                GivenValue::Computed => GivenValue::Computed,
            };
            (self.lists.names.at(*column), value)
        })
    }

    /// The columns that it writes, and how; of a batch, those of all its statements.
    #[must_use]
    pub fn written(&self) -> impl ExactSizeIterator<Item = (&str, Effect)> {
        self.lists.written.iter().map(|(column, effect)| (self.lists.names.at(*column), *effect))
    }

    /// The purpose of each marker, in the order in which they are bound.
    #[must_use]
    pub fn markers(&self) -> impl ExactSizeIterator<Item = MarkerTarget<&str>> {
        self.lists.markers.iter().map(|target| target.map(|at| self.lists.names.at(at)))
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
        let of_column = |(column, effect): (&str, Effect)| match effect {
            Effect::Bound | Effect::List | Effect::Value => {
                is_list(Some(column)).unwrap_or(effect == Effect::List)
            }
            Effect::Part | Effect::Removed => false,
        };
        self.written().any(of_column) || self.writes_json && is_list(None).unwrap_or(true)
    }
}

impl Lists {
    /// Nothing is known.
    pub const NONE: Self = Self {
        names: Names::Given(&[]),
        tables: Cow::Borrowed(&[]),
        several: Cow::Borrowed(&[]),
        given: Cow::Borrowed(&[]),
        written: Cow::Borrowed(&[]),
        markers: Cow::Borrowed(&[]),
    };
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

impl<N: Copy> MarkerTarget<N> {
    /// The column that the value is for, or for a part of.
    #[must_use]
    pub const fn column(self) -> Option<N> {
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

    fn map<M>(self, name: impl FnOnce(N) -> M) -> MarkerTarget<M> {
        match self {
            Self::Column(it) => MarkerTarget::Column(name(it)),
            Self::In(it) => MarkerTarget::In(name(it)),
            Self::Key(it) => MarkerTarget::Key(name(it)),
            Self::Element(it) => MarkerTarget::Element(name(it)),
            Self::Field(it) => MarkerTarget::Field(name(it)),
            Self::Part(it) => MarkerTarget::Part(name(it)),
            Self::Fixed => MarkerTarget::Fixed,
            Self::Other => MarkerTarget::Other,
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

/// Gives each name its index.
#[derive(Default)]
struct Reader<'t> {
    names: Vec<Cow<'t, str>>,
    known: HashMap<Cow<'t, str>, u32>,
}

impl<'t> Reader<'t> {
    fn index(&mut self, text: Cow<'t, str>) -> u32 {
        let next = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        let index = *self.known.entry(text.clone()).or_insert(next);
        if index == next {
            self.names.push(text);
        }
        index
    }

    fn name(&mut self, name: Name<'t>) -> u32 {
        self.index(name.resolved())
    }

    fn read(mut self, statement: &Statement<'t>, kind: StatementKind) -> Lists {
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
        let names = self.names.into_iter().map(|name| name.into_owned().into());
        let names = Names::Read(names.collect());
        Lists { names, tables, several: several.into(), given, written: written.into(), markers }
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
