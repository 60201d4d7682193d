//! Values that the caller of a request lends to it.

use super::{Payload, Request};
use crate::lending::Wanted;

impl Request {
    /// Whether values are still with the caller.
    #[inline]
    pub(crate) fn awaits_values(&self) -> bool {
        let Payload::Bound(bound) = &self.payload else { return false };
        let Some((prepared, row)) = bound.lent() else { return false };
        row.bound(prepared).is_none() || self.is_with_token()
    }

    /// Waits until the caller has given them; false if it never will.
    pub(crate) async fn values_come(&self) -> bool {
        match &self.payload {
            Payload::Bound(bound) => {
                let Some((prepared, row)) = bound.lent() else { return true };
                #[cfg(feature = "page-token")]
                if self.is_with_token() {
                    let wanted = Wanted::Serialized(prepared.clone());
                    if row.loan.wait(wanted).await.is_none() {
                        return false;
                    }
                }
                let wanted = Wanted::Bound(prepared.clone(), self.options.for_driver());
                row.loan.wait(wanted).await.is_some()
            }
            Payload::Batch(batch) => batch.values_come().await,
            Payload::Raw(_) | Payload::Prepare => true,
        }
    }
}
