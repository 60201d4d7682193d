//! `CREATE`, but of roles.

use std::collections::HashSet;

use super::relation::comparison_of;
use super::term::Scope;
use super::{ONCE, Parsed, Parser};
use crate::dialect::Dialect;
use crate::keyword::Keyword;
use crate::token::TokenKind;
use crate::tree::{
    AggregateDefinition, Check, ColumnDefinition, Create, Created, Function, FunctionDefinition,
    IndexDefinition, IndexPart, Mask, Name, PrimaryKey, Statement, Table, TableDefinition, Type,
    ViewDefinition,
};

impl<'t> Parser<'t, '_> {
    pub(super) fn create(&mut self) -> Parsed<Statement<'t>> {
        self.step();
        let or_replace = self.take_keyword(Keyword::Or);
        if or_replace {
            self.expect_keyword(Keyword::Replace)?;
        }
        let what = match self.kind() {
            TokenKind::Keyword(Keyword::Role) if !or_replace => return self.create_role(),
            TokenKind::Keyword(Keyword::User) if !or_replace => return self.create_user(),
            TokenKind::Keyword(keyword) if !or_replace => keyword,
            TokenKind::Keyword(keyword @ (Keyword::Function | Keyword::Aggregate)) => keyword,
            _ => return Err(self.nothing_created()),
        };
        let custom = what == Keyword::Custom;
        match what {
            Keyword::Custom => {
                self.step();
                self.expect_keyword(Keyword::Index)?;
            }
            Keyword::Materialized => {
                self.step();
                self.expect_keyword(Keyword::View)?;
            }
            Keyword::Keyspace
            | Keyword::Table
            | Keyword::Type
            | Keyword::Index
            | Keyword::Function
            | Keyword::Aggregate
            | Keyword::Trigger => drop(self.step()),
            _ => return Err(self.nothing_created()),
        }
        let if_not_exists = self.if_not_exists()?;
        let object = match what {
            Keyword::Keyspace => {
                let name = self.name("a keyspace")?;
                self.expect_keyword(Keyword::With)?;
                Created::Keyspace(name, self.properties()?)
            }
            Keyword::Table => Created::Table(Box::new(self.table_definition()?)),
            Keyword::Type => self.type_definition()?,
            Keyword::Index | Keyword::Custom => Created::Index(Box::new(self.index(custom)?)),
            Keyword::Materialized => Created::View(Box::new(self.view()?)),
            Keyword::Function => Created::Function(Box::new(self.function_definition()?)),
            Keyword::Aggregate => Created::Aggregate(Box::new(self.aggregate()?)),
            _ => self.trigger()?,
        };
        Ok(Statement::Create(Create { or_replace, if_not_exists, object }))
    }

    #[cold]
    fn nothing_created(&mut self) -> super::Failed {
        self.fail("what is created: a TABLE, a KEYSPACE, a TYPE, an INDEX, …")
    }

    pub(super) fn if_not_exists(&mut self) -> Parsed<bool> {
        let is = self.take_keyword(Keyword::If);
        if is {
            self.expect_keyword(Keyword::Not)?;
            self.expect_keyword(Keyword::Exists)?;
        }
        Ok(is)
    }

    fn table_definition(&mut self) -> Parsed<TableDefinition<'t>> {
        let name = self.table()?;
        self.expect(TokenKind::Open, "`(` and columns")?;
        let (mut columns, mut names, mut keyed, mut key) =
            (Vec::new(), HashSet::new(), false, None);
        loop {
            let span = self.token().span;
            let is_key = if self.kind() == TokenKind::Keyword(Keyword::Primary) {
                key = Some(self.primary_key()?);
                true
            } else {
                let column = self.column_definition(true)?;
                if !names.insert(column.name.resolved()) {
                    return Err(self.refuse(span, "a column that is there twice", ONCE));
                }
                let is_key = column.is_primary_key;
                columns.push(column);
                is_key
            };
            if is_key && std::mem::replace(&mut keyed, true) {
                return Err(self.refuse(span, "another primary key", "one primary key"));
            }
            if !self.commas()? {
                break;
            }
        }
        Ok(TableDefinition { name, columns, key, options: self.table_options(true)? })
    }

    /// Between the parts of a definition, where commas may be too many, and after the last.
    fn commas(&mut self) -> Parsed<bool> {
        let mut more = false;
        while self.take(TokenKind::Comma) {
            more = true;
        }
        if self.take(TokenKind::Close) {
            return Ok(false);
        }
        if more { Ok(true) } else { Err(self.fail("`,` or `)`")) }
    }

    /// A column with its type; `PRIMARY KEY` may follow in a `CREATE TABLE`.
    pub(super) fn column_definition(&mut self, may_be_key: bool) -> Parsed<ColumnDefinition<'t>> {
        let name = self.name("a column")?;
        let kind = self.any_type()?;
        let is_static = self.take_keyword(Keyword::Static);
        let mask = self.mask()?;
        let checks = self.checks()?;
        let is_primary_key = may_be_key && self.take_keyword(Keyword::Primary);
        if is_primary_key {
            self.expect_keyword(Keyword::Key)?;
        }
        Ok(ColumnDefinition { name, kind, is_static, mask, checks, is_primary_key })
    }

    /// `MASKED WITH …`, if it is there.
    pub(super) fn mask(&mut self) -> Parsed<Option<Mask<'t>>> {
        if !self.take_keyword(Keyword::Masked) {
            return Ok(None);
        }
        self.expect_keyword(Keyword::With)?;
        let is_call = matches!(self.ahead(1).kind, TokenKind::Open | TokenKind::Dot);
        if !is_call && self.take_keyword(Keyword::Default) {
            return Ok(Some(Mask::Default));
        }
        let Table { keyspace, name } = self.function_name()?;
        self.expect(TokenKind::Open, "`(` and arguments")?;
        let arguments = self.terms(Scope::Value, TokenKind::Close, "`,` or `)`")?;
        Ok(Some(Mask::Function(Function { keyspace, name, arguments })))
    }

    /// `CHECK …`, if the dialect has it and it is there.
    pub(super) fn checks(&mut self) -> Parsed<Vec<Check<'t>>> {
        if !self.take_word(Dialect::NextCassandra, "CHECK") {
            return Ok(Vec::new());
        }
        self.all_of(|parser| {
            let name = parser.name("a column or a function")?;
            let called = parser.take(TokenKind::Open);
            let column = if called { parser.name("a column")? } else { name };
            if called {
                parser.expect(TokenKind::Close, "`)`")?;
            }
            let is_alone = called && comparison_of(parser.kind()).is_none();
            let comparison = if is_alone {
                None
            } else {
                Some((parser.comparison()?, parser.any_literal("a literal")?))
            };
            Ok(Check { function: called.then_some(name), column, comparison })
        })
    }

    fn primary_key(&mut self) -> Parsed<PrimaryKey<'t>> {
        self.expect_keyword(Keyword::Primary)?;
        self.expect_keyword(Keyword::Key)?;
        self.expect(TokenKind::Open, "`(` and columns")?;
        let partition = self.one_or_several()?;
        let mut clustering = Vec::new();
        while self.take(TokenKind::Comma) {
            clustering.push(self.name("a column")?);
        }
        self.expect(TokenKind::Close, "`,` or `)`")?;
        Ok(PrimaryKey { partition, clustering })
    }

    /// `a`, or `(a, b)`
    pub(super) fn one_or_several(&mut self) -> Parsed<Vec<Name<'t>>> {
        if !self.take(TokenKind::Open) {
            return Ok(vec![self.name("a column")?]);
        }
        let columns = self.list(|parser| parser.name("a column"))?;
        self.expect(TokenKind::Close, "`,` or `)`").map(|_| columns)
    }

    fn type_definition(&mut self) -> Parsed<Created<'t>> {
        let name = self.user_type()?;
        self.expect(TokenKind::Open, "`(` and fields")?;
        let mut fields = Vec::new();
        loop {
            fields.push((self.name("a field")?, self.any_type()?));
            if !self.commas()? {
                break;
            }
        }
        Ok(Created::Type(name, fields))
    }

    fn index(&mut self, custom: bool) -> Parsed<IndexDefinition<'t>> {
        let is_named = self.kind() != TokenKind::Keyword(Keyword::On);
        let name = if is_named { Some(self.name("an index, or ON")?) } else { None };
        self.expect_keyword(Keyword::On)?;
        let table = self.table()?;
        self.expect(TokenKind::Open, "`(` and columns")?;
        let mut targets = Vec::new();
        if self.kind() != TokenKind::Close {
            targets = self.list(Self::index_target)?;
        }
        self.expect(TokenKind::Close, "`,` or `)`")?;
        let class = if self.take_keyword(Keyword::Using) {
            Some(self.string("a class, as a string")?)
        } else {
            None
        };
        let with = self.take_keyword(Keyword::With);
        let properties = if with { self.properties()? } else { Vec::new() };
        Ok(IndexDefinition { custom, name, table, targets, class, properties })
    }

    fn index_target(&mut self) -> Parsed<(IndexPart, Name<'t>)> {
        let is_part = self.ahead(1).kind == TokenKind::Open;
        let part = match self.kind() {
            TokenKind::Keyword(Keyword::Values) if is_part => IndexPart::Values,
            TokenKind::Keyword(Keyword::Keys) if is_part => IndexPart::Keys,
            TokenKind::Keyword(Keyword::Entries) => IndexPart::Entries,
            TokenKind::Keyword(Keyword::Full) => IndexPart::Full,
            _ => return Ok((IndexPart::Column, self.column()?)),
        };
        self.step();
        self.expect(TokenKind::Open, "`(` and a column")?;
        let column = self.column()?;
        self.expect(TokenKind::Close, "`)`").map(|_| (part, column))
    }

    fn view(&mut self) -> Parsed<ViewDefinition<'t>> {
        let name = self.table()?;
        self.expect_keyword(Keyword::As)?;
        self.expect_keyword(Keyword::Select)?;
        let selection = self.selection()?;
        self.expect_keyword(Keyword::From)?;
        let from = self.table()?;
        let filtered = self.take_keyword(Keyword::Where);
        let relations = if filtered { self.relations()? } else { Vec::new() };
        let key = self.primary_key()?;
        let options = self.table_options(false)?;
        Ok(ViewDefinition { name, selection, from, relations, key, options })
    }

    fn trigger(&mut self) -> Parsed<Created<'t>> {
        let name = self.name("a trigger")?;
        self.expect_keyword(Keyword::On)?;
        let table = self.table()?;
        self.expect_keyword(Keyword::Using)?;
        Ok(Created::Trigger(name, table, self.string("a class, as a string")?))
    }

    fn function_definition(&mut self) -> Parsed<FunctionDefinition<'t>> {
        let name = self.function_name()?;
        self.expect(TokenKind::Open, "`(` and arguments")?;
        let mut arguments = Vec::new();
        if self.kind() != TokenKind::Close {
            arguments =
                self.list(|parser| Ok((parser.name("an argument")?, parser.any_type()?)))?;
        }
        self.expect(TokenKind::Close, "`,` or `)`")?;
        let called_on_null = self.take_keyword(Keyword::Called);
        if !called_on_null {
            self.expect(TokenKind::Keyword(Keyword::Returns), "RETURNS NULL or CALLED")?;
            self.expect_keyword(Keyword::Null)?;
        }
        for keyword in [Keyword::On, Keyword::Null, Keyword::Input, Keyword::Returns] {
            self.expect_keyword(keyword)?;
        }
        let returns = self.any_type()?;
        self.expect_keyword(Keyword::Language)?;
        if self.kind() != TokenKind::Identifier {
            return Err(self.fail("a language"));
        }
        let language = self.take_name();
        self.expect_keyword(Keyword::As)?;
        let body = self.string("the body of a function, as a string")?;
        Ok(FunctionDefinition { name, arguments, called_on_null, returns, language, body })
    }

    fn aggregate(&mut self) -> Parsed<AggregateDefinition<'t>> {
        let name = self.function_name()?;
        let arguments = self.argument_types()?;
        self.expect_keyword(Keyword::Sfunc)?;
        let state_function = self.plain_function_name()?;
        self.expect_keyword(Keyword::Stype)?;
        let state = self.any_type()?;
        let finishes = self.take_keyword(Keyword::Finalfunc);
        let final_function = if finishes { Some(self.plain_function_name()?) } else { None };
        let begins = self.take_keyword(Keyword::Initcond);
        let initial = if begins { Some(self.term(Scope::Value)?) } else { None };
        Ok(AggregateDefinition { name, arguments, state_function, state, final_function, initial })
    }

    /// `(int, text)`
    pub(super) fn argument_types(&mut self) -> Parsed<Vec<Type<'t>>> {
        self.expect(TokenKind::Open, "`(` and types")?;
        let mut types = Vec::new();
        if self.kind() != TokenKind::Close {
            types = self.list(Self::any_type)?;
        }
        self.expect(TokenKind::Close, "`,` or `)`").map(|_| types)
    }
}
