//! The answer to a lightweight transaction whose condition did not hold.

use super::find::Of;
use super::signature::{Slot, slot};
use crate::schema::{Column, ColumnRole, DataType, Schema};
use crate::tree::{Condition, Delete, Operand, Relation, Statement, Update};

/// The columns that a server shows, after `[applied]`, where these conditions did not hold: the name and the type of
/// each. They are those of one statement, or of all statements of a batch, whose key comes before them.
///
/// Of `IF NOT EXISTS` they are those of the table, as `SELECT *` has them; of other conditions the columns that they
/// name, of each statement the static ones last; of `IF EXISTS` there are none, and in a batch those of the table. None if a table is not in the schema, or if no statement
/// has a condition. `keyspace` is for tables that are named without theirs.
///
/// ```
/// use cqlstack_syntax::{Schema, check::not_applied, parse};
///
/// let schema = Schema::from_script(
///     "CREATE KEYSPACE app WITH replication = {'class': 'SimpleStrategy'};
///      CREATE TABLE app.jobs (id int PRIMARY KEY, owner text, version int)",
/// )?;
/// let update = parse("UPDATE app.jobs SET owner = ? WHERE id = ? IF version = ? AND owner = null")?;
/// let names = |is_batch| {
///     let columns = not_applied(&[&update], is_batch, &schema, None).unwrap();
///     columns.into_iter().map(|(name, _)| name).collect::<Vec<_>>()
/// };
/// assert_eq!(names(false), ["version", "owner"]);
/// assert_eq!(names(true), ["id", "version", "owner"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn not_applied(
    statements: &[&Statement<'_>],
    is_batch: bool,
    schema: &Schema,
    keyspace: Option<&str>,
) -> Option<Vec<(String, Option<DataType>)>> {
    let mut shown = Shown::default();
    for statement in statements {
        match statement {
            Statement::Batch(batch) => {
                let statements: Vec<_> = batch.statements.iter().collect();
                return not_applied(&statements, true, schema, keyspace);
            }
            Statement::Insert(insert) if insert.if_not_exists => {
                shown.row(Of::find(schema, insert.into, keyspace)?);
            }
            Statement::Update(Update { table, condition, .. })
            | Statement::Delete(Delete { from: table, condition, .. }) => {
                let of = Of::find(schema, *table, keyspace)?;
                match condition {
                    Condition::Always => {}
                    // There is no row to show but another one of the batch.
                    Condition::Exists if is_batch => shown.row(of),
                    Condition::Exists => shown.is_any = true,
                    Condition::If(relations) => shown.columns(of, relations, is_batch),
                }
            }
            _ => {}
        }
    }
    shown.is_any.then(|| shown.all())
}

/// Columns in the order in which they are shown.
#[derive(Default)]
struct Shown {
    is_any: bool,
    /// All of a table, whatever other conditions name.
    row: Option<Vec<Slot>>,
    named: Vec<Slot>,
}

impl Shown {
    fn row(&mut self, of: Of<'_>) {
        self.is_any = true;
        self.row = Some(of.all_columns().map(slot).collect());
    }

    fn columns(&mut self, of: Of<'_>, relations: &[Relation<'_>], is_batch: bool) {
        self.is_any = true;
        if is_batch {
            for column in of.partition_key().chain(of.clustering_key()) {
                self.name(column);
            }
        }
        // Those of one statement after another, of each the static ones last.
        let mut fixed = Vec::new();
        for relation in relations {
            let (Operand::Column(name) | Operand::Element(name, _) | Operand::Field(name, _)) =
                relation.left
            else {
                continue;
            };
            let Some(column) = of.column(&name.resolved()) else { continue };
            if column.role == ColumnRole::Static {
                fixed.push(column);
            } else {
                self.name(column);
            }
        }
        for column in fixed {
            self.name(column);
        }
    }

    fn name(&mut self, column: &Column) {
        if self.named.iter().all(|(known, _)| *known != column.name) {
            self.named.push(slot(column));
        }
    }

    fn all(self) -> Vec<Slot> {
        self.row.unwrap_or(self.named)
    }
}
