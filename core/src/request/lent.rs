//! Values that the caller of a request lends to it.

use std::sync::Arc;

use cqlstack_syntax::RowLimit;

use super::{Payload, Request};
use crate::lending::{LentRow, Wanted};
use crate::values::Values;

impl Request {
    /// Changes what it has of its lender, unless it was cloned or bound.
    pub(crate) fn change_lent(
        &mut self,
        row: &mut Arc<LentRow>,
        change: impl FnOnce(&mut LentRow),
    ) {
        if !matches!(self.payload, Payload::Raw(_)) {
            return;
        }
        self.payload = Payload::Prepare;
        if let Some(row) = Arc::get_mut(row) {
            change(row);
        }
        self.payload = Payload::Raw(Values::lent(Arc::clone(row)));
    }

    /// Whether it looks at its values: a token is of them, and how many rows a page after the first has depends on a
    /// `LIMIT` that is bound.
    #[inline]
    fn wants_serialized(&self) -> bool {
        let limit = || self.statement.facts().limit();
        self.is_paged() && (self.is_with_token() || matches!(limit(), Some(RowLimit::Marker(_))))
    }

    /// Whether values are still with the caller.
    #[inline]
    pub(crate) fn awaits_values(&self) -> bool {
        let Payload::Bound(bound) = &self.payload else { return false };
        let Some((prepared, row)) = bound.lent() else { return false };
        row.bound(prepared).is_none() || self.wants_serialized()
    }

    /// Waits until the caller has given them; false if it never will.
    pub(crate) async fn values_come(&self) -> bool {
        match &self.payload {
            Payload::Bound(bound) => {
                let Some((prepared, row)) = bound.lent() else { return true };
                if self.wants_serialized() {
                    let wanted = Wanted::Serialized(prepared.clone());
                    if row.loan.wait(wanted).await.is_none() {
                        return false;
                    }
                }
                if row.bound(prepared).is_some() {
                    return true;
                }
                // Whoever attached it said whether it is kept.
                let (prepared, options) = (prepared.clone(), self.options.for_driver());
                row.loan.wait(Wanted::Bound { prepared, options, is_kept: false }).await.is_some()
            }
            Payload::Batch(batch) => batch.values_come().await,
            Payload::Raw(_) | Payload::Prepare => true,
        }
    }
}
