//! All that is logged while a test runs.

use std::collections::BTreeMap;
use std::fmt::{Debug, Write};
use std::panic;
use std::sync::{Arc, Mutex, MutexGuard, Once};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::needles::Magnet;

/// Events and spans as lines, by target and level.
#[derive(Clone, Default)]
pub(super) struct Heard(Arc<Mutex<Lines>>);

type Lines = BTreeMap<(String, Level), Vec<String>>;

impl Heard {
    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap()
    }

    fn line(&self, of: &Metadata<'_>, fields: impl FnOnce(&mut Fields)) {
        let mut line = Fields(of.name().to_owned());
        fields(&mut line);
        self.lines().entry((of.target().to_owned(), *of.level())).or_default().push(line.0);
    }

    pub(super) fn count(&self, of: impl Fn(&str) -> bool) -> usize {
        let of = |((target, _), lines): (&(String, Level), &Vec<String>)| {
            if of(target) { lines.len() } else { 0 }
        };
        self.lines().iter().map(of).sum()
    }

    /// Where something was found: target and level, how often, and an example.
    pub(super) fn hits(&self, magnet: &Magnet) -> BTreeMap<(String, Level), (usize, String)> {
        let mut found = BTreeMap::new();
        for (place, lines) in self.lines().iter() {
            let mut hits = lines.iter().filter_map(|line| magnet.hit(line)).peekable();
            if let Some(example) = hits.peek().cloned() {
                found.insert(place.clone(), (hits.count(), example));
            }
        }
        found
    }
}

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for Heard {
    fn on_new_span(&self, attributes: &Attributes<'_>, _: &Id, _: Context<'_, S>) {
        self.line(attributes.metadata(), |fields| attributes.record(fields));
    }

    fn on_record(&self, span: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let span = context.span(span).unwrap();
        self.line(span.metadata(), |fields| values.record(fields));
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        self.line(event.metadata(), |fields| event.record(fields));
    }
}

static PANICS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// What panics of the whole process say from now on; that of an expected one is not printed.
pub(super) fn hear_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let printed = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            PANICS.lock().unwrap().push(panic.to_string());
            let said = panic.to_string();
            if ![EXPECTED, "the script has no answer"].iter().any(|part| said.contains(part)) {
                printed(panic);
            }
        }));
    });
}

/// In the message of a panic that a test makes.
pub(super) const EXPECTED: &str = "as a program would";

pub(super) fn panics() -> Vec<String> {
    PANICS.lock().unwrap().clone()
}
