//! A place in a paged result.

use std::fmt;
use std::sync::Arc;

use scylla::response::PagingState as DriverState;

use super::{Asked, Seal};
use crate::prepared::Prepared;

/// A place in one statement's result: the start of a page, as the server gave it, and how many rows after
/// it were read already.
///
/// [`Response::next_page`](crate::Response::next_page) and [`RowStream::next_paging_state`](crate::RowStream::next_paging_state) give
/// it; [`Request::with_page`](crate::Request::with_page) takes it, for a request with the same statement and
/// values, through this session or another one of the same cluster. The page size may be another one.
///
/// It holds the key of the last row, so `Debug` shows nothing. Cloning is one atomic increment.
#[doc(alias("PageState", "paging_state"))]
#[derive(Clone, Default)]
pub struct PagingState(Option<Arc<Place>>);

/// Anything but the start of the first page.
#[derive(Clone)]
struct Place {
    page: DriverState,
    /// Rows of the page that were read already.
    skip: u32,
    /// The token that says which page it is, unless `page` does.
    asked: Option<Arc<Asked>>,
    /// What the page before it, or the first part of this page, was read with.
    origin: Option<Origin>,
}

/// Where a request starts in a result.
#[derive(Default)]
pub(crate) struct Start {
    pub(crate) page: PagingState,
    /// Makes tokens of the places after it, if the request asked for them.
    pub(crate) seal: Option<Arc<Seal>>,
}

impl From<PagingState> for Start {
    fn from(page: PagingState) -> Self {
        Self { page, seal: None }
    }
}

/// What a page was read with: the next one is of the same result.
#[derive(Clone)]
pub(crate) enum Origin {
    Prepared(Prepared),
    /// A text, with this keyspace in use.
    Text(Option<Arc<String>>),
}

impl PagingState {
    /// A place from the server's bytes, as [`as_bytes`](Self::as_bytes) gives them: of this program, of another one, or
    /// of another driver. No bytes are the start of the first page.
    ///
    /// A server refuses bytes that are no place with [`ErrorKind::Protocol`](crate::ErrorKind::Protocol) or
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid); bytes of another statement or other values it may take, and
    /// answer with other rows. Never take them from a caller whom you do not trust: a page token is for that.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        if bytes.is_empty() {
            return Self::default();
        }
        Self::from_driver(DriverState::new_from_raw_bytes(bytes), None)
    }

    /// The server's bytes, to go on later with: empty at the first page, and none of a place that a page token says and
    /// that was not opened yet. **They hold the key of the last row**, in plain.
    ///
    /// They are the start of a page. A place within one has [rows to skip](Self::rows_to_skip) beside them:
    ///
    /// ```
    /// use cqlstack_core::PagingState;
    ///
    /// # let place = PagingState::from_bytes(&[7, 1]).with_rows_to_skip(3);
    /// let kept = (place.as_bytes().unwrap_or_default().to_vec(), place.rows_to_skip());
    /// // In another process:
    /// let (bytes, skip) = kept;
    /// assert!(PagingState::from_bytes(&bytes).with_rows_to_skip(skip) == place);
    /// ```
    #[must_use]
    pub fn as_bytes(&self) -> Option<&[u8]> {
        let Some(place) = self.0.as_deref() else { return Some(&[]) };
        match place.page.as_bytes_slice() {
            Some(bytes) => Some(bytes),
            None if place.asked.is_some() => None,
            None => Some(&[]),
        }
    }

    /// The place so many rows after this page's start.
    #[must_use]
    pub fn with_rows_to_skip(self, rows: u32) -> Self {
        if self.rows_to_skip() == rows {
            return self;
        }
        self.change(|place| place.skip = rows)
    }

    pub(crate) fn from_driver(page: DriverState, origin: Option<Origin>) -> Self {
        Self::new(Place { page, skip: 0, asked: None, origin })
    }

    /// Where a token says that it goes on.
    pub(crate) fn of_token(asked: Arc<Asked>) -> Self {
        Self::new(Place { page: DriverState::start(), skip: 0, asked: Some(asked), origin: None })
    }

    pub(crate) fn asked(&self) -> Option<&Arc<Asked>> {
        self.0.as_ref()?.asked.as_ref()
    }

    fn new(place: Place) -> Self {
        Self(Some(Arc::new(place)))
    }

    /// How many rows from the start of the page on were read already, and are not given again.
    ///
    /// They are counted when the page is read once more: rows that were written to or deleted from that part
    /// of the result meanwhile move the place by as many rows. Where that matters, stop between two pages,
    /// where this is 0.
    #[must_use]
    pub fn rows_to_skip(&self) -> u32 {
        self.0.as_ref().map_or(0, |place| place.skip)
    }

    /// The place so many rows further on.
    pub(crate) fn skipping(self, rows: usize) -> Self {
        if rows == 0 {
            return self;
        }
        let rows = u32::try_from(rows).unwrap_or(u32::MAX);
        self.change(|place| place.skip = place.skip.saturating_add(rows))
    }

    /// What the page before it was read with, if it is of a real session.
    pub(crate) fn origin(&self) -> Option<&Origin> {
        self.0.as_ref()?.origin.as_ref()
    }

    /// The same place, of which it is known now what it was read with.
    pub(crate) fn of(self, origin: Option<Origin>) -> Self {
        if origin.is_none() {
            return self;
        }
        self.change(|place| place.origin = origin)
    }

    /// Copies what is shared.
    fn change(self, change: impl FnOnce(&mut Place)) -> Self {
        let start = || Place { page: DriverState::start(), skip: 0, asked: None, origin: None };
        let mut place = self.0.unwrap_or_else(|| Arc::new(start()));
        change(Arc::make_mut(&mut place));
        Self(Some(place))
    }

    #[cfg(any(feature = "page-token", test))]
    pub(crate) fn bytes(&self) -> &[u8] {
        let page = self.0.as_ref().map(|place| &place.page);
        page.and_then(|page| page.as_bytes_slice()).map_or(&[], |bytes| bytes)
    }

    /// Whether the first page is to be read, from wherever on.
    pub(crate) fn is_first_page(&self) -> bool {
        self.to_driver() == DriverState::start()
    }

    pub(crate) fn to_driver(&self) -> DriverState {
        self.0.as_ref().map_or_else(DriverState::start, |place| place.page.clone())
    }
}

impl PartialEq for PagingState {
    fn eq(&self, other: &Self) -> bool {
        self.rows_to_skip() == other.rows_to_skip() && self.to_driver() == other.to_driver()
    }
}

impl Eq for PagingState {}

impl fmt::Debug for PagingState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PagingState(..)")
    }
}
