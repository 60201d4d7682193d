//! What is to go wrong.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::error::FaultError;
use super::frame::Frame;

/// One thing that is done with a stream. The first step begins where a frame does.
#[derive(Clone)]
#[non_exhaustive]
pub enum Step {
    /// Passes so many frames; what is left of one counts as one.
    Frames(usize),
    /// Passes so many bytes, wherever they end.
    Bytes(usize),
    /// Passes nothing for so long.
    Wait(Duration),
    /// Loses so many frames.
    Lose(usize),
    /// Passes the next frame twice.
    Twice,
    /// Passes the next two frames in the other order.
    Swap,
    /// Passes the next frame as the function leaves it, header included.
    Edit(Edit),
    /// Sends bytes that nobody sent.
    Send(Vec<u8>),
    /// Ends both connections in order (FIN).
    Close,
    /// Ends both connections at once (RST).
    Reset,
    /// Reads on and loses all. The last step.
    BlackHole,
    /// Reads no more, so that the sender's buffers fill. The last step.
    Freeze,
    /// Passes one byte, then the next after so long. The last step.
    Drip(Duration),
    /// Passes everything so much later, in any number. The last step.
    Lag(Duration),
}

/// How a frame is changed.
pub type Edit = Arc<dyn Fn(&mut Vec<u8>) + Send + Sync>;

impl Step {
    /// Changes the next frame.
    #[must_use]
    pub fn edit(how: impl Fn(&mut Vec<u8>) + Send + Sync + 'static) -> Self {
        Self::Edit(Arc::new(how))
    }

    /// Puts bytes in the place of as many others, wherever these are in the next frame.
    #[must_use]
    pub fn replace<const N: usize>(from: &'static [u8; N], to: &'static [u8; N]) -> Self {
        Self::edit(move |frame| {
            for place in 0..=frame.len().saturating_sub(N) {
                if frame[place..].starts_with(from) {
                    frame[place..place + N].copy_from_slice(to);
                }
            }
        })
    }

    fn is_last(&self) -> bool {
        matches!(self, Self::Close | Self::Reset) || self.goes_on()
    }

    /// Whether it is in force until the script is dropped.
    pub(super) fn goes_on(&self) -> bool {
        matches!(self, Self::BlackHole | Self::Freeze | Self::Drip(_) | Self::Lag(_))
    }

    /// Whether it takes something from the stream, or time.
    fn takes(&self) -> bool {
        match self {
            Self::Frames(count) | Self::Bytes(count) | Self::Lose(count) => *count > 0,
            Self::Wait(time) => !time.is_zero(),
            Self::Send(_) => false,
            Self::Twice | Self::Swap | Self::Edit(_) => true,
            _ => self.is_last(),
        }
    }
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Frames(count) => write!(f, "Frames({count})"),
            Self::Bytes(count) => write!(f, "Bytes({count})"),
            Self::Wait(time) => write!(f, "Wait({time:?})"),
            Self::Lose(count) => write!(f, "Lose({count})"),
            Self::Twice => f.write_str("Twice"),
            Self::Swap => f.write_str("Swap"),
            Self::Edit(_) => f.write_str("Edit"),
            Self::Send(bytes) => write!(f, "Send({} bytes)", bytes.len()),
            Self::Close => f.write_str("Close"),
            Self::Reset => f.write_str("Reset"),
            Self::BlackHole => f.write_str("BlackHole"),
            Self::Freeze => f.write_str("Freeze"),
            Self::Drip(every) => write!(f, "Drip({every:?})"),
            Self::Lag(by) => write!(f, "Lag({by:?})"),
        }
    }
}

/// Which way a stream goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From the client to the node.
    Requests,
    /// From the node to the client.
    Answers,
}

pub(super) type Condition = Arc<dyn Fn(&Frame<'_>) -> bool + Send + Sync>;

/// Steps, and where they begin. It is played by the first connection that a frame passes on for which its
/// condition holds, and by no other, unless said otherwise. After its last step everything passes.
#[derive(Clone)]
pub struct Script {
    pub(super) way: Way,
    pub(super) condition: Option<Condition>,
    pub(super) on_every_connection: bool,
    pub(super) over_and_over: bool,
    /// Each time that the condition holds.
    pub(super) whenever: bool,
    pub(super) steps: Vec<Step>,
}

impl Script {
    /// For what the node sends.
    #[must_use]
    pub fn answers() -> Self {
        Self::new(Way::Answers)
    }

    /// For what the client sends.
    #[must_use]
    pub fn requests() -> Self {
        Self::new(Way::Requests)
    }

    fn new(way: Way) -> Self {
        Self {
            way,
            condition: None,
            on_every_connection: false,
            over_and_over: false,
            whenever: false,
            steps: Vec::new(),
        }
    }

    /// What is done next.
    #[must_use]
    pub fn then(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Begins with a request of one of these [opcodes](super::opcode), or the answer to one, but not on the
    /// control connection.
    #[must_use]
    pub fn with(self, opcodes: &'static [u8]) -> Self {
        self.when(|frame| {
            !frame.is_control() && frame.request().is_some_and(|opcode| opcodes.contains(&opcode))
        })
    }

    /// Begins with a frame for which this holds.
    #[must_use]
    pub fn when(mut self, holds: impl Fn(&Frame<'_>) -> bool + Send + Sync + 'static) -> Self {
        self.condition = Some(Arc::new(holds));
        self
    }

    /// Begins with each frame for which this holds, on every connection; all others pass.
    #[must_use]
    pub fn whenever(mut self, holds: impl Fn(&Frame<'_>) -> bool + Send + Sync + 'static) -> Self {
        (self.on_every_connection, self.whenever) = (true, true);
        self.when(holds)
    }

    /// Each connection plays it once, also new ones. Without a condition those that are there begin at once,
    /// and new ones with their first byte.
    #[must_use]
    pub fn on_every_connection(mut self) -> Self {
        self.on_every_connection = true;
        self
    }

    /// After the last step comes the first.
    #[must_use]
    pub fn over_and_over(mut self) -> Self {
        self.over_and_over = true;
        self
    }

    /// Whether it can be played at all.
    pub(super) fn check(&self) -> Result<(), FaultError> {
        if self.steps.is_empty() {
            return Err(FaultError::NoSteps);
        }
        let before_last = self.steps.split_last().map_or(&[][..], |(_, before)| before);
        if let Some(index) = before_last.iter().position(Step::is_last) {
            let step = format!("{:?}", self.steps[index + 1]);
            return Err(FaultError::NeverReached { number: index + 2, step });
        }
        if (self.over_and_over || self.whenever) && !self.steps.iter().any(Step::takes) {
            return Err(FaultError::Spins);
        }
        Ok(())
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script")
            .field("way", &self.way)
            .field("on_every_connection", &self.on_every_connection)
            .field("over_and_over", &self.over_and_over)
            .field("whenever", &self.whenever)
            .field("steps", &self.steps)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(script: &Script) -> String {
        script.check().unwrap_err().to_string()
    }

    #[test]
    fn what_cannot_be_played_is_refused_by_step() {
        assert!(refusal(&Script::answers()).contains("no steps"));
        let after = Script::answers().then(Step::Wait(Duration::ZERO)).then(Step::BlackHole);
        assert!(after.check().is_ok());
        let never = refusal(&after.then(Step::Bytes(3)));
        assert!(never.contains("step 3, Bytes(3), is never reached"), "{never}");
    }

    #[test]
    fn over_and_over_has_to_take_something() {
        let forever = |step| Script::requests().then(step).over_and_over();
        for step in [
            Step::Frames(0),
            Step::Bytes(0),
            Step::Lose(0),
            Step::Wait(Duration::ZERO),
            Step::Send(vec![1]),
        ] {
            assert!(refusal(&forever(step)).contains("for ever"));
        }
        assert!(forever(Step::Frames(1)).check().is_ok());
        assert!(forever(Step::Twice).check().is_ok());
    }
}
