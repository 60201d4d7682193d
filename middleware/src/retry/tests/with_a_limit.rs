use super::*;
use crate::ConcurrencyLimitLayer;

#[tokio::test(start_paused = true)]
async fn above_the_limit_a_sleeping_retry_holds_no_permit() {
    let limit = ConcurrencyLimitLayer::new(1).unwrap();
    let handle = limit.handle();
    let layers = ServiceBuilder::new().layer(guide()).layer(limit);
    let service = layers.service(Script::new(overloaded(1)));
    let sleeping = tokio::spawn(service.clone().oneshot(read()));
    tokio::task::yield_now().await;
    assert_eq!(handle.stats().in_flight, 0);
    let started = Instant::now();
    service.oneshot(read()).await.unwrap();
    assert_eq!(started.elapsed(), Duration::ZERO);
    sleeping.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn below_the_limit_it_keeps_its_permit_and_works_all_the_same() {
    let limit = ConcurrencyLimitLayer::new(1).unwrap();
    let handle = limit.handle();
    let layers = ServiceBuilder::new().layer(limit).layer(guide());
    let service = layers.service(Script::new(overloaded(1)));
    let sleeping = tokio::spawn(service.oneshot(read()));
    tokio::task::yield_now().await;
    assert_eq!(handle.stats().in_flight, 1);
    sleeping.await.unwrap().unwrap();
    assert_eq!(handle.stats().in_flight, 0);
}

#[tokio::test(start_paused = true)]
async fn what_the_limit_refused_is_not_retried() {
    let limit = ConcurrencyLimitLayer::new(1).unwrap().reject();
    let handle = limit.handle();
    let layers = ServiceBuilder::new().layer(guide()).layer(limit);
    let mut script = Script::new([]);
    script.each_takes = TICK;
    let service = layers.service(script);
    let running = tokio::spawn(service.clone().oneshot(read()));
    tokio::task::yield_now().await;
    let started = Instant::now();
    assert!(service.oneshot(read()).await.unwrap_err().is_refusal());
    assert_eq!(started.elapsed(), Duration::ZERO);
    assert_eq!(handle.stats().refused, 1);
    running.await.unwrap().unwrap();
}
