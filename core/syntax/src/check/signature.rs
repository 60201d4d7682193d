//! What a prepared statement takes and gives.

use std::borrow::Cow;

use super::column_name::column_name;
use super::find::Of;
use super::kind::{BIGINT, INT, TEXT, kind_of};
use super::nullability::{Nullability, Rows};
use super::receiver::{Receiver, SELECTED, field_of, receiver};
use crate::schema::{Column, DataType, Schema};
use crate::tree::{
    Batch, Change, Comparand, Condition, InsertRow, Name, Operand, Operator, Part, Relation,
    Select, Selection, Statement, Table as TableName, Term, TermKind, UsingOption, UsingParameter,
};

/// The names and the types of the markers and of the result's columns, as a server gives them when it prepares the
/// statement.
///
/// ```
/// use cqlstack_syntax::{Schema, check::Signature, parse};
///
/// let schema = Schema::from_script(
///     "CREATE KEYSPACE app WITH replication = {'class': 'SimpleStrategy'};
///      CREATE TABLE app.users (id int PRIMARY KEY, name text, tags list<text>)",
/// )?;
/// let select = parse("SELECT name AS who, writetime(name) FROM app.users WHERE id IN ? LIMIT :most")?;
/// let signature = Signature::of(&select, &schema, None).unwrap();
/// assert_eq!(signature.markers, ["in(id)", "most"]);
/// assert_eq!(signature.columns, ["who", "writetime(name)"]);
/// let kinds = |kinds: &[Option<cqlstack_syntax::DataType>]| {
///     kinds.iter().flatten().map(ToString::to_string).collect::<Vec<_>>()
/// };
/// assert_eq!(kinds(&signature.marker_kinds), ["list<int>", "int"]);
/// assert_eq!(kinds(&signature.column_kinds), ["text", "bigint"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Signature {
    /// The name of each marker, in the order in which they are bound.
    pub markers: Vec<String>,
    /// The name of each column of the result; none of a statement without rows, as a write.
    pub columns: Vec<String>,
    /// The type of each marker; none where the schema does not tell, as of a function's argument.
    pub marker_kinds: Vec<Option<DataType>>,
    /// The type of each column of the result; none where the schema does not tell, as of most functions.
    pub column_kinds: Vec<Option<DataType>>,
    /// Whether each column of the result can be null.
    pub nullability: Vec<Nullability>,
}

/// What one marker takes, or one column has: its name and its type.
pub(super) type Slot = (String, Option<DataType>);

/// What a statement gives: its columns, and whether they can be null.
type Result = (Vec<Slot>, Vec<Nullability>);

impl Signature {
    /// The signature of a statement. None if a table of it is not in the schema.
    ///
    /// `keyspace` is for tables that are named without theirs.
    #[must_use]
    pub fn of(statement: &Statement<'_>, schema: &Schema, keyspace: Option<&str>) -> Option<Self> {
        let mut reader = Reader { schema, keyspace, markers: Vec::new(), selects: false };
        let (columns, nullability) = reader.statement(statement)?;
        reader.markers.sort_by_key(|(index, _)| *index);
        let (markers, marker_kinds) = reader.markers.into_iter().map(|(_, slot)| slot).unzip();
        let (columns, column_kinds) = columns.into_iter().unzip();
        Some(Self { markers, columns, marker_kinds, column_kinds, nullability })
    }
}

pub(super) struct Reader<'s> {
    schema: &'s Schema,
    keyspace: Option<&'s str>,
    pub(super) markers: Vec<(u32, Slot)>,
    /// What a `SELECT` gives is read: arguments have no names there.
    pub(super) selects: bool,
}

impl<'s> Reader<'s> {
    fn table(&self, name: TableName<'_>) -> Option<Of<'s>> {
        Of::find(self.schema, name, self.keyspace)
    }

    fn statement(&mut self, statement: &Statement<'_>) -> Option<Result> {
        match statement {
            Statement::Select(select) => return self.select(select),
            Statement::Insert(insert) => {
                let of = self.table(insert.into)?;
                match &insert.row {
                    InsertRow::Values { columns, values } => {
                        for (name, value) in columns.iter().zip(values) {
                            self.term(of, value, &receiver(of, *name));
                        }
                    }
                    InsertRow::Json { value, .. } => {
                        self.term(of, value, &Receiver::new("[json]", &TEXT));
                    }
                }
                self.using(of, &insert.using);
            }
            Statement::Update(update) => {
                let of = self.table(update.table)?;
                self.using(of, &update.using);
                for assignment in &update.assignments {
                    let whole = receiver(of, assignment.column);
                    let (Change::Set(value)
                    | Change::Add(value)
                    | Change::Subtract(value)
                    | Change::Prepend(value)) = &assignment.change;
                    let target = self.part(of, &assignment.part, &whole);
                    if let (
                        Change::Subtract(_),
                        Some(DataType::Map(keys, _)),
                        TermKind::Marker(marker),
                    ) = (&assignment.change, target.unfrozen(), &value.kind)
                    {
                        // Keys go from a map.
                        let keys = DataType::Set(keys.clone());
                        self.mark(marker.index, marker.name, target.name, Some(keys));
                        continue;
                    }
                    self.term(of, value, &target);
                }
                self.relations(of, &update.relations);
                self.condition(of, &update.condition);
            }
            Statement::Delete(delete) => {
                let of = self.table(delete.from)?;
                for deletion in &delete.deletions {
                    self.part(of, &deletion.part, &receiver(of, deletion.column));
                }
                if let Some(timestamp) = &delete.timestamp {
                    self.term(of, timestamp, &Receiver::new("[timestamp]", &BIGINT));
                }
                self.relations(of, &delete.relations);
                self.condition(of, &delete.condition);
            }
            Statement::Batch(batch) => self.batch(batch)?,
            _ => {}
        }
        Some(Result::default())
    }

    fn batch(&mut self, batch: &Batch<'_>) -> Option<()> {
        let first = batch.statements.first().and_then(Statement::table);
        if let Some(of) = first.and_then(|table| self.table(table)) {
            self.using(of, &batch.using);
        }
        for statement in &batch.statements {
            self.statement(statement)?;
        }
        Some(())
    }

    fn using(&mut self, of: Of<'s>, options: &[UsingOption<'_>]) {
        for option in options {
            let receiver = match option.parameter {
                UsingParameter::Ttl => Receiver::new("[ttl]", &INT),
                UsingParameter::Timestamp => Receiver::new("[timestamp]", &BIGINT),
                UsingParameter::Timeout => Receiver::named("[timeout]"),
            };
            self.term(of, &option.value, &receiver);
        }
    }

    /// The receiver of a value for a part of a column.
    fn part(&mut self, of: Of<'s>, part: &Part<'_>, whole: &Receiver<'s>) -> Receiver<'s> {
        match part {
            Part::Whole => whole.clone(),
            Part::Element(key) => {
                self.term(of, key, &whole.key());
                whole.element()
            }
            Part::Field(field) => field_of(of, whole, *field),
        }
    }

    fn condition(&mut self, of: Of<'s>, condition: &Condition<'_>) {
        if let Condition::If(relations) = condition {
            self.relations(of, relations);
        }
    }

    fn relations(&mut self, of: Of<'s>, relations: &[Relation<'_>]) {
        for relation in relations {
            let receiver = match &relation.left {
                Operand::Column(name) => match relation.operator {
                    Operator::Contains => receiver(of, *name).element(),
                    Operator::ContainsKey => receiver(of, *name).key(),
                    _ => receiver(of, *name),
                },
                Operand::Element(name, key) => {
                    let whole = receiver(of, *name);
                    self.term(of, key, &whole.key());
                    whole.element()
                }
                Operand::Field(name, field) => field_of(of, &receiver(of, *name), *field),
                Operand::Columns(names) => {
                    self.together(of, names, relation);
                    continue;
                }
                Operand::Token(_) => Receiver::new("partition key token", &BIGINT),
                Operand::Index(_) => Receiver::named("custom index expression"),
            };
            match &relation.right {
                Comparand::Nothing => {}
                Comparand::Term(term) => self.term(of, term, &receiver),
                Comparand::Terms(terms) => {
                    for term in terms {
                        self.term(of, term, &receiver);
                    }
                }
                Comparand::List(marker) => {
                    let kind =
                        receiver.kind.map(|kind| DataType::List(Box::new(kind.into_owned())));
                    self.mark(marker.index, marker.name, format!("in({})", receiver.name), kind);
                }
            }
        }
    }

    /// `(a, b) = (?, ?)`
    fn together(&mut self, of: Of<'s>, names: &[Name<'_>], relation: &Relation<'_>) {
        let own: Vec<String> = names.iter().map(|name| name.resolved().into_owned()).collect();
        let all = format!("({})", own.join(","));
        let kinds = names.iter().map(|name| receiver(of, *name).kind.map(Cow::into_owned));
        let kind = kinds.collect::<Option<_>>().map(DataType::Tuple);
        let mut tuple = |term: &Term<'_>| match &term.kind {
            TermKind::Tuple(terms) => {
                for (term, name) in terms.iter().zip(names) {
                    self.term(of, term, &receiver(of, *name));
                }
            }
            TermKind::Marker(marker) => {
                self.mark(marker.index, marker.name, all.clone(), kind.clone());
            }
            _ => self.term(of, term, &Receiver::named(&all)),
        };
        match &relation.right {
            Comparand::Nothing => {}
            Comparand::Term(term) => tuple(term),
            Comparand::Terms(terms) => terms.iter().for_each(tuple),
            Comparand::List(marker) => {
                let kind = kind.map(|kind| DataType::List(Box::new(kind)));
                self.mark(marker.index, marker.name, format!("in{all}"), kind);
            }
        }
    }

    fn select(&mut self, select: &Select<'_>) -> Option<Result> {
        let of = self.table(select.from)?;
        let (mut columns, mut nullability) = (Vec::new(), Vec::new());
        match &select.selection {
            Selection::All => {
                let rows = Rows::new(of, select, &[]);
                for column in of.all_columns() {
                    columns.push(slot(column));
                    nullability.push(rows.column(column));
                }
            }
            Selection::Selectors(selectors) => {
                let terms: Vec<_> = selectors.iter().map(|selector| &selector.term).collect();
                let rows = Rows::new(of, select, &terms);
                nullability.extend(terms.iter().map(|term| rows.term(term)));
                self.selects = true;
                for selector in selectors {
                    self.term(of, &selector.term, &Receiver::named(SELECTED));
                    let name = match selector.alias {
                        Some(alias) => alias.resolved().into_owned(),
                        None => column_name(of, &selector.term),
                    };
                    columns.push((name, kind_of(of, &selector.term)));
                }
            }
        }
        self.selects = false;
        self.relations(of, &select.relations);
        for ordering in &select.order_by {
            if let Some(near) = &ordering.near {
                self.term(of, near, &receiver(of, ordering.column));
            }
        }
        if let Some(limit) = &select.per_partition_limit {
            self.term(of, limit, &Receiver::new("[per_partition_limit]", &INT));
        }
        if let Some(limit) = &select.limit {
            self.term(of, limit, &Receiver::new("[limit]", &INT));
        }
        if select.json {
            columns = vec![("[json]".to_owned(), Some(TEXT.clone()))];
            nullability = vec![Nullability::Never];
        }
        Some((columns, nullability))
    }
}

/// What `SELECT *` has of a column.
pub(super) fn slot(column: &Column) -> Slot {
    (column.name.clone(), Some(column.kind.clone()))
}
