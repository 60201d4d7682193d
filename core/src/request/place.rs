//! Where a request goes on in a result.

use std::sync::Arc;

use cqlstack_syntax::RowLimit;

use super::options::PAGE_SIZES;
use super::{Payload, Request};
use crate::error::Error;
#[cfg(feature = "page-token")]
use crate::paging::PageTokenKey;
use crate::paging::{Asked, PagingState, Start};

/// Where it goes on.
#[derive(Debug, Clone, Default)]
pub(super) struct Place {
    page: PagingState,
    /// Whether a token says where, unless `page` does, and whether the next place is to be one.
    asked: Option<Arc<Asked>>,
}

impl Request {
    /// Goes on at this place, instead of at the start of the first page.
    pub fn with_page(self, page: PagingState) -> Self {
        let asked = || self.place.as_ref()?.asked.clone();
        let asked = page.asked().cloned().or_else(asked);
        self.with_place(Place { page, asked })
    }

    /// Asks for the page that a token says, and for tokens in the answer. No token, or an empty one, is the
    /// first page.
    ///
    /// The token is checked when the values are serialised, before anything is sent: one that is not of this
    /// statement, this table and these values, was altered, or is of another key, is
    /// [`ErrorKind::PageToken`](crate::ErrorKind::PageToken). [`with_page`](Self::with_page) goes before it.
    ///
    /// Costs two allocations here, and serialising the values once more.
    #[cfg(feature = "page-token")]
    pub fn with_page_token(self, key: &PageTokenKey, token: Option<&str>) -> Self {
        let page = self.place.as_ref().map(|place| place.page.clone()).unwrap_or_default();
        self.with_place(Place { page, asked: Some(Arc::new(Asked::new(key, token))) })
    }

    fn with_place(mut self, place: Place) -> Self {
        self.place = Some(Arc::new(place));
        self
    }

    /// Why it cannot go on there, if it cannot.
    #[inline]
    pub(crate) fn paging_fault(&self, start: &PagingState) -> Option<&'static str> {
        match self.page_size() {
            Some(rows) if !PAGE_SIZES.contains(&rows) => {
                Some("a page has 1 to 2147483647 rows: give a page size")
            }
            None if self.is_unpaged() && *start != PagingState::default() => Some(
                "it goes on in the middle of a result, and wants no pages: give it a page size, or no place",
            ),
            _ => None,
        }
    }

    /// What its `LIMIT` is. Values that are lent have to be there.
    pub(crate) fn limit(&self) -> Option<u32> {
        match (self.statement.facts().limit()?, &self.payload) {
            (RowLimit::Rows(rows), _) => Some(rows),
            (RowLimit::Marker(marker), Payload::Bound(bound)) => bound.limit(marker),
            (RowLimit::Marker(_), _) => None,
        }
    }

    /// Where it was told to go on.
    pub(crate) fn page(&self) -> PagingState {
        match self.place.as_deref() {
            Some(Place { page, asked: Some(asked) }) if page.is_first_page() => {
                PagingState::of_token(Arc::clone(asked)).skipping(page.rows_to_skip() as usize)
            }
            Some(Place { page, .. }) => page.clone(),
            None => PagingState::default(),
        }
    }

    /// Whether it says where it goes on, if only that it begins at the first page.
    #[inline]
    pub(crate) fn is_paged(&self) -> bool {
        self.place.is_some()
    }

    /// Where it starts in the result. What is sent as text may depend on the keyspace in use.
    pub(crate) fn start(&self, in_use: Option<&str>) -> Result<Start, Error> {
        match &self.place {
            None => Ok(Start::default()),
            Some(place) => self.open(place, in_use),
        }
    }

    /// Whether it asks for tokens, which are of its values.
    #[inline]
    pub(super) fn is_with_token(&self) -> bool {
        self.place.as_ref().is_some_and(|place| place.asked.is_some())
    }

    #[cold]
    fn open(&self, place: &Place, in_use: Option<&str>) -> Result<Start, Error> {
        let Place { page, asked: Some(asked) } = place else {
            return Ok(place.page.clone().into());
        };
        let bound = match &self.payload {
            Payload::Bound(bound) => Some(bound.parts()),
            Payload::Raw(_) | Payload::Prepare | Payload::Batch(_) => None,
        };
        let seal = asked.seal(&self.statement, bound, in_use);
        let seal = seal.map_err(|kind| self.error(kind, None))?;
        let page = if page.is_first_page() {
            let opened = asked.open(&seal).map_err(|kind| self.error(kind, None))?;
            opened.unwrap_or_default().skipping(page.rows_to_skip() as usize)
        } else {
            page.clone()
        };
        Ok(Start { page, seal: Some(Arc::new(seal)) })
    }
}
