//! All that a program may print of what it gets.

use std::error::Error as StdError;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use cqlstack_core::{Error, Response};

use super::heard::EXPECTED;

/// What was printed, on which path.
#[derive(Default)]
pub(super) struct Said {
    texts: Mutex<Vec<(&'static str, String)>>,
    answered: AtomicUsize,
    failed: AtomicUsize,
}

impl Said {
    pub(super) fn text(&self, path: &'static str, text: impl Into<String>) {
        self.texts.lock().unwrap().push((path, text.into()));
    }

    pub(super) fn debug(&self, path: &'static str, value: &impl Debug) {
        self.text(path, format!("{value:?} {value:#?}"));
    }

    /// An error with its sources, and the panic of a program that does not handle it.
    pub(super) fn any_error(&self, path: &'static str, error: &(dyn StdError + 'static)) {
        self.text(path, format!("{error} {error:#} {error:?} {error:#?}"));
        if let Some(source) = error.source() {
            self.any_error(path, source);
        }
    }

    pub(super) fn error(&self, path: &'static str, error: &Error) {
        self.any_error(path, error);
        self.text(path, format!("{} {:?}", error.what(), error.kind()));
        self.debug(path, &error.statement());
        let unhandled = catch_unwind(AssertUnwindSafe(|| panic!("{EXPECTED}: {error:?}")));
        assert!(unhandled.is_err());
    }

    /// What came back, and that it was as it should be.
    pub(super) fn outcome(
        &self,
        path: &'static str,
        is_ok: bool,
        outcome: Result<Response, Error>,
    ) -> Option<Response> {
        assert_eq!(outcome.is_ok(), is_ok, "{path}: {:?}", outcome.err());
        self.either(path, outcome)
    }

    /// What came back, whichever it is.
    pub(super) fn either(
        &self,
        path: &'static str,
        outcome: Result<Response, Error>,
    ) -> Option<Response> {
        let count = if outcome.is_ok() { &self.answered } else { &self.failed };
        count.fetch_add(1, Ordering::Relaxed);
        match outcome {
            Ok(response) => {
                self.debug(path, &response);
                Some(response)
            }
            Err(error) => {
                self.error(path, &error);
                None
            }
        }
    }

    pub(super) fn texts(&self) -> Vec<(&'static str, String)> {
        self.texts.lock().unwrap().clone()
    }

    /// How many requests were answered, and how many failed.
    pub(super) fn counts(&self) -> (usize, usize) {
        (self.answered.load(Ordering::Relaxed), self.failed.load(Ordering::Relaxed))
    }

    pub(super) fn paths(&self) -> usize {
        let mut paths: Vec<_> = self.texts().into_iter().map(|(path, _)| path).collect();
        paths.sort_unstable();
        paths.dedup();
        paths.len()
    }
}
