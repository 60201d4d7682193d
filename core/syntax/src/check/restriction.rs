//! What a `WHERE` restricts, and whether the primary key serves it.

use super::find::{Of, list};
use super::{Checker, Finding};
use crate::schema::{Column, ColumnRole};
use crate::token::Span;
use crate::tree::{Comparand, Name, Operand, Operator, Relation, quoted};

/// How a column is restricted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum How {
    /// `=`
    Equal,
    /// `IN`
    In,
    /// `<`, `BETWEEN`
    Slice,
    /// `CONTAINS`, an element of a map: no key serves it.
    Other,
}

impl How {
    const fn of(operator: Operator) -> Self {
        match operator {
            Operator::Equal => Self::Equal,
            Operator::In => Self::In,
            Operator::Less
            | Operator::LessOrEqual
            | Operator::Greater
            | Operator::GreaterOrEqual
            | Operator::Between => Self::Slice,
            Operator::NotEqual
            | Operator::NotIn
            | Operator::Contains
            | Operator::ContainsKey
            | Operator::NotContains
            | Operator::NotContainsKey
            | Operator::Like
            | Operator::IsNotNull
            | Operator::Expression => Self::Other,
        }
    }
}

/// A column that is restricted.
pub(super) struct Restricted<'s> {
    pub(super) column: &'s Column,
    pub(super) how: How,
    /// Where it is named.
    pub(super) span: Span,
    /// Whether `IN` has several values, or may have.
    pub(super) several: bool,
    /// It follows another one in parentheses, which orders them: `(a, b) > (1, 2)`.
    follows: bool,
}

/// What the relations of a `WHERE` restrict.
pub(super) struct Restrictions<'s> {
    of: Of<'s>,
    pub(super) all: Vec<Restricted<'s>>,
    /// `TOKEN(…)`
    pub(super) token: bool,
    /// `expr(index, …)`
    pub(super) expression: bool,
    /// A column is not there: what else is missing is not told.
    pub(super) unknown: bool,
}

impl<'s> Checker<'s> {
    pub(super) fn restrictions(
        &mut self,
        of: Of<'s>,
        relations: &[Relation<'_>],
    ) -> Restrictions<'s> {
        let (token, expression, unknown) = (false, false, false);
        let mut found = Restrictions { of, all: Vec::new(), token, expression, unknown };
        for relation in relations {
            let how = How::of(relation.operator);
            match &relation.left {
                Operand::Column(name) => self.restrict(&mut found, *name, how, relation),
                Operand::Element(name, key) => {
                    self.restrict(&mut found, *name, How::Other, relation);
                    self.value(of, key, None);
                }
                Operand::Field(name, field) => {
                    self.restrict(&mut found, *name, How::Other, relation);
                    if let Some(column) = of.column(&name.resolved()) {
                        self.field(of, &column.kind, *field);
                    }
                }
                Operand::Columns(names) => self.restrict_together(&mut found, names, relation),
                Operand::Token(names) => {
                    found.token = true;
                    self.token(of, names);
                }
                Operand::Index(name) => {
                    found.expression = true;
                    let known = of.within.indexes.iter();
                    let own = known.filter(|(_, index)| index.table == of.name);
                    let own: Vec<&str> = own.map(|(name, _)| name.as_str()).collect();
                    if !own.contains(&&*name.resolved()) {
                        let resolved = name.resolved();
                        let message = format!("{} has no index `{resolved}`", of.full());
                        self.report(Self::missing(*name, message, own));
                    }
                }
            }
            self.comparand(of, relation);
        }
        found
    }

    /// The values of a relation.
    pub(super) fn comparand(&mut self, of: Of<'s>, relation: &Relation<'_>) {
        let kind = match (&relation.left, relation.operator) {
            (_, Operator::Contains | Operator::ContainsKey) => None,
            (Operand::Column(name), _) => of.column(&name.resolved()).map(|column| &column.kind),
            _ => None,
        };
        match &relation.right {
            Comparand::Nothing | Comparand::List(_) => {}
            Comparand::Term(term) => self.value(of, term, kind),
            Comparand::Terms(terms) => {
                for term in terms {
                    self.value(of, term, kind);
                }
            }
        }
    }

    fn restrict(
        &mut self,
        found: &mut Restrictions<'s>,
        name: Name<'_>,
        how: How,
        relation: &Relation<'_>,
    ) {
        let Some(column) = self.column(found.of, name) else {
            found.unknown = true;
            return;
        };
        self.once(found, column, how, name.span());
        let several = match &relation.right {
            Comparand::Terms(terms) => terms.len() > 1,
            Comparand::List(_) => true,
            Comparand::Nothing | Comparand::Term(_) => false,
        };
        let (span, follows) = (name.span(), false);
        found.all.push(Restricted { column, how, span, several, follows });
    }

    /// That a column with given values has no other relation.
    fn once(&mut self, found: &Restrictions<'s>, column: &Column, how: How, span: Span) {
        let same = found.all.iter().find(|other| other.column.name == column.name);
        let is_one = |how| matches!(how, How::Equal | How::In);
        if same.is_some_and(|other| is_one(how) || is_one(other.how)) {
            let message =
                format!("`{}` is restricted twice, once to given values", quoted(&column.name));
            self.report(Finding::new(span, message, "one relation for it"));
        }
    }

    /// `(a, b) > (1, 2)`
    fn restrict_together(
        &mut self,
        found: &mut Restrictions<'s>,
        names: &[Name<'_>],
        relation: &Relation<'_>,
    ) {
        let how = How::of(relation.operator);
        for (index, name) in names.iter().enumerate() {
            let Some(column) = self.column(found.of, *name) else {
                found.unknown = true;
                continue;
            };
            if !matches!(column.role, ColumnRole::Clustering { .. }) {
                let own = quoted(&column.name);
                let message = format!("`{own}` is no clustering column");
                let clustering = list(found.of.clustering_key().map(|it| &*it.name));
                let expected = match &*clustering {
                    "" => {
                        "one relation for each column: there are no clustering columns".to_owned()
                    }
                    _ => format!("clustering columns in parentheses: {clustering}"),
                };
                self.report(Finding::new(name.span(), message, expected));
                found.unknown = true;
            }
            self.once(found, column, how, name.span());
            let (span, several, follows) = (name.span(), how == How::In, index > 0);
            found.all.push(Restricted { column, how, span, several, follows });
        }
    }

    /// What is of a partition has no row that could be chosen; `how` the partition key is to be given.
    pub(super) fn no_rows(
        &mut self,
        of: Of<'s>,
        restrictions: &Restrictions<'s>,
        what: &str,
        how: &str,
    ) {
        let of_row = |it: &&Restricted<'s>| matches!(it.column.role, ColumnRole::Clustering { .. });
        if let Some(row) = restrictions.all.iter().find(of_row) {
            let own = quoted(&row.column.name);
            let message = format!("{what} are of a partition, and `{own}` names rows");
            let expected = format!("the partition key ({}) {how}", of.partition());
            self.report(Finding::new(row.span, message, expected));
        }
    }

    /// The partition key in its order, and nothing else.
    fn token(&mut self, of: Of<'s>, names: &[Name<'_>]) {
        let key: Vec<&str> = of.partition_key().map(|column| &*column.name).collect();
        let mut known = true;
        for name in names {
            known &= self.column(of, *name).is_some();
        }
        let is_key = names.len() == key.len()
            && names.iter().zip(&key).all(|(name, column)| name.resolved() == *column);
        if let (true, false, Some(first)) = (known, is_key, names.first()) {
            let stray = names.iter().find(|name| !key.contains(&&*name.resolved()));
            let name = stray.unwrap_or(first);
            let key = list(key.iter().copied());
            let message =
                format!("a token is of the partition key ({key}) as a whole, in its order");
            let span = names.last().map_or(first.span(), |last| first.span().to(last.span()));
            let finding = Finding::new(name.span(), message, format!("token({key})"));
            self.report(finding.with_fix(span, key));
        }
    }
}

impl<'s> Restrictions<'s> {
    pub(super) fn how(&self, column: &str) -> Option<How> {
        let of = self.all.iter().filter(|restricted| restricted.column.name == column);
        of.map(|restricted| restricted.how).max()
    }

    fn is_given(&self, column: &Column) -> bool {
        matches!(self.how(&column.name), Some(How::Equal | How::In))
    }

    /// Whether each column of the partition key has given values.
    pub(super) fn has_partition_key(&self) -> bool {
        self.of.partition_key().all(|column| self.is_given(column))
    }

    /// The columns of a key that have no given values.
    pub(super) fn without(&self, key: impl Iterator<Item = &'s Column>) -> Vec<&'s str> {
        key.filter(|column| !self.is_given(column)).map(|column| &*column.name).collect()
    }

    /// The first clustering column that is restricted although one before it is not, or is a slice; and that
    /// one.
    pub(super) fn gap(&self) -> Option<(&Restricted<'s>, &'s Column)> {
        let mut open = None;
        for column in self.of.clustering_key() {
            let of_column = self.all.iter().filter(|it| it.column.name == column.name);
            let mut follows = of_column.map(|restricted| restricted.follows).peekable();
            if open.is_some() && follows.peek().is_some() && follows.all(|follows| follows) {
                continue;
            }
            match (self.how(&column.name), open) {
                (Some(_), Some(before)) => {
                    let of = self.all.iter().find(|it| it.column.name == column.name)?;
                    return Some((of, before));
                }
                (Some(How::Equal | How::In), None) | (None, Some(_)) => {}
                (_, None) => open = Some(column),
            }
        }
        None
    }

    pub(super) fn is_indexed(&self, restricted: &Restricted<'_>) -> bool {
        self.of.has_index(&restricted.column.name)
    }
}
