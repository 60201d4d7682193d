//! No layer, and no pair of layers, hangs or keeps readiness, over each other and over `tower`'s.

use std::time::Duration;

use cqlstack_core::{Error, ErrorClass, Request, Response};
use cqlstack_metrics::MetricsLayer;
use tower::buffer::Buffer;
use tower::limit::{ConcurrencyLimit, GlobalConcurrencyLimitLayer, RateLimit, rate::Rate};
use tower::load_shed::LoadShed;
use tower::util::BoxCloneService;
use tower::{BoxError, ServiceExt};
use tower_layer::Layer;
use tower_service::Service;

use crate::testing::{Boxed, Mood, Storm};
use crate::{AdaptiveLimitLayer, ConcurrencyLimitLayer, RetryLayer, StatementCacheLayer};

/// A layer by its name, put around what is below.
type Part = (&'static str, fn(Boxed) -> Boxed);

/// Ours. A new layer is one entry more.
const OURS: [Part; 9] = [
    ("metrics", |below| layered(&MetricsLayer::new(), below)),
    ("retry", |below| layered(&RetryLayer::default(), below)),
    ("limit", |below| layered(&ConcurrencyLimitLayer::new(2).unwrap(), below)),
    ("limit, bounded wait", |below| {
        let limit = ConcurrencyLimitLayer::new(2).unwrap();
        layered(&limit.wait_bounded(3, Duration::from_millis(40)).unwrap(), below)
    }),
    ("limit, rejecting", |below| layered(&ConcurrencyLimitLayer::new(3).unwrap().reject(), below)),
    ("adaptive limit", |below| {
        let two = AdaptiveLimitLayer::builder().limits(1, 10).initial(2).build().unwrap();
        layered(&two.wait_bounded(3, Duration::from_millis(40)).unwrap(), below)
    }),
    ("adaptive limit, rejecting", |below| layered(&AdaptiveLimitLayer::new().reject(), below)),
    ("cache", |below| layered(&StatementCacheLayer::new(4).unwrap(), below)),
    ("the example of how to write one", example::over),
];

/// What the documentation of `cqlstack_core::layer` shows.
mod example {
    include!("../../core/src/layer/example.rs");

    pub(super) fn over(below: super::Boxed) -> super::Boxed {
        super::layered(&Worthwhile { least: Duration::from_millis(5) }, below)
    }
}

/// `tower`'s whose readiness is something that others lack.
const TOWERS: [Part; 4] = [
    ("nothing", |below| below),
    ("tower's limit", |below| BoxCloneService::new(ConcurrencyLimit::new(below, 1))),
    ("tower's global limit", |below| layered(&GlobalConcurrencyLimitLayer::new(2), below)),
    ("tower's load shed over its limit", |below| {
        let shed = LoadShed::new(ConcurrencyLimit::new(below, 2));
        BoxCloneService::new(shed.map_err(ours))
    }),
];

/// `tower`'s that end for good when what is below them fails.
const TOWERS_FRAIL: [Part; 2] = [
    ("tower's buffer", |below| BoxCloneService::new(Buffer::new(below, 1).map_err(ours))),
    ("tower's buffer and rate limit", |below| {
        let limited = RateLimit::new(below, Rate::new(3, Duration::from_millis(10)));
        BoxCloneService::new(Buffer::new(limited, 2).map_err(ours))
    }),
];

fn layered<L>(layer: &L, below: Boxed) -> Boxed
where
    L: Layer<Boxed>,
    L::Service:
        Service<Request, Response = Response, Error = Error, Future: Send> + Clone + Send + 'static,
{
    BoxCloneService::new(layer.layer(below))
}

fn ours(error: BoxError) -> Error {
    match error.downcast::<Error>() {
        Ok(error) => *error,
        Err(error) => Error::other(ErrorClass::Overload, std::io::Error::other(error)),
    }
}

/// How many steps each stack goes through: `STORM_STEPS`, for a long run.
fn steps() -> usize {
    std::env::var("STORM_STEPS").ok().and_then(|steps| steps.parse().ok()).unwrap_or(400)
}

/// Each of ours, and each pair, with each of the others above, between and below.
fn stacks(others: &[Part]) -> impl Iterator<Item = [&Part; 3]> {
    let nothing = &TOWERS[0];
    let pairs = OURS.iter().flat_map(|upper| OURS.iter().map(move |lower| [upper, lower]));
    let singles = OURS.iter().map(move |only| [only, nothing]);
    singles.chain(pairs).flat_map(move |[upper, lower]| {
        others.iter().flat_map(move |other| {
            let places = [[other, upper, lower], [upper, other, lower], [upper, lower, other]];
            // Nothing is the same in each place.
            let count = if other.0 == nothing.0 { 1 } else { places.len() };
            places.into_iter().take(count)
        })
    })
}

async fn storms(mood: Mood, others: &[Part]) {
    let (mut seed, mut called, mut answered) = (0, 0, 0);
    for stack in stacks(others) {
        println!("{:?} {mood:?}", stack.map(|part| part.0));
        let storm = Storm { seed, steps: steps(), mood };
        let layers = stack.into_iter().rev();
        let counted =
            storm.through(|bottom| layers.fold(bottom, |below, (_, layer)| layer(below))).await;
        seed += 1;
        called += counted.called;
        answered += counted.answered;
    }
    println!("{seed} stacks, {called} calls, {answered} answered well");
}

#[tokio::test(start_paused = true)]
async fn nothing_hangs_over_a_service_that_fails() {
    storms(Mood::Failing, &TOWERS).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_hangs_beyond_its_deadline_over_a_service_that_is_never_ready() {
    storms(Mood::Stuck, &TOWERS).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_hangs_beside_a_buffer() {
    storms(Mood::Slow, &TOWERS_FRAIL).await;
}
