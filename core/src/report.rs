//! How a layer tells its statistics to whoever exports them, without knowing them.

use std::time::Duration;

/// Statistics that can be read at any time: implemented by the handles of layers.
///
/// A layer of your own implements it as well; `cqlstack-metrics` publishes what it reports under
/// `cassandra_` and the given name.
///
/// ```
/// use cqlstack_core::layer::{Report, Sink};
///
/// struct Shed(u64);
///
/// impl Report for Shed {
///     fn report(&self, sink: &mut dyn Sink) {
///         sink.counter("shed_total", &[], self.0);
///     }
/// }
/// ```
pub trait Report: Send + Sync {
    /// Tells all statistics, as they are now.
    fn report(&self, sink: &mut dyn Sink);

    /// Whether they will never change again, since what they are of is gone and nobody else holds this handle's
    /// statistics. Whoever adds statistics up keeps the counts then, and lets the handle go.
    fn is_gone(&self) -> bool {
        false
    }
}

/// What statistics are told to. Labels are pairs of a name and a value.
pub trait Sink {
    /// Something that only grows, since the program began.
    fn counter(&mut self, name: &'static str, labels: &[(&'static str, &str)], value: u64);

    /// Something that goes up and down.
    fn gauge(&mut self, name: &'static str, labels: &[(&'static str, &str)], value: f64);

    /// How long things took, since the program began.
    fn histogram(&mut self, name: &'static str, labels: &[(&'static str, &str)], times: Times<'_>);
}

/// How many things took how long, and all of them together.
#[derive(Debug, Clone, Copy)]
pub struct Times<'t> {
    /// Upper bounds, growing, in seconds.
    pub bounds: &'t [f64],
    /// How many took longer than the bound before and not longer than this one; one more than there
    /// are bounds, for those that took longer than the last.
    pub counts: &'t [u64],
    /// The time of all of them.
    pub sum: Duration,
}
