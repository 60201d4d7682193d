//! A script in force, and what became of it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use super::error::FaultError;
use super::frame::Frame;
use super::script::{Script, Step};

/// Where the scripts of one way are armed.
pub(super) type Slot = watch::Sender<Option<Arc<Armed>>>;

/// A script that connections look for.
#[derive(Debug)]
pub(super) struct Armed {
    pub(super) script: Script,
    taken: AtomicBool,
    state: watch::Sender<State>,
}

#[derive(Debug, Default)]
struct State {
    begun: usize,
    finished: usize,
    at: Option<String>,
    /// At which step, and why.
    failed: Option<(String, String)>,
}

impl Armed {
    /// Whether it begins without waiting for a frame.
    pub(super) fn begins_at_once(&self) -> bool {
        self.script.on_every_connection && self.script.condition.is_none()
    }

    /// Whether it begins with this frame; if it is for one connection only, for the one that asks first.
    pub(super) fn begins_with(&self, frame: &Frame<'_>) -> bool {
        let holds = self.script.condition.as_ref().is_none_or(|holds| holds(frame));
        holds && (self.script.on_every_connection || !self.taken.swap(true, Ordering::Relaxed))
    }

    /// A connection begins to play.
    pub(super) fn begin(&self) -> Round<'_> {
        self.state.send_modify(|state| state.begun += 1);
        Round { armed: self, over: false }
    }

    fn name(&self, index: usize) -> String {
        let steps = &self.script.steps;
        let step = steps.get(index).map(|step: &Step| format!("{step:?}")).unwrap_or_default();
        format!("{} of {}, {step}", index + 1, steps.len())
    }
}

/// How far one connection is.
pub(super) struct Round<'a> {
    armed: &'a Armed,
    over: bool,
}

impl Round<'_> {
    pub(super) fn at(&mut self, index: usize) {
        self.over = false;
        self.armed.state.send_modify(|state| state.at = Some(self.armed.name(index)));
    }

    /// All is done, or in force.
    pub(super) fn finish(&mut self) {
        self.over = true;
        self.armed.state.send_modify(|state| state.finished += 1);
    }

    pub(super) fn fail(&mut self, why: String) {
        if !std::mem::replace(&mut self.over, true) {
            self.armed.state.send_modify(|state| {
                let at = state.at.clone().unwrap_or_default();
                state.failed.get_or_insert((at, why));
            });
        }
    }
}

impl Drop for Round<'_> {
    fn drop(&mut self) {
        self.fail("the connection ended, from its other side".into());
    }
}

/// A script that is in force until this is dropped.
///
/// Then connections that it holds up ([`Freeze`](Step::Freeze), [`Lag`](Step::Lag), …) go on where they are,
/// those in a [`BlackHole`](Step::BlackHole) are reset, since bytes are missing, and new ones are left alone.
#[derive(Debug)]
#[must_use = "the script ends when this is dropped"]
pub struct Playing {
    armed: Arc<Armed>,
    slot: Slot,
    trouble: Trouble,
}

impl Playing {
    /// Arms a script, unless another is in force.
    pub(super) fn arm(script: Script, slot: Slot, trouble: Trouble) -> Result<Self, FaultError> {
        script.check()?;
        let way = script.way;
        let state = watch::Sender::new(State::default());
        let armed = Arc::new(Armed { script, taken: AtomicBool::new(false), state });
        let free = slot.send_if_modified(|slot| {
            let free = slot.is_none();
            slot.get_or_insert_with(|| armed.clone());
            free
        });
        if !free {
            return Err(FaultError::Busy(way));
        }
        Ok(Self { armed, slot, trouble })
    }

    /// How many connections have begun to play.
    #[must_use]
    pub fn begun(&self) -> usize {
        self.armed.state.borrow().begun
    }

    /// Waits until a connection has played all steps, or is at a last one that goes on.
    ///
    /// # Errors
    ///
    /// [`FaultError::NotBegun`], [`FaultError::Unfinished`] after this time; [`FaultError::Failed`] at once. All
    /// name the step.
    pub async fn finished(&self, within: Duration) -> Result<(), FaultError> {
        let mut state = self.armed.state.subscribe();
        let over = state.wait_for(|state| state.finished > 0 || state.failed.is_some());
        // What it waited for, or not, is looked at below.
        let _ = timeout(within, over).await.map(|state| state.is_ok());
        let state = self.armed.state.borrow();
        match (&state.failed, &state.at) {
            _ if state.finished > 0 => Ok(()),
            (Some((at, why)), _) => Err(FaultError::Failed { at: at.clone(), why: why.clone() }),
            (None, Some(at)) => Err(FaultError::Unfinished { within, at: at.clone() }),
            (None, None) => Err(FaultError::NotBegun { within, trouble: self.trouble.text() }),
        }
    }
}

impl Drop for Playing {
    fn drop(&mut self) {
        self.slot.send_replace(None);
    }
}

/// What last kept a connection from being passed on.
#[derive(Debug, Clone, Default)]
pub(super) struct Trouble(Arc<Mutex<Option<String>>>);

impl Trouble {
    pub(super) fn note(&self, what: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(what);
    }

    fn text(&self) -> String {
        let last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().map(|what| format!("; {what}")).unwrap_or_default()
    }
}
