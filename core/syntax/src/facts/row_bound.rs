//! What bounds the rows of a `SELECT`, without a schema.

use super::leaves::{Clause, Leaf, each_leaf};
use crate::functions::{is_aggregate, is_native};
use crate::tree::{
    LiteralKind, Name, Operand, Operator, Relation, Select, Statement, Term, TermKind,
};

/// The `LIMIT` of a `SELECT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowLimit {
    /// So many rows.
    Rows(u32),
    /// As many as are bound to the marker of this index.
    Marker(u32),
}

/// What bounds the rows of a `SELECT`.
#[derive(Default)]
pub(super) struct RowBound<'t> {
    /// The columns that one value is asked for.
    pub(super) equal: Vec<Name<'t>>,
    pub(super) limit: Option<RowLimit>,
    /// Whether the limit is of the rows that a server reads: see [`Facts`](super::Facts).
    pub(super) limits_reads: bool,
    /// Whether no key is asked for.
    pub(super) scans: bool,
}

impl<'t> RowBound<'t> {
    pub(super) fn of(statement: &Statement<'t>) -> Self {
        let Statement::Select(select) = statement else { return Self::default() };
        let is_in = |relation: &Relation<'_>| relation.operator == Operator::In;
        let limit = limit(select);
        let asks = |it: &Relation<'_>| matches!(it.operator, Operator::Equal | Operator::In);
        let scans = select.allow_filtering || !select.relations.iter().any(asks);
        if select.allow_filtering || select.relations.iter().any(is_in) {
            return Self { limit, scans, ..Self::default() };
        }
        let equal = select.relations.iter().filter(|it| it.operator == Operator::Equal);
        let equal = equal.filter(|it| matches!(it.left, Operand::Column(_) | Operand::Columns(_)));
        Self {
            equal: equal.flat_map(Relation::columns).copied().collect(),
            limit,
            limits_reads: limit.is_some() && !may_aggregate(statement, select),
            scans,
        }
    }
}

fn limit(select: &Select<'_>) -> Option<RowLimit> {
    match &select.limit.as_ref()?.kind {
        TermKind::Marker(marker) => Some(RowLimit::Marker(marker.index)),
        TermKind::Literal(literal) if literal.kind == LiteralKind::Integer => {
            literal.written.parse().ok().map(RowLimit::Rows)
        }
        _ => None,
    }
}

/// Whether a row of the result may be made of many: `LIMIT` bounds groups then, and servers read as many rows at a
/// time as a page has. A function that every keyspace does not have may be an aggregate.
fn may_aggregate(statement: &Statement<'_>, select: &Select<'_>) -> bool {
    let mut aggregates = !select.group_by.is_empty();
    each_leaf(statement, &mut |Leaf { term, clause, .. }: Leaf<'_, '_>| {
        aggregates |= clause == Clause::Select && is_aggregate_call(term);
    });
    aggregates
}

fn is_aggregate_call(term: &Term<'_>) -> bool {
    match &term.kind {
        TermKind::CountRows => true,
        TermKind::Function(function) => {
            let name = function.name.resolved();
            function.keyspace.is_some() || is_aggregate(&name) || !is_native(&name)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use crate::{Facts, RowLimit, parse};

    fn facts(text: &str) -> Facts {
        Facts::of(&parse(text).unwrap())
    }

    #[test]
    fn columns_are_equal_to_one_value_where_every_row_has_it() {
        let cases = [
            ("SELECT v FROM t WHERE k = ? AND c = 1 AND \"D\" = f(?)", "k c D"),
            ("SELECT v FROM t WHERE (k, c) = (?, 1) AND (d) = ?", "k c d"),
            ("SELECT v FROM t WHERE k = ? AND c > 1 AND d CONTAINS 5 AND m['a'] = 1", "k"),
            ("SELECT v FROM t WHERE token(k) = 5 AND c != 1", ""),
            ("SELECT v FROM t WHERE k = ? AND c IN (1)", ""),
            ("SELECT v FROM t WHERE k = ? ALLOW FILTERING", ""),
            ("UPDATE t SET v = 1 WHERE k = ?", ""),
            ("SELECT count(*) FROM t WHERE k = ? GROUP BY k", "k"),
        ];
        for (text, expected) in cases {
            assert_eq!(facts(text).equal().collect::<Vec<_>>().join(" "), expected, "{text}");
        }
    }

    #[test]
    fn a_select_scans_that_asks_for_no_key_or_filters() {
        let cases = [
            ("SELECT v FROM t", true),
            ("SELECT v FROM t LIMIT 5", true),
            ("SELECT v FROM t WHERE token(k) > ?", true),
            ("SELECT v FROM t WHERE k > 1 AND c < 5", true),
            ("SELECT v FROM t WHERE k = ? ALLOW FILTERING", true),
            ("SELECT v FROM t WHERE k = ?", false),
            ("SELECT v FROM t WHERE k IN ? AND c > 1", false),
            ("SELECT v FROM t WHERE (a, b) = (?, ?)", false),
            ("SELECT v FROM t WHERE c > 1 AND k = 1", false),
            ("UPDATE t SET v = 1 WHERE k > 1", false),
            ("DELETE FROM t WHERE k = 1", false),
        ];
        for (text, scans) in cases {
            assert_eq!(facts(text).scans, scans, "{text}");
        }
    }

    #[test]
    fn a_limit_bounds_what_is_read_unless_rows_are_made_of_others_or_filtered() {
        let cases = [
            ("SELECT v FROM t LIMIT 5", Some(RowLimit::Rows(5)), true),
            ("SELECT v FROM t WHERE k = ? LIMIT ?", Some(RowLimit::Marker(1)), true),
            ("SELECT v FROM t WHERE k = :k LIMIT :n", Some(RowLimit::Marker(1)), true),
            (
                "SELECT cast(v AS text), ttl(v), abs(-v) FROM t LIMIT 5",
                Some(RowLimit::Rows(5)),
                true,
            ),
            ("SELECT v FROM t LIMIT 99999999999", None, false),
            ("SELECT v FROM t PER PARTITION LIMIT 5", None, false),
            ("SELECT v FROM t", None, false),
            ("SELECT count(*) FROM t LIMIT 5", Some(RowLimit::Rows(5)), false),
            ("SELECT abs(max(v)) FROM t LIMIT 5", Some(RowLimit::Rows(5)), false),
            ("SELECT own(v) FROM t LIMIT 5", Some(RowLimit::Rows(5)), false),
            ("SELECT ks.abs(v) FROM t LIMIT 5", Some(RowLimit::Rows(5)), false),
            ("SELECT k FROM t GROUP BY k LIMIT 5", Some(RowLimit::Rows(5)), false),
            ("SELECT v FROM t WHERE k IN ? LIMIT 5", Some(RowLimit::Rows(5)), false),
            ("SELECT v FROM t LIMIT 5 ALLOW FILTERING", Some(RowLimit::Rows(5)), false),
        ];
        for (text, limit, limits_reads) in cases {
            let facts = facts(text);
            assert_eq!((facts.limit(), facts.limits_reads), (limit, limits_reads), "{text}");
        }
    }
}
