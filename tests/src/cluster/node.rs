//! One node: where it is, and what a test may do to it.

use std::ffi::OsString;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::driver::Driver;
use super::error::{ClusterError, last_lines};
use super::home::Home;
use super::launch::Run;
use super::lease::{CQL, taken};

/// From the start of the process to the first connection: 6 s alone on an idle machine.
const START: Duration = Duration::from_secs(180);
/// From SIGTERM to the end: a node drains first.
const STOP: Duration = Duration::from_secs(60);
/// From SIGKILL to the end.
const KILL: Duration = Duration::from_secs(30);

/// A node of a [`Cluster`](super::Cluster).
///
/// Each method waits a bounded time. On a cluster named by `CASSANDRA_NODES` all but
/// [`address`](Self::address) and [`pid`](Self::pid) fail with [`ClusterError::NotOurs`].
#[derive(Debug)]
pub struct Node {
    index: usize,
    address: SocketAddr,
    place: Option<Place>,
}

/// What it takes to rule a node that the fixture started.
#[derive(Debug)]
struct Place {
    home: Arc<Home>,
    driver: Arc<Driver>,
    address: Ipv4Addr,
    log: PathBuf,
    command: Vec<OsString>,
    state: Mutex<State>,
    /// Held by whoever starts or ends the process.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    run: Option<Arc<Run>>,
    frozen: bool,
}

impl Node {
    /// One that runs elsewhere.
    pub(super) fn external(index: usize, address: SocketAddr) -> Self {
        Self { index, address, place: None }
    }

    /// One that does not run yet.
    pub(super) fn ours(
        index: usize,
        home: Arc<Home>,
        driver: Arc<Driver>,
        log: PathBuf,
        command: Vec<OsString>,
    ) -> Self {
        let address = home.address(index);
        let state = Mutex::default();
        let turn = tokio::sync::Mutex::default();
        let place = Place { home, driver, address, log, command, state, turn };
        Self { index, address: SocketAddr::from((address, CQL)), place: Some(place) }
    }

    /// Where it listens for CQL.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The process id of its JVM; `None` when it does not run, or is not ours.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.place.as_ref()?.running()?.pid().as_raw_nonzero().get().try_into().ok()
    }

    /// Whether its process is there, frozen or not. Always, as far as anybody knows, when it is not
    /// ours.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.place.as_ref().is_none_or(|place| place.running().is_some())
    }

    /// Starts it, again with the data that it has, and waits until it accepts connections (180 s at
    /// most). Nothing is done when it runs.
    ///
    /// The others may take a moment longer to see it: [`Cluster::settled`](super::Cluster::settled).
    ///
    /// # Errors
    ///
    /// [`ClusterError::AddressInUse`], [`ClusterError::NodeEnded`], [`ClusterError::NodeTimeout`].
    pub async fn start(&self) -> Result<(), ClusterError> {
        let place = self.place("start")?;
        let turn = place.turn.lock().await;
        self.launch(place)?;
        let listens = self.listens(place).await;
        drop(turn);
        place.driver.forget().await;
        listens
    }

    /// Ends it in order: SIGTERM, upon which it drains, and waits until it is gone (60 s at most). A
    /// frozen node is resumed for that. Nothing is done when it does not run.
    ///
    /// # Errors
    ///
    /// [`ClusterError::NodeTimeout`]; the node may still end later.
    pub async fn stop(&self) -> Result<(), ClusterError> {
        self.end("stop", Signal::TERM, STOP).await
    }

    /// Ends it at once: SIGKILL, frozen or not. Nothing is done when it does not run.
    ///
    /// # Errors
    ///
    /// [`ClusterError::NodeTimeout`] if it is not gone after 30 s.
    pub async fn kill(&self) -> Result<(), ClusterError> {
        self.end("kill", Signal::KILL, KILL).await
    }

    /// [`stop`](Self::stop), then [`start`](Self::start).
    ///
    /// # Errors
    ///
    /// Those of the two.
    pub async fn restart(&self) -> Result<(), ClusterError> {
        self.stop().await?;
        self.start().await
    }

    /// Changes its `cassandra.yaml`, for the next time that it starts.
    ///
    /// # Errors
    ///
    /// [`ClusterError::Io`] if the file cannot be changed.
    pub fn set_yaml(&self, key: &str, value: &str) -> Result<(), ClusterError> {
        let file = self.place("set_yaml")?.log.with_file_name("cassandra.yaml");
        let failed = || ClusterError::io(format!("changing {file:?}"));
        let before = fs::read_to_string(&file).map_err(failed())?;
        let is_other = |line: &&str| line.split_once(':').is_none_or(|(name, _)| name != key);
        let mut lines: Vec<_> = before.lines().filter(is_other).map(str::to_owned).collect();
        lines.push(format!("{key}: {value}\n"));
        fs::write(&file, lines.join("\n")).map_err(failed())
    }

    /// Stops its process where it is (SIGSTOP): connections stay open, nothing is answered any more when
    /// this returns. It ends with [`resume`](Self::resume), or with the cluster.
    ///
    /// # Errors
    ///
    /// [`ClusterError::NotRunning`]; [`ClusterError::NodeTimeout`] if it does not stand still.
    pub async fn freeze(&self) -> Result<(), ClusterError> {
        let place = self.place("freeze")?;
        let _turn = place.turn.lock().await;
        self.signal(place, Signal::STOP)?;
        place.state().frozen = true;
        // The signal stops the threads one by one; until then they answer.
        let begin = Instant::now();
        while begin.elapsed() < STOP {
            if place.running().is_none_or(|run| run.stands_still()) {
                return Ok(());
            }
            sleep(Duration::from_millis(1)).await;
        }
        Err(self.late(place, "freezing", STOP))
    }

    /// Lets a frozen process go on (SIGCONT). Nothing changes when it is not frozen.
    ///
    /// # Errors
    ///
    /// [`ClusterError::NotRunning`].
    pub async fn resume(&self) -> Result<(), ClusterError> {
        let place = self.place("resume")?;
        let turn = place.turn.lock().await;
        self.signal(place, Signal::CONT)?;
        place.state().frozen = false;
        drop(turn);
        place.driver.forget().await;
        Ok(())
    }

    /// All that its runs have written to their log so far.
    ///
    /// # Errors
    ///
    /// [`ClusterError::Io`] if it cannot be read.
    pub async fn log(&self) -> Result<String, ClusterError> {
        let path = &self.place("read the log of")?.log;
        let bytes = tokio::fs::read(path).await;
        let bytes = bytes.map_err(ClusterError::io(format!("reading {path:?}")))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Starts the process without waiting, so that several nodes start at once.
    pub(super) async fn begin(&self) -> Result<(), ClusterError> {
        let place = self.place("start")?;
        let _turn = place.turn.lock().await;
        self.launch(place)
    }

    /// Waits for what [`begin`](Self::begin) started.
    pub(super) async fn ready(&self) -> Result<(), ClusterError> {
        self.listens(self.place("start")?).await
    }

    /// Lets a frozen process go on, when nobody can wait or be told of an error.
    pub(super) fn thaw(&self) {
        let Some(place) = &self.place else { return };
        let mut state = place.state();
        if let (true, Some(run)) = (state.frozen, &state.run) {
            // The process is gone if this fails, and then it is not frozen.
            let _ = run.signal(Signal::CONT);
        }
        state.frozen = false;
    }

    pub(super) fn is_ours(&self) -> bool {
        self.place.is_some()
    }

    fn place(&self, action: &'static str) -> Result<&Place, ClusterError> {
        self.place.as_ref().ok_or(ClusterError::NotOurs { action })
    }

    fn signal(&self, place: &Place, signal: Signal) -> Result<(), ClusterError> {
        let run = place.running().ok_or(ClusterError::NotRunning { node: self.index })?;
        run.signal(signal).map_err(ClusterError::io(format!("signalling node {}", self.index)))
    }

    fn launch(&self, place: &Place) -> Result<(), ClusterError> {
        if place.running().is_some() {
            return Ok(());
        }
        if let Some(address) = taken(place.address) {
            return Err(ClusterError::AddressInUse { node: self.index, address });
        }
        let run = Run::start(&place.home, &place.log, &place.command);
        let run = run.map_err(ClusterError::io(format!("starting node {}", self.index)))?;
        *place.state() = State { run: Some(Arc::new(run)), frozen: false };
        Ok(())
    }

    /// Connects until that succeeds. The log tells it too, but before the socket is bound.
    async fn listens(&self, place: &Place) -> Result<(), ClusterError> {
        const STEP: &str = "starting";
        let Some(run) = place.state().run.clone() else {
            return Err(ClusterError::NotRunning { node: self.index });
        };
        let begin = Instant::now();
        while begin.elapsed() < START {
            if let Ok(Ok(_)) = timeout(START, TcpStream::connect(self.address)).await {
                return Ok(());
            }
            if run.is_over() {
                let status = run.status().unwrap_or_default();
                let log = place.last_lines();
                return Err(ClusterError::NodeEnded { node: self.index, status, step: STEP, log });
            }
            sleep(Duration::from_millis(50)).await;
        }
        Err(self.late(place, STEP, START))
    }

    async fn end(
        &self,
        action: &'static str,
        signal: Signal,
        limit: Duration,
    ) -> Result<(), ClusterError> {
        let place = self.place(action)?;
        let _turn = place.turn.lock().await;
        let Some(run) = place.running() else { return Ok(()) };
        let failed = || ClusterError::io(format!("signalling node {}", self.index));
        run.signal(signal).map_err(failed())?;
        // A stopped process handles no signal but SIGKILL and SIGCONT.
        run.signal(Signal::CONT).map_err(failed())?;
        place.state().frozen = false;
        if run.ends_within(limit).await {
            return Ok(());
        }
        Err(self.late(place, "ending", limit))
    }

    fn late(&self, place: &Place, step: &'static str, waited: Duration) -> ClusterError {
        ClusterError::NodeTimeout { node: self.index, step, waited, log: place.last_lines() }
    }
}

impl Place {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nobody panics while holding it, and the state is whole after each statement.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn running(&self) -> Option<Arc<Run>> {
        self.state().run.clone().filter(|run| !run.is_over())
    }

    fn last_lines(&self) -> String {
        match fs::read(&self.log) {
            Ok(bytes) => last_lines(&String::from_utf8_lossy(&bytes)),
            Err(error) => format!("(no log: {error})"),
        }
    }
}
