//! Passes one way of a connection on, and plays scripts with it.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::select;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::frame::{Asked, Frame, Place, is_version, whole};
use super::playing::Armed;
use super::script::{Step, Way};

/// How both connections are to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// FIN.
    Close,
    /// RST.
    Reset,
}

/// Why a step does not go on.
enum Stop {
    /// The connection ends; and why, if that was not the script's will.
    End(End, Option<String>),
    /// The script was dropped.
    Dropped,
}

impl Stop {
    fn failed(why: impl Into<String>) -> Self {
        Self::End(End::Reset, Some(why.into()))
    }
}

/// One way of a connection.
pub(super) struct Pump<'c> {
    way: Way,
    from: ReadHalf<'c>,
    to: WriteHalf<'c>,
    asked: &'c Asked,
    armed: watch::Receiver<Option<Arc<Armed>>>,
    /// What was read and is not passed on.
    buffer: BytesMut,
    /// Up to where it was passed on.
    place: Place,
    /// The last script that this has played.
    played: Option<Arc<Armed>>,
}

impl<'c> Pump<'c> {
    pub(super) fn new(
        way: Way,
        (from, to): (ReadHalf<'c>, WriteHalf<'c>),
        asked: &'c Asked,
        armed: watch::Receiver<Option<Arc<Armed>>>,
    ) -> Self {
        let (buffer, place) = (BytesMut::new(), Place::default());
        Self { way, from, to, asked, armed, buffer, place, played: None }
    }

    pub(super) async fn run(mut self) -> End {
        loop {
            match self.turn().await {
                Ok(()) | Err(Stop::Dropped) => {}
                Err(Stop::End(end, _)) => return end,
            }
        }
    }

    /// Passes a frame on, or plays.
    async fn turn(&mut self) -> Result<(), Stop> {
        let armed = self.armed.borrow_and_update().clone();
        let armed = armed
            .filter(|armed| !self.played.as_ref().is_some_and(|played| Arc::ptr_eq(played, armed)));
        if let Some(armed) = armed.as_ref().filter(|armed| armed.begins_at_once())
            && !self.place.is_inside()
        {
            return self.play(armed.clone()).await;
        }
        let ready = self.ready();
        if ready == 0 {
            select! {
                biased;
                changed = self.armed.changed() => {
                    return changed.map_err(|_| Stop::End(End::Close, None));
                }
                read = self.from.read_buf(&mut self.buffer) => return self.check(read),
            }
        }
        if let Some(armed) = armed
            && !self.place.is_inside()
            && armed.begins_with(&Frame::new(&self.buffer[..ready], self.asked))
        {
            return self.play(armed).await;
        }
        self.pass(ready).await
    }

    /// How many bytes of what was read can be passed on: a frame, or what is left of one.
    fn ready(&self) -> usize {
        match self.buffer.first() {
            None => 0,
            Some(_) if self.place.is_inside() => self.place.left().min(self.buffer.len()),
            Some(&first) if is_version(first) => {
                whole(&self.buffer).filter(|length| *length <= self.buffer.len()).unwrap_or(0)
            }
            // Not CQL: as it comes.
            Some(_) => self.buffer.len(),
        }
    }

    async fn play(&mut self, armed: Arc<Armed>) -> Result<(), Stop> {
        self.played = Some(armed.clone());
        let mut round = armed.begin();
        loop {
            for (index, step) in armed.script.steps.iter().enumerate() {
                round.at(index);
                if step.goes_on() {
                    round.finish();
                }
                match self.step(step, &armed).await {
                    Ok(()) => {}
                    Err(Stop::End(end, None)) => {
                        round.finish();
                        return Err(Stop::End(end, None));
                    }
                    Err(Stop::End(end, Some(why))) => {
                        round.fail(why);
                        return Err(Stop::End(end, None));
                    }
                    Err(Stop::Dropped) => {
                        round.fail("the script was dropped".into());
                        return Err(Stop::Dropped);
                    }
                }
            }
            round.finish();
            if armed.script.whenever {
                self.played = None;
                return Ok(());
            }
            if !armed.script.over_and_over {
                return Ok(());
            }
        }
    }

    async fn step(&mut self, step: &Step, armed: &Arc<Armed>) -> Result<(), Stop> {
        match step {
            Step::Frames(count) => {
                for _ in 0..*count {
                    self.pass_frame(armed).await?;
                }
            }
            Step::Bytes(count) => {
                for _ in 0..*count {
                    self.pass_byte(armed).await?;
                }
            }
            Step::Wait(time) => self.wait(*time, armed).await?,
            Step::Lose(count) => {
                for _ in 0..*count {
                    self.take_frame(armed).await?;
                }
            }
            Step::Twice => {
                let frame = self.take_frame(armed).await?;
                self.send(&frame).await?;
                self.send(&frame).await?;
            }
            Step::Swap => {
                let first = self.take_frame(armed).await?;
                let second = self.take_frame(armed).await?;
                self.send(&second).await?;
                self.send(&first).await?;
            }
            Step::Edit(how) => {
                let mut frame = self.take_frame(armed).await?.to_vec();
                how(&mut frame);
                self.send(&frame).await?;
            }
            Step::Send(bytes) => self.send(bytes).await?,
            Step::Close => return Err(Stop::End(End::Close, None)),
            Step::Reset => return Err(Stop::End(End::Reset, None)),
            Step::BlackHole => match self.lose_all(armed).await? {},
            Step::Freeze => match dropped(&mut self.armed, armed).await? {},
            Step::Drip(every) => loop {
                self.pass_byte(armed).await?;
                self.wait(*every, armed).await?;
            },
            Step::Lag(by) => match self.lag(*by, armed).await? {},
        }
        Ok(())
    }

    /// Passes the next frame, or what is left of one.
    async fn pass_frame(&mut self, armed: &Arc<Armed>) -> Result<(), Stop> {
        if !self.place.is_inside() {
            let frame = self.take_frame(armed).await?;
            return self.send(&frame).await;
        }
        while self.place.is_inside() {
            self.pass_byte(armed).await?;
        }
        Ok(())
    }

    async fn pass_byte(&mut self, armed: &Arc<Armed>) -> Result<(), Stop> {
        while self.buffer.is_empty() {
            self.fill(armed).await?;
        }
        self.pass(1).await
    }

    async fn take_frame(&mut self, armed: &Arc<Armed>) -> Result<Bytes, Stop> {
        if self.place.is_inside() {
            let left = self.place.left();
            let why = format!("it begins inside a frame, of which {left} bytes or more are left");
            return Err(Stop::failed(why));
        }
        loop {
            if let Some(first) = self.buffer.first().filter(|first| !is_version(**first)) {
                let why = format!("no frame of CQL begins with the byte 0x{first:02x}");
                return Err(Stop::failed(why));
            }
            match self.ready() {
                0 => self.fill(armed).await?,
                ready => return Ok(self.take(ready)),
            }
        }
    }

    async fn lose_all(&mut self, armed: &Arc<Armed>) -> Result<Infallible, Stop> {
        loop {
            self.take(self.buffer.len());
            // What was lost cannot be found again.
            self.fill(armed).await.map_err(|stop| match stop {
                Stop::Dropped => Stop::End(End::Reset, None),
                stop @ Stop::End(..) => stop,
            })?;
        }
    }

    async fn lag(&mut self, by: Duration, armed: &Arc<Armed>) -> Result<Infallible, Stop> {
        let mut late = VecDeque::new();
        let stop = loop {
            if !self.buffer.is_empty() {
                late.push_back((Instant::now() + by, self.take(self.buffer.len())));
            }
            let due = late.front().map(|(due, _)| *due);
            select! {
                biased;
                Err(stop) = dropped(&mut self.armed, armed) => break stop,
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    if let Some((_, bytes)) = late.pop_front() {
                        self.send(&bytes).await?;
                    }
                }
                read = self.from.read_buf(&mut self.buffer) => {
                    if let Err(stop) = self.check(read) { break stop }
                }
            }
        };
        for (due, bytes) in late {
            if matches!(stop, Stop::End(..)) {
                sleep_until(due).await;
            }
            self.send(&bytes).await?;
        }
        Err(stop)
    }

    async fn wait(&mut self, time: Duration, armed: &Arc<Armed>) -> Result<(), Stop> {
        select! {
            () = sleep(time) => Ok(()),
            stop = dropped(&mut self.armed, armed) => match stop? {},
        }
    }

    /// Reads some more.
    async fn fill(&mut self, armed: &Arc<Armed>) -> Result<(), Stop> {
        select! {
            biased;
            stop = dropped(&mut self.armed, armed) => match stop? {},
            read = self.from.read_buf(&mut self.buffer) => self.check(read),
        }
    }

    fn check(&self, read: io::Result<usize>) -> Result<(), Stop> {
        let who = match self.way {
            Way::Requests => "the client",
            Way::Answers => "the node",
        };
        match read {
            Ok(0) => Err(Stop::End(End::Close, Some(format!("{who} closed the connection")))),
            Ok(_) => Ok(()),
            Err(error) => Err(Stop::failed(format!("{who} went away: {error}"))),
        }
    }

    /// Takes so many bytes of what was read.
    fn take(&mut self, length: usize) -> Bytes {
        let bytes = self.buffer.split_to(length).freeze();
        self.place.advance(&bytes, self.asked);
        bytes
    }

    async fn pass(&mut self, length: usize) -> Result<(), Stop> {
        let bytes = self.take(length);
        self.send(&bytes).await
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        let sent = self.to.write_all(bytes).await;
        sent.map_err(|error| Stop::failed(format!("nobody takes it any more: {error}")))
    }
}

/// Waits until the script is no longer in force.
async fn dropped(
    slot: &mut watch::Receiver<Option<Arc<Armed>>>,
    armed: &Arc<Armed>,
) -> Result<Infallible, Stop> {
    let gone =
        |slot: &Option<Arc<Armed>>| !slot.as_ref().is_some_and(|now| Arc::ptr_eq(now, armed));
    // An error is the end of the proxy.
    let _ = slot.wait_for(gone).await;
    Err(Stop::Dropped)
}
