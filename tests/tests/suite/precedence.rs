//! Whose word counts, as a node sees it: the request's, else the statement's, else the session's.

use std::time::{Duration, Instant};

use cqlstack_core::{
    Client, Consistency, ErrorKind, Request, SerialConsistency, Session, Statement, StaticStatement,
};
use scylla_proxy::{Reaction, RequestOpcode, RequestReaction};

use crate::forged::{Forged, Reader};

/// What a frame says besides its values: protocol 4, EXECUTE.
#[derive(Debug, PartialEq)]
struct Said {
    consistency: Consistency,
    page_size: Option<i32>,
    serial: Option<u16>,
    timestamp: Option<i64>,
}

fn said(body: &[u8]) -> Said {
    let mut body = Reader(body);
    let id = body.short();
    body.take(id.into());
    let consistency = Consistency::try_from(body.short()).unwrap();
    let flags = body.byte();
    assert_eq!(flags & 0x01, 0, "no values");
    let page_size = (flags & 0x04 != 0).then(|| body.int());
    assert_eq!(flags & 0x08, 0, "the first page");
    let serial = (flags & 0x10 != 0).then(|| body.short());
    let timestamp = (flags & 0x20 != 0).then(|| body.long());
    Said { consistency, page_size, serial, timestamp }
}

static READ: StaticStatement = StaticStatement::new("SELECT k FROM t")
    .with_consistency(Consistency::Three)
    .with_serial_consistency(SerialConsistency::Serial)
    .with_page_size(33)
    .with_attempt_timeout(Duration::from_millis(300));

async fn session(forged: &Forged) -> Client<Session> {
    let builder = Session::builder()
        .contact_points(forged.points())
        .keepalive(Duration::from_secs(60), Duration::from_secs(60))
        .consistency(Consistency::Two)
        .page_size(22)
        .attempt_timeout(Duration::from_millis(600));
    Client::new(builder.build().await.unwrap())
}

const SERIAL: Option<u16> = Some(8);
const LOCAL_SERIAL: Option<u16> = Some(9);

#[tokio::test]
async fn a_request_goes_before_its_statement_and_that_before_the_session() {
    let mut forged = Forged::start(1).await;
    let db = session(&forged).await;
    let mut frames = forged.keep_executes();
    let plain = Statement::new("SELECT k FROM t");
    let of_static = Statement::from_static(&READ);
    let of_request = Request::from(&of_static)
        .with_consistency(Consistency::One)
        .with_serial_consistency(SerialConsistency::LocalSerial)
        .with_page_size(44);
    for (request, consistency, page_size, serial) in [
        (Request::from(&plain), Consistency::Two, 22, LOCAL_SERIAL),
        (Request::from(&of_static), Consistency::Three, 33, SERIAL),
        (of_request, Consistency::One, 44, LOCAL_SERIAL),
        // One of them alone leaves the others where they are.
        (Request::from(&plain.clone().with_page_size(55)), Consistency::Two, 55, LOCAL_SERIAL),
        (
            Request::from(&of_static).with_consistency(Consistency::Quorum),
            Consistency::Quorum,
            33,
            SERIAL,
        ),
    ] {
        let bound = request.clone().bind(&db.service().prepare(&plain).await.unwrap()).unwrap();
        for request in [request, bound] {
            db.request(request).await.unwrap();
            let expected =
                Said { consistency, page_size: Some(page_size), serial, timestamp: None };
            assert_eq!(said(&frames.next_body()), expected);
        }
    }
}

#[tokio::test]
async fn a_write_carries_the_timestamp_of_its_request() {
    let mut forged = Forged::start(1).await;
    let db = session(&forged).await;
    let mut frames = forged.keep_executes();
    let write = Statement::new("DELETE FROM t WHERE k = 1");
    let request = Request::from(&write);
    let given = request.timestamp();
    assert!(given.is_some());
    for (request, timestamp) in [
        (request.clone(), given),
        (request.clone().with_timestamp(Some(5)), Some(5)),
        (request.with_timestamp(None), None),
    ] {
        db.request(request).await.unwrap();
        assert_eq!(said(&frames.next_body()).timestamp, timestamp);
    }
}

#[tokio::test]
async fn the_time_of_a_call_is_the_request_s_else_the_statement_s_else_the_session_s() {
    let mut forged = Forged::start(1).await;
    let db = session(&forged).await;
    let plain = Statement::new("SELECT k FROM t");
    let prepared = db.service().prepare(&plain).await.unwrap();
    let _frames = forged.react(RequestOpcode::Execute, &RequestReaction::drop_frame());
    let of_static = Statement::from_static(&READ);
    let of_request = Request::from(&of_static).with_attempt_timeout(Duration::from_millis(100));
    for (request, millis) in
        [(Request::from(&plain), 600), (Request::from(&of_static), 300), (of_request, 100)]
    {
        let after = Duration::from_millis(millis);
        let began = Instant::now();
        let error = db.request(request.bind(&prepared).unwrap()).await.unwrap_err();
        assert_eq!(*error.kind(), ErrorKind::Timeout { after });
        assert!(began.elapsed() >= after);
    }
}
