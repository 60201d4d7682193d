//! `SELECT`.

use super::find::{Of, list};
use super::restriction::{How, Restricted, Restrictions};
use super::{Checker, Finding, Lint};
use crate::schema::{Column, ColumnRole};
use crate::token::Span;
use crate::tree::{Select, Selection, Selector, TermKind, quoted};

impl<'s> Checker<'s> {
    pub(super) fn select(&mut self, select: &Select<'_>) {
        let Some(of) = self.table(select.from) else { return };
        self.selection(of, select);
        let restrictions = self.restrictions(of, &select.relations);
        for term in &select.group_by {
            self.value(of, term, None);
        }
        for ordering in &select.order_by {
            let kind = self.column(of, ordering.column).map(|column| &column.kind);
            if let Some(near) = &ordering.near {
                self.value(of, near, kind);
            }
        }
        let is_near = select.order_by.iter().any(|ordering| ordering.near.is_some());
        if let Some(selected) = Self::selected(of, select) {
            // Columns of a compact table may be static without saying so.
            if select.distinct && !of.table.is_compact {
                self.distinct(of, &selected, &restrictions);
            }
            self.of_partition(of, &selected, &restrictions);
        }
        if restrictions.unknown || is_near {
            return;
        }
        if !select.allow_filtering {
            self.served_by_key(of, &restrictions);
        }
        if self.has_error() {
            return;
        }
        let place = select.from.name.span();
        if !restrictions.has_partition_key() {
            self.reads_all(of, place, select.allow_filtering, &restrictions);
        }
        self.partition_in(of, &restrictions);
    }

    fn selection(&mut self, of: Of<'s>, select: &Select<'_>) {
        let Selection::Selectors(selectors) = &select.selection else { return };
        for selector in selectors {
            self.value(of, &selector.term, None);
        }
    }

    /// The columns that it gives, with their places; none if it gives anything else.
    fn selected(of: Of<'s>, select: &Select<'_>) -> Option<Vec<(&'s Column, Span)>> {
        let Selection::Selectors(selectors) = &select.selection else { return None };
        let column = |selector: &Selector<'_>| match selector.term.kind {
            TermKind::Column(name) => Some((of.column(&name.resolved())?, name.span())),
            _ => None,
        };
        selectors.iter().map(column).collect()
    }

    /// `DISTINCT` is of partitions.
    fn distinct(
        &mut self,
        of: Of<'s>,
        selected: &[(&'s Column, Span)],
        restrictions: &Restrictions<'s>,
    ) {
        let partition = of.partition();
        let of_row = |it: &&(&Column, Span)| {
            matches!(it.0.role, ColumnRole::Clustering { .. } | ColumnRole::Regular)
        };
        if let Some((column, span)) = selected.iter().find(of_row) {
            let own = quoted(&column.name);
            let message = format!("`{own}` differs in the rows of a partition");
            let expected = format!("the partition key ({partition}) or static columns");
            self.report(Finding::new(*span, message, expected));
            return;
        }
        let is_selected =
            |key: &&Column| selected.iter().any(|(column, _)| column.name == key.name);
        let missing = of.partition_key().find(|key| !is_selected(key));
        if let (Some(missing), Some((_, span))) = (missing, selected.first())
            && !restrictions.has_partition_key()
        {
            let own = quoted(&missing.name);
            let message =
                format!("DISTINCT over partitions gives their keys, and `{own}` is missing");
            self.report(Finding::new(
                *span,
                message,
                format!("the partition key ({partition}) too"),
            ));
        }
    }

    /// What is asked for is of a partition, and of no row.
    fn of_partition(
        &mut self,
        of: Of<'s>,
        selected: &[(&'s Column, Span)],
        restrictions: &Restrictions<'s>,
    ) {
        let is_static = |it: &(&Column, Span)| it.0.role == ColumnRole::Static;
        let of_partition = |it: &(&Column, Span)| {
            is_static(it) || matches!(it.0.role, ColumnRole::PartitionKey { .. })
        };
        if selected.iter().any(is_static) && selected.iter().all(of_partition) {
            self.no_rows(of, restrictions, "static columns", "alone, or a column of the rows");
        }
    }

    /// That keys and indexes find the rows without filtering.
    fn served_by_key(&mut self, of: Of<'s>, restrictions: &Restrictions<'s>) {
        let full = restrictions.has_partition_key();
        let gap = restrictions.gap();
        let is_open = |restricted: &&Restricted<'s>| !restrictions.is_indexed(restricted);
        for restricted in restrictions.all.iter().filter(is_open) {
            let expected = match restricted.column.role {
                ColumnRole::PartitionKey { .. } if full => continue,
                ColumnRole::PartitionKey { .. } => {
                    return self.partial_key(of, restrictions, restricted);
                }
                ColumnRole::Clustering { .. } if !full => {
                    let partition = of.partition();
                    format!("values for the partition key ({partition}) too")
                }
                ColumnRole::Clustering { .. } => match gap {
                    Some((gap, before)) if gap.span == restricted.span => {
                        format!("`=` or `IN` for `{}`, which is before it", quoted(&before.name))
                    }
                    _ if restricted.how == How::Other => "`=`, `IN` or a range".to_owned(),
                    _ => continue,
                },
                ColumnRole::Static | ColumnRole::Regular => {
                    "a column of the key, or an index".to_owned()
                }
            };
            return self.filters(of, restricted, &expected);
        }
    }

    fn filters(&mut self, of: Of<'s>, restricted: &Restricted<'s>, expected: &str) {
        let own = quoted(&restricted.column.name);
        let message = format!(
            "rows of {} are not found by `{own}` without ALLOW FILTERING: the primary key is {}",
            of.full(),
            of.key()
        );
        self.report(
            Finding::new(restricted.span, message, expected).with_help(
                "restrict the key from its start, make an index, or a table with this key",
            ),
        );
    }

    fn partial_key(
        &mut self,
        of: Of<'s>,
        restrictions: &Restrictions<'s>,
        restricted: &Restricted<'s>,
    ) {
        let missing = restrictions.without(of.partition_key());
        let own = quoted(&restricted.column.name);
        let message = format!(
            "the partition key of {} is ({}), and `{own}` alone finds no partition",
            of.full(),
            of.partition()
        );
        let expected = format!("a value by `=` or `IN` for {} too", list(missing));
        let help =
            "a range over partitions is one of `token(…)`; ALLOW FILTERING reads all of them";
        self.report(Finding::new(restricted.span, message, expected).with_help(help));
    }

    /// It is accepted, and reads from all nodes.
    fn reads_all(
        &mut self,
        of: Of<'s>,
        place: Span,
        filtering: bool,
        restrictions: &Restrictions<'s>,
    ) {
        let partition = of.partition();
        if filtering {
            let message =
                format!("ALLOW FILTERING reads all of {} to give a part of it", of.full());
            let expected = format!("values for the partition key ({partition}), or an index");
            self.report(Finding::new(place, message, expected).with_lint(Lint::Filtering));
            return;
        }
        let has_index = restrictions.all.iter().any(|it| restrictions.is_indexed(it));
        if restrictions.token || restrictions.expression || has_index {
            return;
        }
        let message = format!("this reads all of {}, from all nodes", of.full());
        let expected = format!("a WHERE with values for the partition key ({partition})");
        let help = "`Client::rows` streams a table page by page";
        let finding = Finding::new(place, message, expected).with_lint(Lint::Scan);
        self.report(finding.with_help(help));
    }

    fn partition_in(&mut self, of: Of<'s>, restrictions: &Restrictions<'s>) {
        let of_key =
            |it: &&Restricted<'s>| matches!(it.column.role, ColumnRole::PartitionKey { .. });
        let several = restrictions.all.iter().filter(of_key).find(|it| it.several);
        let Some(several) = several.filter(|it| it.how == How::In) else { return };
        let own = quoted(&several.column.name);
        let message = format!(
            "one node reads several partitions of {} for this, and answers when the slowest did",
            of.full()
        );
        let expected = format!("`{own} = ?`, once for each, at the same time");
        let finding = Finding::new(several.span, message, expected);
        self.report(finding.with_lint(Lint::PartitionIn));
    }
}
