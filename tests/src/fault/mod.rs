//! Faults that no server makes on request: a TCP proxy before a node that does what a script says.
//!
//! A [`FaultProxy`] passes all on until a [`Script`] is played: it delays, loses, cuts, repeats, reorders and
//! invents what goes one way, from the begin of a frame on, or in the middle of one. A node that dies or freezes
//! by itself is had from [`cluster`](crate::cluster) with less effort.
//!
//! It promises:
//!
//! - **Nothing hangs for its sake.** What does not happen is an error that names the step:
//!   [`Playing::finished`]. All ends when the proxy is dropped.
//! - **One connection**, the first on which a frame fits, or every one; see [`Script`].
//! - **What is not CQL passes**: TLS, another proxy. Steps that take bytes work with it as well.
//! - **Loopback only.** The proxy listens on an address of its own, `127.100.B.1`, port 9042, or where it is told
//!   to ([`FaultProxy::listening_on`]), and leads to no other machine.
//!
//! A session learns the addresses of nodes from the nodes. [`FaultProxy::translation`] has it go through the proxy
//! all the same, with all that it sends to the node; a cluster of several nodes has a proxy for each.
//!
//! # Example
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use cqlstack_core::{Client, Session, Statement};
//! use cqlstack_tests::cluster::Cluster;
//! use cqlstack_tests::fault::{FaultProxy, Script, Step, opcode};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let cluster = Cluster::shared().await?;
//! let proxy = FaultProxy::before(cluster.node(0)?.address()).await?;
//! let builder = Session::builder()
//!     .contact_points([proxy.address().to_string()])
//!     .address_translation([proxy.translation()]);
//! let db = Client::new(builder.build().await?);
//!
//! let half_a_header = Script::answers()
//!     .with(&[opcode::EXECUTE])
//!     .then(Step::Bytes(4))
//!     .then(Step::Reset);
//! let playing = proxy.play(half_a_header)?;
//! let read = Statement::new("SELECT key FROM system.local");
//! assert!(db.request(&read).await.is_err());
//! playing.finished(Duration::from_secs(5)).await?;
//! # Ok(())
//! # }
//! ```

mod error;
mod frame;
mod playing;
mod pump;
mod script;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::select;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{sleep, timeout};

pub use self::error::FaultError;
use self::frame::Asked;
pub use self::frame::{Frame, HEADER, opcode};
pub use self::playing::Playing;
use self::playing::{Slot, Trouble};
use self::pump::{End, Pump};
pub use self::script::{Edit, Script, Step, Way};
use crate::cluster::{CQL, Lease};

/// How long a node may take to accept.
const CONNECT: Duration = Duration::from_secs(5);

/// A proxy before a node; see the [module](self). Its connections end when it is dropped.
#[derive(Debug)]
pub struct FaultProxy {
    node: SocketAddr,
    address: SocketAddr,
    slots: Slots,
    trouble: Trouble,
    accepting: AbortHandle,
    /// Of an address of its own.
    lease: Option<Lease>,
}

#[derive(Debug, Clone)]
struct Slots {
    requests: Slot,
    answers: Slot,
}

impl FaultProxy {
    /// Listens, and leads to this node, or proxy. The node need not be there yet: connections are reset while
    /// it is not. Its tasks are of the runtime that this is called on.
    ///
    /// # Errors
    ///
    /// [`FaultError::NotLoopback`], [`FaultError::Lease`], [`FaultError::Listen`].
    pub async fn before(node: SocketAddr) -> Result<Self, FaultError> {
        let lease = Lease::take(1)?;
        let address = SocketAddr::from((lease.address(0), CQL));
        let mut proxy = Self::listening_on(address, node).await?;
        proxy.lease = Some(lease);
        Ok(proxy)
    }

    /// The same at this address, as a tunnel or a forwarded port; port 0 takes a free one, which
    /// [`address`](Self::address) tells.
    ///
    /// # Errors
    ///
    /// [`FaultError::NotLoopback`], [`FaultError::Listen`].
    pub async fn listening_on(address: SocketAddr, node: SocketAddr) -> Result<Self, FaultError> {
        if let Some(other) = [address, node].into_iter().find(|it| !it.ip().is_loopback()) {
            return Err(FaultError::NotLoopback(other));
        }
        let listen = |source| FaultError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let slots = Slots { requests: Slot::new(None), answers: Slot::new(None) };
        let trouble = Trouble::default();
        let accept = accept(listener, node, slots.clone(), trouble.clone());
        let accepting = tokio::spawn(accept).abort_handle();
        Ok(Self { node, address, slots, trouble, accepting, lease: None })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The node's address and the proxy's, for
    /// [`address_translation`](cqlstack_core::SessionBuilder::address_translation).
    #[must_use]
    pub fn translation(&self) -> (SocketAddr, SocketAddr) {
        (self.node, self.address)
    }

    /// Has a script in force until what is returned is dropped. One for each way at a time.
    ///
    /// # Errors
    ///
    /// [`FaultError::NoSteps`], [`FaultError::NeverReached`], [`FaultError::Spins`] for what cannot be played;
    /// [`FaultError::Busy`].
    pub fn play(&self, script: Script) -> Result<Playing, FaultError> {
        let slot = match script.way {
            Way::Requests => &self.slots.requests,
            Way::Answers => &self.slots.answers,
        };
        Playing::arm(script, slot.clone(), self.trouble.clone())
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, node: SocketAddr, slots: Slots, trouble: Trouble) {
    let mut connections = JoinSet::new();
    loop {
        select! {
            accepted = listener.accept() => match accepted {
                Ok((client, _)) => {
                    connections.spawn(connection(client, node, slots.clone(), trouble.clone()));
                }
                Err(error) => {
                    trouble.note(format!("the proxy cannot accept: {error}"));
                    sleep(Duration::from_millis(10)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(mut client: TcpStream, node: SocketAddr, slots: Slots, trouble: Trouble) {
    let connected = timeout(CONNECT, TcpStream::connect(node)).await;
    let mut server = match connected {
        Ok(Ok(server)) => server,
        failed => {
            let why = failed.map_or("it does not accept".into(), |failed| {
                failed.err().map(|error| error.to_string()).unwrap_or_default()
            });
            trouble.note(format!("the node at {node} cannot be reached: {why}"));
            let _ = client.set_zero_linger();
            return;
        }
    };
    // Half a frame goes out as such.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let asked = Asked::default();
    let end = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let (requests, answers) = (slots.requests.subscribe(), slots.answers.subscribe());
        let requests = Pump::new(Way::Requests, (from_client, to_server), &asked, requests);
        let answers = Pump::new(Way::Answers, (from_server, to_client), &asked, answers);
        select! {
            end = requests.run() => end,
            end = answers.run() => end,
        }
    };
    match end {
        End::Close => {
            let _ = (client.shutdown().await, server.shutdown().await);
        }
        End::Reset => {
            let _ = (client.set_zero_linger(), server.set_zero_linger());
        }
    }
}
