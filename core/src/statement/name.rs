//! Names that a program makes at run time.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::{LazyLock, Mutex};

use tracing::warn;

use crate::lock::lock;

/// How many different names a process keeps: a name ends as a label of metrics, and each of those is a time series.
const MOST: usize = 4_096;

/// A longer name is cut after so many bytes, as a label of the metrics layer is.
const LONGEST: usize = 128;

static NAMES: LazyLock<Mutex<Names>> = LazyLock::new(Mutex::default);

#[derive(Default)]
struct Names {
    kept: HashSet<&'static str>,
    is_full_told: bool,
}

/// The name, as a `'static` text that all statements of this name share. None if it was made at run time and is one too
/// many.
pub(crate) fn interned(name: Cow<'static, str>) -> Option<&'static str> {
    match name {
        Cow::Borrowed(name) => Some(name),
        Cow::Owned(name) => lock(&NAMES).intern(cut(&name)),
    }
}

impl Names {
    fn intern(&mut self, name: &str) -> Option<&'static str> {
        if let Some(kept) = self.kept.get(name) {
            return Some(kept);
        }
        if self.kept.len() == MOST {
            if !self.is_full_told {
                self.is_full_told = true;
                warn!(
                    names = MOST,
                    "no other name for statements is taken that is made at run time: the next statements are called by verb \
                     and table"
                );
            }
            return None;
        }
        // Bounded by number and length, and kept for as long as the process runs.
        let kept: &'static str = Box::leak(Box::from(name));
        self.kept.insert(kept);
        Some(kept)
    }
}

fn cut(name: &str) -> &str {
    let end = (0..=LONGEST.min(name.len())).rev().find(|at| name.is_char_boundary(*at));
    &name[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(name: &str) -> Cow<'static, str> {
        Cow::Owned(name.to_owned())
    }

    #[test]
    fn statements_of_one_name_share_it() {
        let [first, second] = ["tenant_7", "tenant_7"].map(|name| interned(owned(name)).unwrap());
        assert_eq!(first, "tenant_7");
        assert!(std::ptr::eq(first, second));
    }

    #[test]
    fn a_name_of_the_program_s_own_is_taken_as_it_is() {
        let long: &'static str = Box::leak("é".repeat(100).into_boxed_str());
        assert!(std::ptr::eq(interned(Cow::Borrowed(long)).unwrap(), long));
    }

    #[test]
    fn a_long_name_is_cut_between_characters() {
        assert_eq!(interned(owned(&"é".repeat(1_000))).unwrap(), "é".repeat(64));
        let odd = format!("a{}", "é".repeat(1_000));
        assert_eq!(interned(Cow::Owned(odd)).unwrap().len(), 127);
    }

    #[test]
    fn so_many_names_are_kept_and_those_stay() {
        let mut names = Names::default();
        let taken = (0..2 * MOST).filter_map(|n| names.intern(&format!("tenant_{n}"))).count();
        assert_eq!(taken, MOST);
        assert_eq!(names.intern("tenant_0"), Some("tenant_0"));
        assert_eq!(names.intern("tenant_4096"), None);
    }
}
