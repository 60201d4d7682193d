//! In place of page tokens, where the feature is off: nobody can ask for one.

use super::PagingState;
use crate::error::ErrorKind;
use crate::prepared::Prepared;
use crate::statement::Statement;
use crate::values::Values;

#[derive(Debug)]
pub(crate) enum Asked {}

pub(crate) enum Seal {}

impl Asked {
    pub(crate) fn seal(
        &self,
        _statement: &Statement,
        _bound: Option<(&Prepared, &Values)>,
        _in_use: Option<&str>,
    ) -> Result<Seal, ErrorKind> {
        match *self {}
    }

    pub(crate) fn open(&self, _seal: &Seal) -> Result<Option<PagingState>, ErrorKind> {
        match *self {}
    }
}
