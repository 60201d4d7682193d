//! The name that was probably meant.

/// More than this many letters are not compared: who writes such a name did not mistype it.
const LONGEST: usize = 64;

/// The one of these names that is nearest to a word: at most one letter in three is another one, is missing, is too
/// many or changed places with its neighbor (the restricted Damerau-Levenshtein distance).
///
/// ```
/// use cqlstack_syntax::check::nearest;
///
/// assert_eq!(nearest("emial", ["name", "email"]), Some("email"));
/// assert_eq!(nearest("phone", ["name", "email"]), None);
/// ```
#[must_use]
pub fn nearest<'n>(word: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let length = word.chars().count();
    if length > LONGEST {
        return None;
    }
    let far = (length / 3).max(1);
    let near = names.into_iter().filter_map(|name| {
        // In small letters, so that only capitals are no distance, but some.
        let distance = distance(&word.to_lowercase(), &name.to_lowercase())?;
        (distance <= far).then_some((distance, name))
    });
    near.min().map(|(_, name)| name)
}

/// None if it is too long.
fn distance(one: &str, other: &str) -> Option<usize> {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    if other.len() > LONGEST {
        return None;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in other.iter().enumerate() {
            let mut cost = (last[j + 1] + 1).min(row[j] + 1).min(last[j] + usize::from(a != b));
            let swapped = i > 0 && j > 0 && *a == other[j - 1] && one[i - 1] == *b;
            if swapped {
                cost = cost.min(before[j - 1] + 1);
            }
            row.push(cost);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_missing_added_changed_or_swapped_is_near() {
        for (word, name) in [
            ("user", "users"),
            ("userss", "users"),
            ("uzers", "users"),
            ("suers", "users"),
            ("Users", "users"),
            ("identifer", "identifier"),
            ("a", "b"),
        ] {
            assert_eq!(nearest(word, [name]), Some(name), "{word}");
        }
        for (word, name) in [("id", "name"), ("user", "usage"), ("", "abc"), ("age", "agent")] {
            assert_eq!(nearest(word, [name]), None, "{word}");
        }
        assert_eq!(nearest("nam", ["nams", "name", "nom"]), Some("name"));
        assert_eq!(nearest(&"a".repeat(1_000), [&*"a".repeat(1_000)]), None);
    }
}
