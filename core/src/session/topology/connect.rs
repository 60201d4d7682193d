//! From settings to a session, within a deadline.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use futures::future::{Either, join_all, ready, select};
use scylla::client::execution_profile::ExecutionProfile;
use scylla::client::session::Session as Driver;
use scylla::client::session_builder::SessionBuilder as DriverBuilder;
use scylla::client::{PoolSize, SelfIdentity};
use scylla::cluster::{ClusterState, Node};
use scylla::errors::ExecutionError;
use tokio::time::{Instant, sleep, timeout_at};
use uuid::Uuid;

use crate::error::{Error, ErrorKind};
use crate::invalid_config::InvalidConfig;
use crate::session::config::contact_point::ContactPoint;
use crate::session::config::credentials::Authenticator;
use crate::session::config::translation::Translation;
use crate::session::config::{Compression, SessionConfig};
use crate::session::inner::Inner;
use crate::session::lifecycle::Lifecycle;
use crate::session::schema::age::SchemaAge;
use crate::session::schema::generation::SchemaClock;
use crate::session::schema::keyspaces::Keyspaces;
use crate::session::schema::tables::Tables;
use crate::session::schema::watcher::{self, Watcher};
use crate::session::topology::ask::query;
use crate::session::topology::clocks::Clocks;
use crate::session::topology::load_balancing::{FirstReplica, LoadBalancing};
use crate::session::topology::nodes::near;
use crate::session::topology::probe::TEXT;
use crate::session::topology::setup_fault;
use crate::session::wait::add;
use crate::task;

/// Where nobody answers, contact points are tried again after so long, twice as long, and so on.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

pub(in crate::session) async fn connect(config: SessionConfig) -> Result<Arc<Lifecycle>, Error> {
    let built = build(config).await;
    built.inspect_err(|error| tracing::warn!(%error, "no session could be built"))
}

async fn build(config: SessionConfig) -> Result<Arc<Lifecycle>, Error> {
    task::runtime()?;
    let points = config.validate()?;
    let translation = Arc::new(Translation::new(&config)?);
    let building = Building::new(&config, &points, &translation);
    let connect = |reading| building.connect(reading);
    let connected = match connect(Reading::Names).await? {
        connected if connected.knows_cluster() => connected,
        knows_nothing => connect_otherwise(knows_nothing, connect).await,
    };
    check_datacenter(&building, &connected.driver.get_cluster_state())?;
    building.wait_for_node(&connected.driver).await?;
    translation.forget_learned();
    let Connected { driver, load_balancing, client_id } = connected;
    let (attempts, clock) = (load_balancing.attempts(), load_balancing.clock());
    let keyspaces = Keyspaces::new(&driver, Arc::clone(&clock));
    let age = Arc::new(SchemaAge::new(Arc::clone(&clock), &config));
    let schema = SchemaClock::new(&driver, clock);
    let lifecycle = Lifecycle::new(|shutdown| Inner {
        driver,
        config,
        schema,
        age,
        tables: Tables::new(),
        keyspaces,
        first_replica: Arc::new(FirstReplica(load_balancing)),
        attempts,
        translation,
        client_id,
        clocks: Clocks::default(),
        ends_pages: AtomicBool::new(false),
        watcher: Watcher::default(),
        shutdown,
    });
    lifecycle.session().iter().for_each(watcher::start);
    Ok(Arc::new(lifecycle))
}

/// What the driver reads of the schema. Types and columns are beyond it where one of them has an unusual
/// name; the session reads those that it needs by itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// Keyspaces and the names of tables, by which it knows replicas.
    Names,
    Nothing,
}

/// The driver, and what the session shares with it.
struct Connected {
    driver: Driver,
    load_balancing: Arc<LoadBalancing>,
    client_id: String,
}

impl Connected {
    /// Whether any node told of itself.
    fn knows_cluster(&self) -> bool {
        let cluster = self.driver.get_cluster_state();
        cluster.get_nodes_info().iter().any(|node| node.datacenter.is_some())
    }
}

/// Something in the schema is beyond the driver, or no node told of the cluster.
async fn connect_otherwise<F>(knows_nothing: Connected, connect: impl Fn(Reading) -> F) -> Connected
where
    F: Future<Output = Result<Connected, Error>>,
{
    let knowing =
        |connected: Result<Connected, Error>| connected.ok().filter(Connected::knows_cluster);
    let Some(without_names) = knowing(connect(Reading::Nothing).await) else {
        tracing::warn!("no node told of the cluster: the session knows its contact points only");
        return knows_nothing;
    };
    // It may have been a failure that passed.
    if let Some(with_names) = knowing(connect(Reading::Names).await) {
        return with_names;
    }
    tracing::warn!(
        "the driver cannot read the keyspaces of this cluster, the replication of one of them perhaps: until \
         the session is built anew, requests go to any node instead of to a replica"
    );
    without_names
}

/// A session that is being built, and the time for it.
struct Building<'c> {
    config: &'c SessionConfig,
    points: &'c [ContactPoint],
    translation: &'c Arc<Translation>,
    started: Instant,
    until: Instant,
}

impl<'c> Building<'c> {
    fn new(
        config: &'c SessionConfig,
        points: &'c [ContactPoint],
        translation: &'c Arc<Translation>,
    ) -> Self {
        let started = Instant::now();
        let until = add(started, config.build_timeout);
        Self { config, points, translation, started, until }
    }

    /// Where nobody answers, contact points are tried again until its time is over.
    async fn connect(&self, reading: Reading) -> Result<Connected, Error> {
        let load_balancing = Arc::new(LoadBalancing::new(self.config.replica_cache));
        let client_id = Uuid::new_v4().to_string();
        let builder = self.driver_builder(Arc::clone(&load_balancing), &client_id)?;
        let builder = builder
            .fetch_schema_metadata(reading == Reading::Names)
            .fetch_full_schema_metadata(false);
        let mut pause = FIRST_PAUSE;
        let mut last = None;
        loop {
            // The driver asks the resolver first, too, and says less of it. What succeeds does not wait for that.
            let building = pin!(timeout_at(self.until, builder.build()));
            let names = pin!(self.unresolved());
            let (built, names) = match select(building, names).await {
                Either::Left((built, names)) => (built, Either::Left(names)),
                Either::Right((names, building)) => (building.await, Either::Right(ready(names))),
            };
            let failed = match built {
                Ok(Ok(driver)) => return Ok(Connected { driver, load_balancing, client_id }),
                Ok(Err(error)) => match setup_fault::of_session(self.config, &error) {
                    Some(kind) => return Err(Error::setup(kind).caused_by(error)),
                    None => Some(error),
                },
                Err(_) => None,
            };
            let is_over = failed.is_none() || Instant::now() + pause >= self.until;
            last = failed.or(last);
            if is_over {
                let kind = self.unreachable(names.await, self.translation.learned());
                return Err(caused(kind, last));
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// The contact points that are names without an address, with what the resolver says.
    async fn unresolved(&self) -> Vec<String> {
        let left = self.until.saturating_duration_since(Instant::now());
        let within = self.config.connect_timeout.min(left);
        let names = join_all(self.points.iter().map(|point| point.unresolved(within))).await;
        names.into_iter().flatten().collect()
    }

    fn contact_points(&self) -> Vec<String> {
        self.points.iter().map(ToString::to_string).collect()
    }

    fn unreachable(&self, unresolved: Vec<String>, learned: Vec<SocketAddr>) -> ErrorKind {
        let after = self.started.elapsed();
        ErrorKind::Unreachable { contact_points: self.contact_points(), unresolved, learned, after }
    }

    /// A contact point told of the nodes. Requests go to them, at addresses of their own: the session is of no
    /// use until one of them can be reached.
    async fn wait_for_node(&self, driver: &Driver) -> Result<(), Error> {
        loop {
            let cluster = driver.get_cluster_state();
            let nearest: Vec<_> = near(self.config, &cluster).collect();
            if nearest.iter().any(|node| node.is_connected()) {
                return Ok(());
            }
            let faults = join_all(nearest.iter().map(|node| self.fault(driver, node))).await;
            // None of them changes with time.
            let is_certain = faults.iter().all(|(kind, _)| kind.is_some());
            let is_over = Instant::now() + FIRST_PAUSE >= self.until;
            let first = faults.into_iter().next();
            match first {
                Some((Some(kind), error)) if is_certain => return Err(caused(kind, error)),
                first if is_over => {
                    let learned =
                        nearest.iter().map(|node| self.translation.address(node)).collect();
                    let kind = self.unreachable(Vec::new(), learned);
                    return Err(caused(kind, first.and_then(|(_, error)| error)));
                }
                _ => sleep(FIRST_PAUSE).await,
            }
        }
    }

    /// Why a node has no connection: what is certain, and what the driver says.
    async fn fault(
        &self,
        driver: &Driver,
        node: &Arc<Node>,
    ) -> (Option<ErrorKind>, Option<ExecutionError>) {
        if let Some(refusal) = self.translation.refusal(node) {
            return (Some(refusal), None);
        }
        let asked = query(driver, node, TEXT);
        match timeout_at(self.until, asked).await {
            Ok(Err(error)) => (setup_fault::of_request(self.config, &error), Some(error)),
            // It just came.
            Ok(Ok(_)) | Err(_) => (None, None),
        }
    }

    fn driver_builder(
        &self,
        load_balancing: Arc<LoadBalancing>,
        client_id: &str,
    ) -> Result<DriverBuilder, InvalidConfig> {
        let config = self.config;
        let profile = ExecutionProfile::builder()
            .consistency(config.consistency)
            .serial_consistency(Some(config.serial_consistency))
            // The session has its own clock around every request: one owner for time.
            .request_timeout(None)
            .load_balancing_policy(load_balancing)
            .build();
        // The driver is built when each node has been tried: one that is silent must not use up all the time.
        let connect_timeout = config.connect_timeout.min(config.build_timeout / 2);
        let mut builder = DriverBuilder::new()
            .custom_identity(SelfIdentity::new().with_client_id(client_id.to_owned()))
            .default_execution_profile_handle(profile.into_handle())
            .pool_size(PoolSize::PerHost(config.connections_per_node))
            .keepalive_interval(config.keepalive_interval)
            .keepalive_timeout(config.keepalive_timeout)
            .connection_timeout(connect_timeout)
            .hostname_resolution_timeout(Some(config.connect_timeout))
            .cluster_metadata_refresh_interval(config.schema_refresh)
            // The session waits for it by itself, and refreshes by itself.
            .auto_await_schema_agreement(false)
            .schema_agreement_timeout(config.schema_agreement_timeout)
            .compression(config.compression.map(|compression| match compression {
                Compression::Lz4 => scylla::client::Compression::Lz4,
                Compression::Snappy => scylla::client::Compression::Snappy,
            }));
        if let Some(name) = &config.local_datacenter {
            builder = builder.prefer_datacenter(name.clone());
        }
        if let Some(keyspace) = &config.keyspace {
            builder = builder.use_keyspace(keyspace, true);
        }
        if let Some(source) = config.source()? {
            let allowed = config.allow_authenticators.clone();
            builder = builder.authenticator_provider(Arc::new(Authenticator { source, allowed }));
        }
        if let Some(tls) = &config.tls {
            builder = tls.encrypt(builder)?;
        }
        for point in self.points {
            builder = point.add_to(builder);
        }
        if config.is_plaintext() {
            let filter: Arc<Translation> = Arc::clone(self.translation);
            builder = builder.host_filter(filter);
        }
        let translation: Arc<Translation> = Arc::clone(self.translation);
        Ok(builder.address_translator(translation))
    }
}

fn caused<E: std::error::Error + Send + Sync + 'static>(kind: ErrorKind, by: Option<E>) -> Error {
    match by {
        Some(error) => Error::setup(kind).caused_by(error),
        None => Error::setup(kind),
    }
}

/// "No nodes" hours later is a poor way to learn of a typing error in the name.
fn check_datacenter(building: &Building<'_>, cluster: &ClusterState) -> Result<(), Error> {
    let local = building.config.local_datacenter.as_deref();
    let known: BTreeSet<&str> =
        cluster.get_nodes_info().iter().filter_map(|node| node.datacenter.as_deref()).collect();
    let fits = match local {
        Some(local) => known.contains(local),
        None => known.len() <= 1,
    };
    if fits {
        return Ok(());
    }
    if known.is_empty() {
        let contact_points = building.contact_points();
        return Err(Error::setup(ErrorKind::UnknownCluster { contact_points }));
    }
    Err(Error::setup(ErrorKind::UnknownDatacenter {
        name: local.map(str::to_owned),
        known: known.into_iter().map(str::to_owned).collect(),
    }))
}
