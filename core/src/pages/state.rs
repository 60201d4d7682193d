//! Where a paged read goes on.

use std::fmt;

use scylla::response::PagingState as DriverState;

/// The place between two pages of one statement's result, as the server gave it.
///
/// It is had from [`Response::next_page`](crate::Response::next_page) and goes into
/// [`Request::with_page`](crate::Request::with_page) of a request with the same statement and
/// values. It holds the key of the last row, so `Debug` shows nothing. Cloning is one atomic
/// increment.
#[derive(Clone, PartialEq, Eq)]
pub struct PagingState(DriverState);

/// The first page.
impl Default for PagingState {
    fn default() -> Self {
        Self(DriverState::start())
    }
}

impl PagingState {
    /// From bytes, for a response that a test makes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(DriverState::new_from_raw_bytes(bytes))
    }

    pub(crate) fn from_driver(state: DriverState) -> Self {
        Self(state)
    }

    #[cfg(feature = "page-token")]
    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.as_bytes_slice().map_or(&[], |bytes| bytes)
    }

    pub(crate) fn to_driver(&self) -> DriverState {
        self.0.clone()
    }
}

impl fmt::Debug for PagingState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PagingState(..)")
    }
}
