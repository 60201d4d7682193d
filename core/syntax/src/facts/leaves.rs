//! Walks through the terms of a statement, with what each is for.

use crate::tree::{
    Altered, Assignment, Change, ColumnDefinition, Comparand, Condition, Created, Delete, Insert,
    InsertRow, Mask, Name, Operand, Operator, Part, Relation, Select, Selection, Statement, Step,
    TableChange, Term, TermKind, Update, UsingOption, UsingParameter,
};

/// What a value is for: where it goes, or what it is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target<'t> {
    /// A column.
    Column(Name<'t>),
    /// All values of a column's `IN ?`.
    In(Name<'t>),
    /// The key or index in `column[?]`.
    Key(Name<'t>),
    /// The value in `column[…] = ?`.
    Element(Name<'t>),
    /// The value in `column.field = ?`.
    Field(Name<'t>, Name<'t>),
    /// A part of a column's value: an element of a list, a key of a map.
    Part(Name<'t>),
    /// Several columns at once: `(a, b) = ?`.
    Tuple,
    /// All values of `(a, b) IN ?`.
    InTuple,
    /// The token of a partition key.
    Token,
    /// A custom index's expression.
    Index(Name<'t>),
    /// An argument of a function, an operand of arithmetic.
    Argument,
    /// What a `SELECT` gives.
    Result,
    /// `USING TTL`
    Ttl,
    /// `USING TIMESTAMP`
    Timestamp,
    /// `USING TIMEOUT`, of `ScyllaDB`.
    Timeout,
    /// `LIMIT`
    Limit,
    /// `PER PARTITION LIMIT`
    PerPartitionLimit,
    /// A row as JSON.
    Json,
}

/// Where in a statement a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Clause {
    /// What a `SELECT` gives, what it groups and orders by.
    Select,
    /// `WHERE`
    Where,
    /// `LIMIT`, `PER PARTITION LIMIT`
    Limit,
    /// What an `INSERT` writes.
    Values,
    /// `SET`
    Set,
    /// What a `DELETE` removes.
    Delete,
    /// `USING`
    Using,
    /// `IF`
    If,
    /// What a `CREATE` or `ALTER` says of a mask or an aggregate.
    Definition,
}

/// A term that has no terms in it, or a function, before its arguments.
pub(super) struct Leaf<'s, 't> {
    pub(super) term: &'s Term<'t>,
    pub(super) target: Target<'t>,
    pub(super) clause: Clause,
}

pub(super) type Visit<'v, 't> = &'v mut dyn FnMut(Leaf<'_, 't>);

pub(super) fn each_leaf<'t>(statement: &Statement<'t>, visit: Visit<'_, 't>) {
    match statement {
        Statement::Select(statement) => select(statement, visit),
        Statement::Insert(statement) => insert(statement, visit),
        Statement::Update(statement) => update(statement, visit),
        Statement::Delete(statement) => delete(statement, visit),
        Statement::Batch(batch) => {
            using(&batch.using, visit);
            for statement in &batch.statements {
                each_leaf(statement, visit);
            }
        }
        Statement::Create(create) => created(&create.object, visit),
        Statement::Alter(alter) => altered(&alter.object, visit),
        Statement::Truncate(truncate) => timeout(truncate.timeout.as_ref(), visit),
        Statement::Prune(prune) => {
            relations(&prune.relations, Clause::Where, visit);
            timeout(prune.timeout.as_ref(), visit);
        }
        Statement::Use(_) | Statement::Drop(_) | Statement::Roles(_) | Statement::Describe(_) => {}
    }
}

fn select<'t>(select: &Select<'t>, visit: Visit<'_, 't>) {
    if let Selection::Selectors(selectors) = &select.selection {
        for selector in selectors {
            leaves(&selector.term, Target::Result, Clause::Select, visit);
        }
    }
    relations(&select.relations, Clause::Where, visit);
    for group in &select.group_by {
        leaves(group, Target::Argument, Clause::Select, visit);
    }
    for ordering in &select.order_by {
        if let Some(near) = &ordering.near {
            leaves(near, Target::Column(ordering.column), Clause::Select, visit);
        }
    }
    if let Some(limit) = &select.per_partition_limit {
        leaves(limit, Target::PerPartitionLimit, Clause::Limit, visit);
    }
    if let Some(limit) = &select.limit {
        leaves(limit, Target::Limit, Clause::Limit, visit);
    }
    timeout(select.timeout.as_ref(), visit);
}

fn created<'t>(created: &Created<'t>, visit: Visit<'_, 't>) {
    match created {
        Created::Table(table) => masks(&table.columns, visit),
        Created::View(view) => {
            if let Selection::Selectors(selectors) = &view.selection {
                for selector in selectors {
                    leaves(&selector.term, Target::Result, Clause::Select, visit);
                }
            }
            relations(&view.relations, Clause::Where, visit);
        }
        Created::Aggregate(aggregate) => {
            if let Some(initial) = &aggregate.initial {
                leaves(initial, Target::Argument, Clause::Definition, visit);
            }
        }
        _ => {}
    }
}

fn altered<'t>(altered: &Altered<'t>, visit: Visit<'_, 't>) {
    let Altered::Table(_, change) = altered else { return };
    match &**change {
        TableChange::Add { columns, .. } => masks(columns, visit),
        TableChange::Mask { mask, .. } => masked(mask.as_ref(), visit),
        _ => {}
    }
}

fn masks<'t>(columns: &[ColumnDefinition<'t>], visit: Visit<'_, 't>) {
    for column in columns {
        masked(column.mask.as_ref(), visit);
    }
}

fn masked<'t>(mask: Option<&Mask<'t>>, visit: Visit<'_, 't>) {
    if let Some(Mask::Function(function)) = mask {
        for argument in &function.arguments {
            leaves(argument, Target::Argument, Clause::Definition, visit);
        }
    }
}

fn insert<'t>(insert: &Insert<'t>, visit: Visit<'_, 't>) {
    match &insert.row {
        InsertRow::Values { columns, values } => {
            let targets = columns.iter().map(|column| Target::Column(*column));
            for (value, target) in
                values.iter().zip(targets.chain(std::iter::repeat(Target::Argument)))
            {
                leaves(value, target, Clause::Values, visit);
            }
        }
        InsertRow::Json { value, .. } => leaves(value, Target::Json, Clause::Values, visit),
    }
    using(&insert.using, visit);
}

fn update<'t>(update: &Update<'t>, visit: Visit<'_, 't>) {
    using(&update.using, visit);
    for Assignment { column, part, change, .. } in &update.assignments {
        let target = match part {
            Part::Whole => Target::Column(*column),
            Part::Element(key) => {
                leaves(key, Target::Key(*column), Clause::Set, visit);
                Target::Element(*column)
            }
            Part::Field(field) => Target::Field(*column, *field),
        };
        let (Change::Set(term)
        | Change::Add(term)
        | Change::Subtract(term)
        | Change::Prepend(term)) = change;
        leaves(term, target, Clause::Set, visit);
    }
    relations(&update.relations, Clause::Where, visit);
    condition(&update.condition, visit);
}

fn delete<'t>(delete: &Delete<'t>, visit: Visit<'_, 't>) {
    for deletion in &delete.deletions {
        if let Part::Element(key) = &deletion.part {
            leaves(key, Target::Key(deletion.column), Clause::Delete, visit);
        }
    }
    if let Some(timestamp) = &delete.timestamp {
        leaves(timestamp, Target::Timestamp, Clause::Using, visit);
    }
    timeout(delete.timeout.as_ref(), visit);
    relations(&delete.relations, Clause::Where, visit);
    condition(&delete.condition, visit);
}

fn timeout<'t>(timeout: Option<&Term<'t>>, visit: Visit<'_, 't>) {
    if let Some(timeout) = timeout {
        leaves(timeout, Target::Timeout, Clause::Using, visit);
    }
}

fn using<'t>(options: &[UsingOption<'t>], visit: Visit<'_, 't>) {
    for option in options {
        let target = match option.parameter {
            UsingParameter::Ttl => Target::Ttl,
            UsingParameter::Timestamp => Target::Timestamp,
            UsingParameter::Timeout => Target::Timeout,
        };
        leaves(&option.value, target, Clause::Using, visit);
    }
}

fn condition<'t>(condition: &Condition<'t>, visit: Visit<'_, 't>) {
    if let Condition::If(conditions) = condition {
        relations(conditions, Clause::If, visit);
    }
}

fn relations<'t>(relations: &[Relation<'t>], clause: Clause, visit: Visit<'_, 't>) {
    for relation in relations {
        let target = match &relation.left {
            Operand::Column(column) if relation.operator == Operator::Contains => {
                Target::Part(*column)
            }
            Operand::Column(column) if relation.operator == Operator::ContainsKey => {
                Target::Key(*column)
            }
            Operand::Column(column) => Target::Column(*column),
            Operand::Element(column, key) => {
                leaves(key, Target::Key(*column), clause, visit);
                Target::Element(*column)
            }
            Operand::Field(column, field) => Target::Field(*column, *field),
            Operand::Columns(columns) => {
                tuples(columns, relation, clause, visit);
                continue;
            }
            Operand::Token(_) => Target::Token,
            Operand::Index(index) => Target::Index(*index),
        };
        match &relation.right {
            Comparand::Nothing => {}
            Comparand::Term(term) => leaves(term, target, clause, visit),
            Comparand::Terms(terms) => {
                for term in terms {
                    leaves(term, target, clause, visit);
                }
            }
            Comparand::List(list) => {
                let target = match target {
                    Target::Column(column) | Target::Element(column) => Target::In(column),
                    other => other,
                };
                let kind = TermKind::Marker(*list);
                visit(Leaf { term: &Term { kind, span: relation.span }, target, clause });
            }
        }
    }
}

/// `(a, b) = (?, ?)`: each value is for the column in its place.
fn tuples<'t>(columns: &[Name<'t>], relation: &Relation<'t>, clause: Clause, visit: Visit<'_, 't>) {
    let tuple = |term: &Term<'t>, visit: Visit<'_, 't>| match &term.kind {
        TermKind::Tuple(terms) => {
            let targets = columns.iter().map(|column| Target::Column(*column));
            for (term, target) in
                terms.iter().zip(targets.chain(std::iter::repeat(Target::Argument)))
            {
                leaves(term, target, clause, visit);
            }
        }
        _ => leaves(term, Target::Tuple, clause, visit),
    };
    match &relation.right {
        Comparand::Nothing => {}
        Comparand::Term(term) => tuple(term, visit),
        Comparand::Terms(terms) => {
            for term in terms {
                tuple(term, visit);
            }
        }
        Comparand::List(list) => {
            let kind = TermKind::Marker(*list);
            let term = &Term { kind, span: relation.span };
            visit(Leaf { term, target: Target::InTuple, clause });
        }
    }
}

/// No deeper than the parser went.
fn leaves<'t>(term: &Term<'t>, target: Target<'t>, clause: Clause, visit: Visit<'_, 't>) {
    let part = match target {
        Target::Column(column) | Target::Element(column) | Target::Part(column) => {
            Target::Part(column)
        }
        Target::Result => Target::Result,
        _ => Target::Argument,
    };
    match &term.kind {
        TermKind::Literal(_)
        | TermKind::Null
        | TermKind::Marker(_)
        | TermKind::Column(_)
        | TermKind::CountRows => visit(Leaf { term, target, clause }),
        TermKind::List(terms) | TermKind::Set(terms) | TermKind::Tuple(terms) => {
            for term in terms {
                leaves(term, part, clause, visit);
            }
        }
        TermKind::Map(entries) => {
            for (key, value) in entries {
                leaves(key, part, clause, visit);
                leaves(value, part, clause, visit);
            }
        }
        TermKind::UserType(fields) => {
            for (_, value) in fields {
                leaves(value, part, clause, visit);
            }
        }
        TermKind::Function(function) => {
            visit(Leaf { term, target, clause });
            for argument in &function.arguments {
                leaves(argument, Target::Argument, clause, visit);
            }
        }
        TermKind::Hint(_, term) | TermKind::Cast(term, _) => leaves(term, target, clause, visit),
        TermKind::Negation(term) => leaves(term, Target::Argument, clause, visit),
        TermKind::Arithmetic(first, rest) => {
            leaves(first, Target::Argument, clause, visit);
            for (_, term) in rest {
                leaves(term, Target::Argument, clause, visit);
            }
        }
        TermKind::Path(base, steps) => {
            leaves(base, target, clause, visit);
            for step in steps {
                match step {
                    Step::Field(_) => {}
                    Step::Element(key) => leaves(key, Target::Argument, clause, visit),
                    Step::Slice(from, to) => {
                        for end in [from, to].into_iter().flatten() {
                            leaves(end, Target::Argument, clause, visit);
                        }
                    }
                }
            }
        }
    }
}
