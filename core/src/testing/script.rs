//! Which answer a request gets.

use std::collections::{HashMap, VecDeque};

use super::answer::Answer;

/// Answers for one sort of request: by statement name, else in sequence, else always the same.
#[derive(Debug, Default)]
pub(super) struct Script {
    by_name: HashMap<String, VecDeque<Answer>>,
    sequence: VecDeque<Answer>,
    otherwise: Option<Answer>,
}

impl Script {
    pub(super) fn always(answer: Answer) -> Self {
        Self { otherwise: Some(answer), ..Self::default() }
    }

    pub(super) fn add(&mut self, name: &str, answers: impl IntoIterator<Item = Answer>) {
        self.by_name.entry(name.to_owned()).or_default().extend(answers);
    }

    pub(super) fn then(&mut self, answers: impl IntoIterator<Item = Answer>) {
        self.sequence.extend(answers);
    }

    pub(super) fn otherwise(&mut self, answer: Answer) {
        self.otherwise = Some(answer);
    }

    pub(super) fn next(&mut self, name: &str) -> Option<Answer> {
        let named = self.by_name.get_mut(name).and_then(VecDeque::pop_front);
        named.or_else(|| self.sequence.pop_front()).or_else(|| self.otherwise.clone())
    }
}
