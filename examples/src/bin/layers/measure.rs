//! Times two services alternately, and counts their allocations.

use std::hint::black_box;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use cqlstack_core::Request;
use tower::Service;

/// One side, for one request.
pub(crate) struct Measured {
    pub(crate) nanos: f64,
    pub(crate) allocations: f64,
}

/// The medians of both sides, which take turns.
pub(crate) fn alternately<A, B>(
    rounds: u32,
    requests: u32,
    request: &Request,
    mut a: A,
    mut b: B,
) -> [Measured; 2]
where
    A: Service<Request>,
    B: Service<Request>,
{
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..=rounds {
        times[0].push(time(&mut a, request, requests));
        times[1].push(time(&mut b, request, requests));
    }
    let allocations = [
        allocation_counter::measure(|| drive(&mut a, request, requests)).count_total,
        allocation_counter::measure(|| drive(&mut b, request, requests)).count_total,
    ];
    let [a, b] = [0, 1].map(|side| {
        // The first round warms up.
        let times = &mut times[side][1..];
        times.sort_by(f64::total_cmp);
        #[allow(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
        let allocations = allocations[side] as f64 / f64::from(requests);
        Measured { nanos: times[times.len() / 2], allocations }
    });
    [a, b]
}

fn time<S: Service<Request>>(service: &mut S, request: &Request, requests: u32) -> f64 {
    let started = Instant::now();
    drive(service, request, requests);
    started.elapsed().as_secs_f64() * 1e9 / f64::from(requests)
}

/// Makes the service ready, calls it, and polls the answer, which is there at once.
fn drive<S: Service<Request>>(service: &mut S, request: &Request, requests: u32) {
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..requests {
        let Poll::Ready(Ok(())) = service.poll_ready(&mut cx) else { return };
        let answer = pin!(service.call(request.clone()));
        let _ = black_box(answer.poll(&mut cx).is_ready());
    }
}
