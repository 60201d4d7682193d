//! `ALTER` and `DROP`, but of roles.

use super::{Parsed, Parser};
use crate::dialect::Dialect;
use crate::keyword::Keyword;
use crate::token::TokenKind;
use crate::tree::{
    Alter, Altered, Drop, Dropped, Name, Property, Statement, Table, TableChange, Type, TypeChange,
};

impl<'t> Parser<'t, '_> {
    pub(super) fn alter(&mut self) -> Parsed<Statement<'t>> {
        self.step();
        let TokenKind::Keyword(what) = self.kind() else { return Err(self.nothing_altered()) };
        match what {
            Keyword::Role => return self.alter_role(),
            Keyword::User => return self.alter_user(),
            Keyword::Keyspace | Keyword::Table | Keyword::Type => drop(self.step()),
            Keyword::Materialized => {
                self.step();
                self.expect_keyword(Keyword::View)?;
            }
            _ => return Err(self.nothing_altered()),
        }
        let if_exists = self.if_exists()?;
        let object = match what {
            Keyword::Keyspace => Altered::Keyspace(self.name("a keyspace")?, self.with()?),
            Keyword::Materialized => Altered::View(self.table()?, self.with()?),
            Keyword::Table => {
                let table = self.table()?;
                Altered::Table(table, Box::new(self.table_change()?))
            }
            _ => {
                let name = self.user_type()?;
                Altered::Type(name, Box::new(self.type_change()?))
            }
        };
        Ok(Statement::Alter(Alter { if_exists, object }))
    }

    #[cold]
    fn nothing_altered(&mut self) -> super::Failed {
        self.fail("what is altered: a TABLE, a KEYSPACE, a TYPE, a MATERIALIZED VIEW, a ROLE")
    }

    pub(super) fn if_exists(&mut self) -> Parsed<bool> {
        let is = self.take_keyword(Keyword::If);
        if is {
            self.expect_keyword(Keyword::Exists)?;
        }
        Ok(is)
    }

    fn with(&mut self) -> Parsed<Vec<Property<'t>>> {
        self.expect_keyword(Keyword::With)?;
        self.properties()
    }

    fn table_change(&mut self) -> Parsed<TableChange<'t>> {
        let TokenKind::Keyword(verb) = self.kind() else { return Err(self.no_change()) };
        let compact = [1, 2].map(|ahead| self.ahead(ahead).kind)
            == [Keyword::Compact, Keyword::Storage].map(TokenKind::Keyword);
        match verb {
            Keyword::Alter => {
                self.step();
                self.column_change()
            }
            Keyword::Add => {
                self.step();
                let if_not_exists = self.if_not_exists()?;
                let columns = if self.take(TokenKind::Open) {
                    let columns = self.list(|parser| parser.column_definition(false))?;
                    self.expect(TokenKind::Close, "`,` or `)`")?;
                    columns
                } else {
                    vec![self.column_definition(false)?]
                };
                Ok(TableChange::Add { if_not_exists, columns })
            }
            Keyword::Drop if compact => {
                self.place.at += 3;
                Ok(TableChange::DropCompactStorage)
            }
            Keyword::Drop => {
                self.step();
                self.dropped_columns()
            }
            Keyword::Rename => {
                self.step();
                let if_exists = self.if_exists()?;
                Ok(TableChange::Rename { if_exists, columns: self.renames("a column")? })
            }
            Keyword::With => self.with().map(TableChange::With),
            _ => Err(self.no_change()),
        }
    }

    #[cold]
    fn no_change(&mut self) -> super::Failed {
        self.fail("ALTER, ADD, DROP, RENAME or WITH")
    }

    /// What follows `ALTER TABLE t ALTER`.
    fn column_change(&mut self) -> Parsed<TableChange<'t>> {
        let if_exists = self.if_exists()?;
        let column = self.column()?;
        if !if_exists && self.take_keyword(Keyword::Type) {
            return Ok(TableChange::Type(column, self.any_type()?));
        }
        let checks = self.checks()?;
        if !checks.is_empty() {
            return Ok(TableChange::Check { if_exists, column, checks });
        }
        if self.take_keyword(Keyword::Drop) {
            if self.take_word(Dialect::NextCassandra, "CHECK") {
                return Ok(TableChange::Check { if_exists, column, checks });
            }
            self.expect_keyword(Keyword::Masked)?;
            return Ok(TableChange::Mask { if_exists, column, mask: None });
        }
        match self.mask()? {
            None => Err(self.fail("TYPE, MASKED WITH or DROP MASKED")),
            mask => Ok(TableChange::Mask { if_exists, column, mask }),
        }
    }

    fn dropped_columns(&mut self) -> Parsed<TableChange<'t>> {
        let if_exists = self.if_exists()?;
        let columns = self.one_or_several()?;
        let mut timestamp = None;
        if self.take_keyword(Keyword::Using) {
            self.expect_keyword(Keyword::Timestamp)?;
            let is_long = self.token().span.of(self.text).parse::<i64>().is_ok();
            if self.kind() != TokenKind::Integer || !is_long {
                return Err(self.fail("a timestamp: microseconds, as an integer"));
            }
            timestamp = Some(self.any_literal("a timestamp")?);
        }
        Ok(TableChange::Drop { if_exists, columns, timestamp })
    }

    fn renames(&mut self, what: &'static str) -> Parsed<Vec<(Name<'t>, Name<'t>)>> {
        self.all_of(|parser| {
            let from = parser.name(what)?;
            parser.expect_keyword(Keyword::To)?;
            Ok((from, parser.name(what)?))
        })
    }

    fn type_change(&mut self) -> Parsed<TypeChange<'t>> {
        if self.take_keyword(Keyword::Alter) {
            let field = self.name("a field")?;
            self.expect_keyword(Keyword::Type)?;
            return Ok(TypeChange::Type(field, self.any_type()?));
        }
        if self.take_keyword(Keyword::Add) {
            let if_not_exists = self.if_not_exists()?;
            let (field, kind) = (self.name("a field")?, self.any_type()?);
            return Ok(TypeChange::Add { if_not_exists, field, kind });
        }
        self.expect(TokenKind::Keyword(Keyword::Rename), "ALTER, ADD or RENAME")?;
        let if_exists = self.if_exists()?;
        Ok(TypeChange::Rename { if_exists, fields: self.renames("a field")? })
    }

    pub(super) fn drop_statement(&mut self) -> Parsed<Statement<'t>> {
        self.step();
        let TokenKind::Keyword(what) = self.kind() else { return Err(self.nothing_dropped()) };
        match what {
            Keyword::Role => return self.drop_role(),
            Keyword::User => return self.drop_user(),
            Keyword::Identity => return self.drop_identity(),
            Keyword::Materialized => {
                self.step();
                self.expect_keyword(Keyword::View)?;
            }
            Keyword::Keyspace
            | Keyword::Table
            | Keyword::Index
            | Keyword::Type
            | Keyword::Function
            | Keyword::Aggregate
            | Keyword::Trigger => drop(self.step()),
            _ => return Err(self.nothing_dropped()),
        }
        let if_exists = self.if_exists()?;
        let object = match what {
            Keyword::Keyspace => Dropped::Keyspace(self.name("a keyspace")?),
            Keyword::Table => Dropped::Table(self.table()?),
            Keyword::Index => Dropped::Index(self.table()?),
            Keyword::Materialized => Dropped::View(self.table()?),
            Keyword::Type => Dropped::Type(self.user_type()?),
            Keyword::Trigger => {
                let name = self.name("a trigger")?;
                self.expect_keyword(Keyword::On)?;
                Dropped::Trigger(name, self.table()?)
            }
            _ => {
                let (name, types) = self.overload()?;
                match what {
                    Keyword::Function => Dropped::Function(name, types),
                    _ => Dropped::Aggregate(name, types),
                }
            }
        };
        Ok(Statement::Drop(Drop { if_exists, object }))
    }

    #[cold]
    fn nothing_dropped(&mut self) -> super::Failed {
        self.fail("what is dropped: a TABLE, a KEYSPACE, a TYPE, an INDEX, a ROLE, …")
    }

    /// A function, perhaps with the types that tell it from others of the name.
    fn overload(&mut self) -> Parsed<(Table<'t>, Option<Vec<Type<'t>>>)> {
        let name = self.function_name()?;
        let told = self.kind() == TokenKind::Open;
        Ok((name, if told { Some(self.argument_types()?) } else { None }))
    }
}
