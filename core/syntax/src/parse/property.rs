//! What follows `WITH` of keyspaces, tables, views and indexes.

use std::collections::HashSet;

use super::names::is_name;
use super::{ONCE, Parsed, Parser};
use crate::keyword::Keyword;
use crate::token::TokenKind;
use crate::tree::{Literal, Property, PropertyValue, TableOption};

impl<'t> Parser<'t, '_> {
    /// `WITH …`, if it is there.
    pub(super) fn table_options(&mut self, may_be_compact: bool) -> Parsed<Vec<TableOption<'t>>> {
        if !self.take_keyword(Keyword::With) {
            return Ok(Vec::new());
        }
        let options = self.all_of(|parser| match (parser.kind(), parser.ahead(1).kind) {
            (TokenKind::Keyword(Keyword::Compact), TokenKind::Keyword(Keyword::Storage)) => {
                if !may_be_compact {
                    return Err(parser.fail("an option (views have no COMPACT STORAGE)"));
                }
                parser.step();
                parser.step();
                Ok(TableOption::CompactStorage)
            }
            (TokenKind::Keyword(Keyword::Clustering), TokenKind::Keyword(Keyword::Order)) => {
                parser.step();
                parser.step();
                parser.expect_keyword(Keyword::By)?;
                parser.clustering_order()
            }
            _ => parser.property().map(TableOption::Property),
        })?;
        let properties = options.iter().filter_map(|option| match option {
            TableOption::Property(property) => Some(property),
            _ => None,
        });
        self.no_doubles(properties)?;
        let mut ordered = HashSet::new();
        for option in &options {
            let TableOption::ClusteringOrder(columns) = option else { continue };
            for (column, _) in columns {
                if !ordered.insert(column.resolved()) {
                    return Err(self.refuse(column.span(), "a column that is there twice", ONCE));
                }
            }
        }
        Ok(options)
    }

    fn clustering_order(&mut self) -> Parsed<TableOption<'t>> {
        self.expect(TokenKind::Open, "`(` and columns")?;
        let order = self.list(|parser| {
            let column = parser.name("a column")?;
            let descending = parser.take_keyword(Keyword::Desc);
            if !descending {
                parser.expect(TokenKind::Keyword(Keyword::Asc), "ASC or DESC")?;
            }
            Ok((column, descending))
        })?;
        self.expect(TokenKind::Close, "`,` or `)`")?;
        Ok(TableOption::ClusteringOrder(order))
    }

    pub(super) fn properties(&mut self) -> Parsed<Vec<Property<'t>>> {
        let properties = self.all_of(Self::property)?;
        self.no_doubles(properties.iter())?;
        Ok(properties)
    }

    fn no_doubles<'p>(&mut self, properties: impl Iterator<Item = &'p Property<'t>>) -> Parsed<()>
    where
        't: 'p,
    {
        let mut names = HashSet::new();
        for property in properties {
            if !names.insert(property.name.resolved()) {
                let span = property.name.span();
                return Err(self.refuse(span, "an option that is set twice", "each option once"));
            }
        }
        Ok(())
    }

    fn property(&mut self) -> Parsed<Property<'t>> {
        let name = self.name("an option")?;
        self.expect(TokenKind::Equal, "`=` after an option")?;
        let value = match self.kind() {
            TokenKind::OpenBrace => PropertyValue::Map(self.literal_map()?),
            kind @ TokenKind::Keyword(_) if is_name(kind) => PropertyValue::Word(self.take_name()),
            _ => PropertyValue::Literal(self.any_literal("the value of an option")?),
        };
        Ok(Property { name, value })
    }

    /// `{'class': 'x', 'n': 1}`: literals only, and no key twice.
    pub(super) fn literal_map(&mut self) -> Parsed<Vec<(Literal<'t>, Literal<'t>)>> {
        self.expect(TokenKind::OpenBrace, "`{`")?;
        let (mut map, mut keys) = (Vec::new(), HashSet::new());
        if self.take(TokenKind::CloseBrace) {
            return Ok(map);
        }
        loop {
            let span = self.token().span;
            let key = self.any_literal("a key, which is a literal")?;
            if !keys.insert(key.text()) {
                return Err(self.refuse(span, "a key that is there twice", "each key once"));
            }
            self.expect(TokenKind::Colon, "`:` after a key")?;
            map.push((key, self.any_literal("a value, which is a literal")?));
            if !self.take(TokenKind::Comma) {
                break;
            }
        }
        self.expect(TokenKind::CloseBrace, "`,` or `}`").map(|_| map)
    }
}
