//! Each step between two sockets, without Cassandra.

use std::io::ErrorKind;
use std::time::Instant;

use tokio::io::AsyncReadExt;

use super::*;

const SOON: Duration = Duration::from_secs(5);
const A_MOMENT: Duration = Duration::from_millis(50);

/// A client and a node, with a proxy or several between them.
struct Line {
    proxy: FaultProxy,
    client: TcpStream,
    node: TcpStream,
}

struct Listening(TcpListener, #[expect(dead_code, reason = "it is held")] Lease);

async fn listening() -> Listening {
    let lease = Lease::take(1).unwrap();
    Listening(TcpListener::bind((lease.address(0), 0)).await.unwrap(), lease)
}

impl Line {
    async fn new() -> Self {
        let node = listening().await;
        let proxy = FaultProxy::before(node.0.local_addr().unwrap()).await.unwrap();
        let client = TcpStream::connect(proxy.address()).await.unwrap();
        let (node, _) = timeout(SOON, node.0.accept()).await.unwrap().unwrap();
        Self { proxy, client, node }
    }

    /// The node sends frames of these streams while a script is played; what the client gets of them.
    async fn answers(&mut self, script: Script, streams: &[u8], expected: usize) -> Vec<u8> {
        let playing = self.proxy.play(script).unwrap();
        for stream in streams {
            self.node.write_all(&frame(*stream)).await.unwrap();
        }
        let got = read(&mut self.client, expected).await;
        playing.finished(SOON).await.unwrap();
        got
    }
}

/// An answer of 12 bytes.
fn frame(stream: u8) -> Vec<u8> {
    vec![0x84, 0, 0, stream, 8, 0, 0, 0, 3, 7, 8, 9]
}

fn frames(streams: &[u8]) -> Vec<u8> {
    streams.iter().flat_map(|stream| frame(*stream)).collect()
}

async fn read(from: &mut TcpStream, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    timeout(SOON, from.read_exact(&mut bytes)).await.unwrap().unwrap();
    bytes
}

/// How a connection ends from which nothing more comes.
async fn end(of: &mut TcpStream) -> Result<usize, ErrorKind> {
    timeout(SOON, of.read(&mut [0; 1])).await.unwrap().map_err(|error| error.kind())
}

async fn nothing_comes(from: &mut TcpStream) {
    assert!(timeout(A_MOMENT, from.read(&mut [0; 1])).await.is_err());
}

#[tokio::test]
async fn without_a_script_all_passes_also_what_is_not_cql() {
    let mut line = Line::new().await;
    line.client.write_all(b"\x16\x03\x01 hello").await.unwrap();
    assert_eq!(read(&mut line.node, 9).await, b"\x16\x03\x01 hello");
    line.node.write_all(&frames(&[1, 2, 3])).await.unwrap();
    assert_eq!(read(&mut line.client, 36).await, frames(&[1, 2, 3]));
    drop(line.node);
    assert_eq!(end(&mut line.client).await, Ok(0));
}

#[tokio::test]
async fn a_frame_is_cut_where_it_is_said_and_as_it_is_said() {
    for (step, ending) in [(Step::Close, Ok(0)), (Step::Reset, Err(ErrorKind::ConnectionReset))] {
        for length in [4, HEADER, HEADER + 1] {
            let mut line = Line::new().await;
            let cut = Script::answers().then(Step::Bytes(length)).then(step.clone());
            assert_eq!(line.answers(cut, &[1], length).await, frame(1)[..length]);
            assert_eq!(end(&mut line.client).await, ending);
        }
    }
}

#[tokio::test]
async fn frames_are_lost_doubled_exchanged_changed_and_invented() {
    let answers = || Script::answers().when(|frame| frame.stream() == 2);
    for (script, expected) in [
        (answers().then(Step::Lose(1)), frames(&[1, 3, 4])),
        (answers().then(Step::Twice), frames(&[1, 2, 2, 3, 4])),
        (answers().then(Step::Swap), frames(&[1, 3, 2, 4])),
        (answers().then(Step::edit(|frame| frame[3] = 9)), frames(&[1, 9, 3, 4])),
        (answers().then(Step::Send(frame(8))), frames(&[1, 8, 2, 3, 4])),
        (answers().then(Step::Frames(1)).then(Step::Lose(1)), frames(&[1, 2, 4])),
        (answers().then(Step::Bytes(3)).then(Step::Frames(2)), frames(&[1, 2, 3, 4])),
        (Script::answers().then(Step::Lose(1)), frames(&[2, 3, 4])),
        (
            Script::answers().then(Step::Lose(1)).then(Step::Frames(1)).over_and_over(),
            frames(&[2, 4]),
        ),
        (
            Script::answers().whenever(|it| it.stream() % 2 == 1).then(Step::Lose(1)),
            frames(&[2, 4]),
        ),
        (
            Script::answers().whenever(|it| it.stream() == 3).then(Step::Twice),
            frames(&[1, 2, 3, 3, 4]),
        ),
    ] {
        let mut line = Line::new().await;
        assert_eq!(line.answers(script, &[1, 2, 3, 4], expected.len()).await, expected);
        line.node.write_all(&frame(6)).await.unwrap();
        assert_eq!(read(&mut line.client, 12).await, frame(6), "and nothing else before it");
    }
}

#[tokio::test]
async fn one_connection_plays_unless_all_are_to() {
    let node = listening().await;
    let proxy = FaultProxy::before(node.0.local_addr().unwrap()).await.unwrap();
    for (each, expected) in [(false, 1), (true, 3)] {
        let script = Script::answers().when(|_| true).then(Step::Lose(1));
        let playing = proxy.play(if each { script.on_every_connection() } else { script }).unwrap();
        for _ in 0..3 {
            let mut client = TcpStream::connect(proxy.address()).await.unwrap();
            let (mut node, _) = node.0.accept().await.unwrap();
            node.write_all(&frames(&[1, 2])).await.unwrap();
            let first = read(&mut client, 12).await;
            assert!(first == frame(1) || first == frame(2));
        }
        assert_eq!(playing.begun(), expected);
    }
}

#[tokio::test]
async fn what_is_slow_comes_all_the_same() {
    let mut line = Line::new().await;
    let began = Instant::now();
    let wait = Script::answers().then(Step::Wait(A_MOMENT)).then(Step::Frames(1));
    assert_eq!(line.answers(wait, &[1], 12).await, frame(1));
    assert!(began.elapsed() >= A_MOMENT);

    let began = Instant::now();
    let drip = Script::answers().then(Step::Drip(A_MOMENT / 5));
    assert_eq!(line.answers(drip, &[2], 12).await, frame(2));
    assert!(began.elapsed() >= A_MOMENT * 2);

    // Each is as late as the others, and not after them.
    let began = Instant::now();
    let lag = Script::answers().then(Step::Lag(A_MOMENT * 4));
    let streams: Vec<u8> = (0..50).collect();
    assert_eq!(line.answers(lag, &streams, 600).await, frames(&streams));
    assert!((A_MOMENT * 4..A_MOMENT * 40).contains(&began.elapsed()));
}

#[tokio::test]
async fn what_was_held_up_goes_on_when_the_script_is_dropped() {
    for held in [
        Step::Freeze,
        Step::Wait(SOON * 9),
        Step::Lag(SOON * 9),
        Step::Drip(SOON * 9),
        Step::Frames(9),
    ] {
        let mut line = Line::new().await;
        let playing = line.proxy.play(Script::answers().then(held)).unwrap();
        line.node.write_all(&frames(&[1, 2])).await.unwrap();
        line.client.write_all(&frame(3)).await.unwrap();
        assert_eq!(read(&mut line.node, 12).await, frame(3), "the other way is open");
        while playing.begun() == 0 {
            tokio::task::yield_now().await;
        }
        drop(playing);
        assert_eq!(read(&mut line.client, 24).await, frames(&[1, 2]));
    }
}

#[tokio::test]
async fn a_black_hole_is_for_all_at_once_and_resets_them_when_it_is_gone() {
    let mut line = Line::new().await;
    let hole = Script::answers().on_every_connection().then(Step::BlackHole);
    let playing = line.proxy.play(hole).unwrap();
    playing.finished(SOON).await.unwrap();
    line.node.write_all(&frame(1)).await.unwrap();
    nothing_comes(&mut line.client).await;
    drop(playing);
    assert_eq!(end(&mut line.client).await, Err(ErrorKind::ConnectionReset));
}

#[tokio::test]
async fn a_reset_for_all_does_not_wait_for_traffic() {
    let mut line = Line::new().await;
    let reset = Script::requests().on_every_connection().then(Step::Reset);
    let playing = line.proxy.play(reset).unwrap();
    assert_eq!(end(&mut line.client).await, Err(ErrorKind::ConnectionReset));
    playing.finished(SOON).await.unwrap();
}

#[tokio::test]
async fn what_never_ends_or_never_begins_is_told_with_its_step() {
    let mut line = Line::new().await;
    let endless = Script::answers().then(Step::Bytes(3)).then(Step::Frames(usize::MAX));
    let playing = line.proxy.play(endless).unwrap();
    let error = playing.finished(A_MOMENT).await.unwrap_err().to_string();
    assert!(error.contains("has not begun within 50ms: no such frame came"), "{error}");
    line.node.write_all(&frames(&[1, 2, 3])).await.unwrap();
    assert_eq!(read(&mut line.client, 36).await, frames(&[1, 2, 3]));
    let error = playing.finished(A_MOMENT).await.unwrap_err().to_string();
    assert!(error.contains("is still at step 2 of 2, Frames(18446744073709551615)"), "{error}");

    let busy = line.proxy.play(Script::answers().then(Step::Twice)).unwrap_err().to_string();
    assert!(busy.contains("Answers is being played already"), "{busy}");
    // The other way is free.
    let other = line.proxy.play(Script::requests().then(Step::Twice));
    drop(other.unwrap());
    drop(playing);
    drop(line.proxy.play(Script::answers().then(Step::Twice)).unwrap());
}

#[tokio::test]
async fn a_node_that_goes_away_ends_the_step_that_waits_for_it() {
    let mut line = Line::new().await;
    let script = Script::answers().then(Step::Frames(1)).then(Step::Frames(5));
    let playing = line.proxy.play(script).unwrap();
    line.node.write_all(&frame(1)).await.unwrap();
    assert_eq!(read(&mut line.client, 12).await, frame(1));
    drop(line.node);
    let error = playing.finished(SOON).await.unwrap_err().to_string();
    assert_eq!(error, "step 2 of 2, Frames(5): the node closed the connection");
    assert_eq!(end(&mut line.client).await, Ok(0));
}

#[tokio::test]
async fn a_client_that_goes_away_ends_the_step_as_well() {
    let mut line = Line::new().await;
    let script = Script::answers().then(Step::Frames(2)).then(Step::Close);
    let playing = line.proxy.play(script).unwrap();
    line.node.write_all(&frame(1)).await.unwrap();
    assert_eq!(read(&mut line.client, 12).await, frame(1));
    drop(line.client);
    let error = playing.finished(SOON).await.unwrap_err().to_string();
    assert!(error.starts_with("step 1 of 2, Frames(2): the connection ended"), "{error}");
}

#[tokio::test]
async fn a_node_that_is_not_there_is_told() {
    let node = listening().await;
    let address = node.0.local_addr().unwrap();
    drop(node.0);
    let proxy = FaultProxy::before(address).await.unwrap();
    let playing = proxy.play(Script::answers().then(Step::Twice)).unwrap();
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(end(&mut client).await, Err(ErrorKind::ConnectionReset));
    let error = playing.finished(A_MOMENT).await.unwrap_err().to_string();
    assert!(error.contains("cannot be reached: Connection refused"), "{error}");
}

#[tokio::test]
async fn steps_for_frames_want_the_begin_of_one() {
    let inside = Script::answers().then(Step::Bytes(4)).then(Step::Twice);
    let not_cql = Script::answers().then(Step::Twice);
    for (script, bytes, why) in [
        (inside, frame(1), "step 2 of 2, Twice: it begins inside a frame, of which 5 bytes"),
        (not_cql, vec![0x16; 5], "step 1 of 1, Twice: no frame of CQL begins with the byte 0x16"),
    ] {
        let mut line = Line::new().await;
        let playing = line.proxy.play(script).unwrap();
        line.node.write_all(&bytes).await.unwrap();
        let error = playing.finished(SOON).await.unwrap_err().to_string();
        assert!(error.starts_with(why), "{error}");
    }
}

#[tokio::test]
async fn two_proxies_in_a_chain_play_each_their_own() {
    let node = listening().await;
    let near = FaultProxy::before(node.0.local_addr().unwrap()).await.unwrap();
    let far = FaultProxy::before(near.address()).await.unwrap();
    let mut client = TcpStream::connect(far.address()).await.unwrap();
    let (mut node, _) = timeout(SOON, node.0.accept()).await.unwrap().unwrap();
    let doubled = near.play(Script::answers().then(Step::Twice)).unwrap();
    let cut = far.play(Script::answers().then(Step::Bytes(16)).then(Step::Reset)).unwrap();
    node.write_all(&frame(1)).await.unwrap();
    assert_eq!(read(&mut client, 16).await, frames(&[1, 1])[..16]);
    assert_eq!(end(&mut client).await, Err(ErrorKind::ConnectionReset));
    doubled.finished(SOON).await.unwrap();
    cut.finished(SOON).await.unwrap();
    // The chain falls with its nearer end.
    let mut client = TcpStream::connect(far.address()).await.unwrap();
    drop(near);
    assert!(matches!(end(&mut client).await, Ok(0) | Err(ErrorKind::ConnectionReset)));
}

#[tokio::test]
async fn all_ends_with_the_proxy() {
    let mut line = Line::new().await;
    let playing = line.proxy.play(Script::answers().then(Step::Freeze)).unwrap();
    drop(line.proxy);
    assert!(matches!(end(&mut line.client).await, Ok(0) | Err(ErrorKind::ConnectionReset)));
    drop(playing);
}

#[tokio::test]
async fn it_leads_to_this_machine_only() {
    let elsewhere = SocketAddr::from(([192, 0, 2, 1], CQL));
    let error = FaultProxy::before(elsewhere).await.unwrap_err();
    assert!(matches!(error, FaultError::NotLoopback(address) if address == elsewhere));
}
