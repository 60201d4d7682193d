//! What is kept, and for how long.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_hot_set_survives_a_scan_of_ten_thousand_one_off_texts() {
    let session = session();
    let (db, handle) = cached(1_000, &session);
    let hot: Vec<_> = (0..900).map(|n| Statement::new(format!("SELECT h{n} FROM t"))).collect();
    for _ in 0..3 {
        for statement in &hot {
            db.request(statement).await.unwrap();
        }
    }
    for n in 0..10_000 {
        db.request(Statement::new(format!("SELECT o{n} FROM t"))).await.unwrap();
    }
    let kept = hot.iter().filter(|statement| db.service().look_up(statement)).count();
    println!("{kept} of 900 hot statements survived: {:?}", handle.stats());
    assert!(kept * 100 >= 900 * 95, "{kept}");
    assert!(handle.stats().statements <= 1_000);
    assert!(handle.stats().evictions >= 9_900);
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_different_texts_at_once_are_bounded_and_leave_nothing() {
    let session = session().otherwise_prepare(Answer::done().after(TICK));
    let (db, handle) = cached(100, &session);
    let texts = (0..10_000).map(|n| Statement::new(format!("SELECT o{n} FROM t")));
    let all = join_all(texts.map(|statement| db.request(&statement))).await;
    assert!(all.iter().all(Result::is_ok));
    assert!(handle.stats().statements <= 100);
    assert_eq!((session.in_flight(), db.service().under_way()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn what_is_out_of_date_is_prepared_anew() {
    let session = session();
    let (db, handle) = cached(10, &session);
    db.execute(select(), (1,)).await.unwrap();
    session.change_schema();
    let all = join_all((0..100).map(|k| db.execute(select(), (k,)))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!((session.prepares(), handle.stats().stale), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn while_the_schema_is_not_known_each_use_asks_the_server_and_nothing_is_kept() {
    let session = session();
    let (db, handle) = cached(10, &session);
    db.execute(select(), (0,)).await.unwrap();
    session.lose_schema();
    for k in 0..3 {
        db.execute(select(), (k,)).await.unwrap();
    }
    let stats = handle.stats();
    assert_eq!((session.prepares(), stats.statements, stats.stale), (4, 0, 1));
    session.find_schema();
    for k in 0..3 {
        db.execute(select(), (k,)).await.unwrap();
    }
    assert_eq!((session.prepares(), session.executes()), (5, 7));
}

/// What a server tells of a table may be older than a call that came while it told.
#[tokio::test(start_paused = true)]
async fn while_the_schema_is_not_known_no_use_takes_a_prepare_of_before_its_call() {
    let session = session().otherwise_prepare(Answer::done().after(TICK));
    session.lose_schema();
    let (db, _) = cached(10, &session);
    let all = (0..1_000).map(async |k| {
        // Each comes when the first prepare is under way.
        sleep(TICK / 2 * u32::from(k > 0)).await;
        db.execute(select(), (k,)).await
    });
    assert!(join_all(all).await.iter().all(Result::is_ok));
    let prepared: Vec<_> = session.sent().into_iter().filter(Sent::is_prepare).collect();
    assert_eq!((prepared.len(), session.executes()), (2, 1_000));
    assert_eq!(prepared[1].at - prepared[0].at, TICK);
    assert_eq!(db.service().under_way(), 0);
}

/// On several threads those who wait are awake before the one who woke them is done.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_waits_for_what_is_out_of_date_finds_it_only_once() {
    for round in 0..200 {
        let session = session().otherwise_prepare(Answer::done().after(Duration::from_millis(1)));
        let (db, _) = cached(10, &session);
        let all = (0..200).map(|k| {
            let db = db.clone();
            tokio::spawn(async move { db.execute(select(), (k,)).await })
        });
        let all: Vec<_> = all.collect();
        while session.prepares() == 0 {
            yield_now().await;
        }
        session.change_schema();
        for outcome in timeout(Duration::from_secs(10), join_all(all)).await.unwrap() {
            outcome.unwrap().unwrap_or_else(|error| panic!("round {round}: {error}"));
        }
        assert_eq!(session.executes(), 200);
        assert!(session.prepares() <= 3, "{}", session.prepares());
    }
}
