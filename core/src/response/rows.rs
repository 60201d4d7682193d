//! The rows of a page.

use std::fmt;
use std::iter::FusedIterator;

use bytes::Bytes;
use scylla::deserialize::FrameSlice;
use scylla::deserialize::result::TypedRowIterator;
use scylla::deserialize::row::{ColumnIterator, DeserializeRow};
use scylla::frame::response::result::ColumnSpec;

use super::Response;
use crate::error::Error;

/// The rows of a page, decoded one by one.
#[must_use = "rows are decoded when they are asked for"]
pub struct Rows<'r, R> {
    pub(super) source: Source<'r, R>,
    pub(super) response: &'r Response,
    pub(super) row: usize,
}

pub(super) enum Source<'r, R> {
    Driver(TypedRowIterator<'r, 'r, R>),
    Made { columns: &'r [ColumnSpec<'static>], rows: std::slice::Iter<'r, Bytes> },
    None,
}

impl<'r, R: DeserializeRow<'r, 'r>> Iterator for Rows<'r, R> {
    type Item = Result<R, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let decoded = match &mut self.source {
            Source::Driver(rows) => rows.next()?,
            Source::Made { columns, rows } => {
                R::deserialize(ColumnIterator::new(columns, FrameSlice::new(rows.next()?)))
            }
            Source::None => return None,
        };
        let row = self.row;
        self.row += 1;
        Some(decoded.map_err(|error| self.response.undecoded(row, &error)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = match &self.source {
            Source::Driver(rows) => rows.rows_remaining(),
            Source::Made { rows, .. } => rows.len(),
            Source::None => 0,
        };
        (left, Some(left))
    }
}

/// Each row is given, decoded or as an error.
impl<'r, R: DeserializeRow<'r, 'r>> ExactSizeIterator for Rows<'r, R> {}

impl<'r, R: DeserializeRow<'r, 'r>> FusedIterator for Rows<'r, R> {}

impl<R> fmt::Debug for Rows<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows").field("row", &self.row).finish_non_exhaustive()
    }
}
