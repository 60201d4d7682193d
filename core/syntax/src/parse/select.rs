//! `SELECT`.

use super::term::Scope;
use super::{Parsed, Parser};
use crate::dialect::Dialect;
use crate::keyword::Keyword;
use crate::token::TokenKind;
use crate::tree::{Ordering, Select, Selection, Selector};

impl<'t> Parser<'t, '_> {
    pub(super) fn select(&mut self) -> Parsed<Select<'t>> {
        self.expect_keyword(Keyword::Select)?;
        let (json, distinct, selection) = self.select_clause()?;
        self.expect_keyword(Keyword::From)?;
        let from = self.table()?;
        let relations =
            if self.take_keyword(Keyword::Where) { self.relations()? } else { Vec::new() };
        let mut group_by = Vec::new();
        if self.take_keyword(Keyword::Group) {
            self.expect_keyword(Keyword::By)?;
            group_by = self.list(|parser| parser.term(Scope::Selector))?;
        }
        let mut order_by = Vec::new();
        if self.take_keyword(Keyword::Order) {
            self.expect_keyword(Keyword::By)?;
            order_by = self.list(Self::ordering)?;
        }
        let mut per_partition_limit = None;
        if self.take_keyword(Keyword::Per) {
            self.expect_keyword(Keyword::Partition)?;
            self.expect_keyword(Keyword::Limit)?;
            per_partition_limit = Some(self.integer()?);
        }
        let limit = if self.take_keyword(Keyword::Limit) { Some(self.integer()?) } else { None };
        let allow_filtering = self.take_keyword(Keyword::Allow);
        if allow_filtering {
            self.expect_keyword(Keyword::Filtering)?;
        }
        let bypass_cache = self.take_word(Dialect::ScyllaDb, "BYPASS");
        if bypass_cache {
            self.expect_word(Dialect::ScyllaDb, "CACHE")?;
        }
        let timeout = self.using_timeout()?;
        Ok(Select {
            json,
            distinct,
            selection,
            from,
            relations,
            group_by,
            order_by,
            per_partition_limit,
            limit,
            allow_filtering,
            bypass_cache,
            timeout,
        })
    }

    /// `JSON` and `DISTINCT` may be columns too: they are where nothing else fits.
    fn select_clause(&mut self) -> Parsed<(bool, bool, Selection<'t>)> {
        if self.kind() == TokenKind::Keyword(Keyword::Json) {
            let json = self.attempt(|parser| {
                parser.step();
                parser.distinct_clause()
            });
            if let Some((distinct, selection)) = json {
                return Ok((true, distinct, selection));
            }
        }
        self.distinct_clause().map(|(distinct, selection)| (false, distinct, selection))
    }

    fn distinct_clause(&mut self) -> Parsed<(bool, Selection<'t>)> {
        if self.kind() == TokenKind::Keyword(Keyword::Distinct) {
            let distinct = self.attempt(|parser| {
                parser.step();
                parser.selection()
            });
            if let Some(selection) = distinct {
                return Ok((true, selection));
            }
        }
        self.selection().map(|selection| (false, selection))
    }

    pub(super) fn selection(&mut self) -> Parsed<Selection<'t>> {
        if self.take(TokenKind::Star) {
            return Ok(Selection::All);
        }
        self.list(Self::selector).map(Selection::Selectors)
    }

    fn selector(&mut self) -> Parsed<Selector<'t>> {
        let term = self.term(Scope::Selector)?;
        let alias =
            if self.take_keyword(Keyword::As) { Some(self.name("an alias")?) } else { None };
        Ok(Selector { term, alias })
    }

    fn ordering(&mut self) -> Parsed<Ordering<'t>> {
        let column = self.column()?;
        let mut near = None;
        if self.take_keyword(Keyword::Ann) {
            self.expect_keyword(Keyword::Of)?;
            near = Some(self.term(Scope::Value)?);
        }
        let descending = self.take_keyword(Keyword::Desc);
        if !descending {
            self.take_keyword(Keyword::Asc);
        }
        Ok(Ordering { column, near, descending })
    }
}
