//! `INSERT`, `DELETE`, `BATCH`.

use super::term::Scope;
use super::{Parsed, Parser};
use crate::dialect::Dialect;
use crate::keyword::Keyword;
use crate::token::TokenKind;
use crate::tree::{
    Batch, BatchKind, Delete, Deletion, Insert, InsertRow, JsonDefault, Part, Prune, Statement,
    Term, UsingOption, UsingParameter,
};

impl<'t> Parser<'t, '_> {
    pub(super) fn insert(&mut self) -> Parsed<Insert<'t>> {
        self.expect_keyword(Keyword::Insert)?;
        self.expect_keyword(Keyword::Into)?;
        let into = self.table()?;
        let row = match self.kind() {
            TokenKind::Open => self.values()?,
            TokenKind::Keyword(Keyword::Json) => self.json()?,
            _ => return Err(self.fail("`(` and columns, or JSON")),
        };
        let if_not_exists = self.if_not_exists()?;
        let using = self.using()?;
        Ok(Insert { into, row, if_not_exists, using })
    }

    fn values(&mut self) -> Parsed<InsertRow<'t>> {
        self.step();
        let columns = self.list(Self::column)?;
        self.expect(TokenKind::Close, "`,` or `)`")?;
        self.expect_keyword(Keyword::Values)?;
        self.expect(TokenKind::Open, "`(` and values")?;
        let values = self.list(|parser| parser.term(Scope::Value))?;
        self.expect(TokenKind::Close, "`,` or `)`")?;
        Ok(InsertRow::Values { columns, values })
    }

    fn json(&mut self) -> Parsed<InsertRow<'t>> {
        self.step();
        let value = match self.kind() {
            TokenKind::String | TokenKind::Question | TokenKind::Colon => {
                self.simple(Scope::Value)?
            }
            _ => return Err(self.fail("a JSON text as a string, or a marker")),
        };
        let mut default = JsonDefault::Null;
        if self.take_keyword(Keyword::Default) && !self.take_keyword(Keyword::Null) {
            self.expect(TokenKind::Keyword(Keyword::Unset), "NULL or UNSET")?;
            default = JsonDefault::Unset;
        }
        Ok(InsertRow::Json { value, default })
    }

    /// `USING …`, if there is one.
    pub(super) fn using(&mut self) -> Parsed<Vec<UsingOption<'t>>> {
        if !self.take_keyword(Keyword::Using) {
            return Ok(Vec::new());
        }
        self.all_of(|parser| {
            let parameter = match parser.kind() {
                TokenKind::Keyword(Keyword::Ttl) => UsingParameter::Ttl,
                TokenKind::Keyword(Keyword::Timestamp) => UsingParameter::Timestamp,
                _ if parser.is_word(Dialect::ScyllaDb, "TIMEOUT") => UsingParameter::Timeout,
                _ => return Err(parser.fail("TTL or TIMESTAMP")),
            };
            parser.step();
            let is_timeout = parameter == UsingParameter::Timeout;
            let value = if is_timeout { parser.duration()? } else { parser.integer()? };
            Ok(UsingOption { parameter, value })
        })
    }

    /// `USING TIMEOUT …`, if the dialect has it and it is there.
    pub(super) fn using_timeout(&mut self) -> Parsed<Option<Term<'t>>> {
        if !self.dialect.has(Dialect::ScyllaDb) || !self.take_keyword(Keyword::Using) {
            return Ok(None);
        }
        self.expect_word(Dialect::ScyllaDb, "TIMEOUT")?;
        self.duration().map(Some)
    }

    fn duration(&mut self) -> Parsed<Term<'t>> {
        match self.kind() {
            TokenKind::Duration | TokenKind::Question | TokenKind::Colon => {
                self.simple(Scope::Value)
            }
            _ => Err(self.fail("a duration or a marker")),
        }
    }

    pub(super) fn prune(&mut self) -> Parsed<Statement<'t>> {
        self.step();
        self.expect_keyword(Keyword::Materialized)?;
        self.expect_keyword(Keyword::View)?;
        let view = self.table()?;
        let filtered = self.take_keyword(Keyword::Where);
        let relations = if filtered { self.relations()? } else { Vec::new() };
        Ok(Statement::Prune(Prune { view, relations, timeout: self.using_timeout()? }))
    }

    pub(super) fn delete(&mut self) -> Parsed<Delete<'t>> {
        self.expect_keyword(Keyword::Delete)?;
        let mut deletions = Vec::new();
        if self.kind() != TokenKind::Keyword(Keyword::From) {
            deletions = self.list(Self::deletion)?;
        }
        self.expect_keyword(Keyword::From)?;
        let from = self.table()?;
        let (mut timestamp, mut timeout) = (None, None);
        if self.take_keyword(Keyword::Using) {
            loop {
                if timeout.is_none() && self.take_word(Dialect::ScyllaDb, "TIMEOUT") {
                    timeout = Some(self.duration()?);
                } else if timestamp.is_none() {
                    self.expect_keyword(Keyword::Timestamp)?;
                    timestamp = Some(self.integer()?);
                } else {
                    return Err(self.fail("WHERE"));
                }
                if !self.dialect.has(Dialect::ScyllaDb) || !self.take_keyword(Keyword::And) {
                    break;
                }
            }
        }
        self.expect_keyword(Keyword::Where)?;
        let relations = self.relations()?;
        let condition = self.condition()?;
        Ok(Delete { deletions, from, timestamp, timeout, relations, condition })
    }

    fn deletion(&mut self) -> Parsed<Deletion<'t>> {
        let column = self.column()?;
        let part = if self.take(TokenKind::OpenBracket) {
            let key = self.term(Scope::Value)?;
            self.expect(TokenKind::CloseBracket, "`]`")?;
            Part::Element(key)
        } else if self.take(TokenKind::Dot) {
            Part::Field(self.name("a field")?)
        } else {
            Part::Whole
        };
        Ok(Deletion { column, part })
    }

    pub(super) fn batch(&mut self) -> Parsed<Batch<'t>> {
        self.expect_keyword(Keyword::Begin)?;
        let kind = match self.kind() {
            TokenKind::Keyword(Keyword::Unlogged) => BatchKind::Unlogged,
            TokenKind::Keyword(Keyword::Counter) => BatchKind::Counter,
            _ => BatchKind::Logged,
        };
        if kind != BatchKind::Logged {
            self.step();
        }
        self.expect(TokenKind::Keyword(Keyword::Batch), "UNLOGGED, COUNTER or BATCH")?;
        let using = self.using()?;
        let mut statements = Vec::new();
        loop {
            statements.push(match self.kind() {
                TokenKind::Keyword(Keyword::Insert) => Statement::Insert(self.insert()?),
                TokenKind::Keyword(Keyword::Update) => Statement::Update(self.update()?),
                TokenKind::Keyword(Keyword::Delete) => Statement::Delete(self.delete()?),
                TokenKind::Keyword(Keyword::Apply) => break,
                _ => return Err(self.fail("INSERT, UPDATE, DELETE or APPLY BATCH")),
            });
            self.take(TokenKind::Semicolon);
        }
        self.step();
        self.expect_keyword(Keyword::Batch)?;
        Ok(Batch { kind, using, statements })
    }
}
