//! Options that statements of a kind share.

use std::time::Duration;

use scylla::frame::types::{Consistency, SerialConsistency};

#[cfg(feature = "serde")]
use crate::de;
#[cfg(feature = "serde")]
use crate::human_duration::HumanDuration;
use crate::request::PageSize;
use crate::timestamp::Timestamps;

/// Options that statements of a kind share, under a name in the [`SessionConfig`](crate::SessionConfig):
/// what is not set is left as it was.
///
/// ```
/// use cqlstack_core::{Consistency, Profile, Statement};
///
/// let mut report = Profile::default();
/// report.consistency = Some(Consistency::LocalOne);
/// report.page_size = Some(10_000);
/// let all = Statement::new("SELECT id, name FROM app.users").with_profile(&report);
/// # assert_eq!(cqlstack_core::Request::from(&all).page_size(), Some(10_000));
/// ```
#[doc(alias("ExecutionProfile", "DriverExecutionProfile"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, deny_unknown_fields))]
#[non_exhaustive]
pub struct Profile {
    /// [`Statement::with_consistency`](crate::Statement::with_consistency)
    #[cfg_attr(feature = "serde", serde(deserialize_with = "de::optional::consistency"))]
    pub consistency: Option<Consistency>,
    /// [`Statement::with_serial_consistency`](crate::Statement::with_serial_consistency)
    #[cfg_attr(feature = "serde", serde(deserialize_with = "de::optional::serial"))]
    pub serial_consistency: Option<SerialConsistency>,
    /// [`Statement::with_page_size`](crate::Statement::with_page_size)
    pub page_size: Option<u32>,
    /// `false` is [`Statement::without_paging`](crate::Statement::without_paging), and goes with no page size; `true` takes
    /// that back.
    pub paging: Option<bool>,
    /// [`Statement::with_attempt_timeout`](crate::Statement::with_attempt_timeout)
    #[cfg_attr(feature = "serde", serde(deserialize_with = "HumanDuration::into_option"))]
    pub attempt_timeout: Option<Duration>,
    /// [`Statement::with_timestamps`](crate::Statement::with_timestamps)
    pub timestamps: Option<Timestamps>,
    /// [`Statement::idempotent`](crate::Statement::idempotent)
    pub idempotent: Option<bool>,
}

impl Profile {
    /// How the result is paged of a statement that says this itself.
    pub(crate) fn paged(&self, own: Option<PageSize>) -> Option<PageSize> {
        let size = self.page_size.map(PageSize::new);
        match self.paging {
            Some(false) => Some(PageSize::NONE),
            Some(true) => size.or(own.filter(|own| *own != PageSize::NONE)),
            None => size.or(own),
        }
    }
}
