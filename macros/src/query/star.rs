//! `SELECT *` as the columns of the schema file.

use cqlstack_syntax::check::Signature;
use cqlstack_syntax::{Selection, Statement, TokenKind, quoted, tokens};

/// The text with the columns in the place of `*`, if it has one: a column that is added to the table later is not sent.
pub(super) fn spelled_out(
    parsed: &Statement<'_>,
    text: &str,
    signature: &Signature,
) -> Option<String> {
    let Statement::Select(select) = parsed else { return None };
    if select.selection != Selection::All || select.json {
        return None;
    }
    let tokens = tokens(text).ok()?;
    let star = tokens.iter().find(|token| token.kind == TokenKind::Star)?.span;
    let columns: Vec<_> = signature.columns.iter().map(|name| quoted(name)).collect();
    let (before, after) = (text.get(..star.start as usize)?, text.get(star.end as usize..)?);
    Some(format!("{before}{}{after}", columns.join(", ")))
}
