//! From settings to a session, within a deadline.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use scylla::client::execution_profile::ExecutionProfile;
use scylla::client::session::Session as Driver;
use scylla::client::session_builder::SessionBuilder as DriverBuilder;
use scylla::client::{PoolSize, SelfIdentity};
use scylla::cluster::ClusterState;
use scylla::errors::{
    ConnectionError, ConnectionPoolError, ConnectionSetupRequestErrorKind, DbError, MetadataError,
    NewSessionError, RequestAttemptError, UseKeyspaceError,
};
use tokio::time::{Instant, sleep, timeout_at};
use uuid::Uuid;

use super::age::SchemaAge;
use super::balancing::{Balancing, FirstReplica};
use super::clocks::Clocks;
use super::config::{Compression, SessionConfig};
use super::contact_point::ContactPoint;
use super::credentials::{Authenticator, NO_CREDENTIALS};
use super::door::Door;
use super::execute::add;
use super::keyspace::Keyspaces;
use super::schema::SchemaClock;
use super::tables::Tables;
use super::translation::Translation;
use super::watcher::{self, Watcher};
use super::{Inner, Session};
use crate::error::{Error, ErrorKind, tls_fault};
use crate::invalid_config::InvalidConfig;

/// Where nobody answers, contact points are tried again after so long, twice as long, and so on.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

pub(super) async fn connect(config: SessionConfig) -> Result<Session, Error> {
    let points = config.validate()?;
    let started = Instant::now();
    let unreachable = |unresolved, learned| ErrorKind::Unreachable {
        contact_points: points.iter().map(ToString::to_string).collect(),
        unresolved,
        learned,
        after: started.elapsed(),
    };
    let until = add(started, config.build_timeout);
    let connect = |reading| connect_driver(&config, &points, reading, until, &unreachable);
    let Connected { driver, balancing, client_id } = match connect(Reading::Names).await? {
        connected if connected.knows_cluster() => connected,
        knows_nothing => connect_otherwise(knows_nothing, connect).await,
    };
    check_datacenter(&config, &driver.get_cluster_state())?;
    let (attempts, clock) = (balancing.attempts(), balancing.clock());
    let keyspaces = Keyspaces::new(&driver, Arc::clone(&clock));
    let age = Arc::new(SchemaAge::new(Arc::clone(&clock), &config));
    let schema = SchemaClock::new(&driver, clock);
    let door = Door::new(|inside| Inner {
        driver,
        config,
        schema,
        age,
        tables: Tables::new(),
        keyspaces,
        first_replica: Arc::new(FirstReplica(balancing)),
        attempts,
        client_id,
        clocks: Clocks::default(),
        watcher: Watcher::default(),
        inside,
    });
    door.session().iter().for_each(watcher::start);
    Ok(Session { door: Arc::new(door) })
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
    balancing: Arc<Balancing>,
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

/// Where nobody answers, contact points are tried again until then.
async fn connect_driver(
    config: &SessionConfig,
    points: &[ContactPoint],
    reading: Reading,
    until: Instant,
    unreachable: &(dyn Fn(Vec<String>, Vec<SocketAddr>) -> ErrorKind + Sync),
) -> Result<Connected, Error> {
    let balancing = Arc::<Balancing>::default();
    let client_id = Uuid::new_v4().to_string();
    let builder = driver_builder(config, points, Arc::clone(&balancing), &client_id)?
        .fetch_schema_metadata(reading == Reading::Names)
        .fetch_full_schema_metadata(false);
    let mut pause = FIRST_PAUSE;
    let mut unresolved = Vec::new();
    loop {
        match timeout_at(until, builder.build()).await {
            Ok(Ok(driver)) => return Ok(Connected { driver, balancing, client_id }),
            Ok(Err(error)) => {
                if let Some(kind) = refused(config, &error) {
                    return Err(Error::setup(kind).caused_by(error));
                }
                let left = until.saturating_duration_since(Instant::now());
                let within = config.connect_timeout.min(left);
                let names = join_all(points.iter().map(|point| point.unresolved(within))).await;
                unresolved = names.into_iter().flatten().collect();
                if Instant::now() + pause >= until {
                    return Err(Error::setup(unreachable(unresolved, Vec::new())).caused_by(error));
                }
            }
            Err(_) => return Err(Error::setup(unreachable(unresolved, Vec::new()))),
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn driver_builder(
    config: &SessionConfig,
    points: &[ContactPoint],
    balancing: Arc<Balancing>,
    client_id: &str,
) -> Result<DriverBuilder, InvalidConfig> {
    let profile = ExecutionProfile::builder()
        .consistency(config.consistency)
        .serial_consistency(Some(config.serial_consistency))
        // The session has its own clock around every request: one owner for time.
        .request_timeout(None)
        .load_balancing_policy(balancing)
        .build();
    let mut builder = DriverBuilder::new()
        .custom_identity(SelfIdentity::new().with_client_id(client_id.to_owned()))
        .default_execution_profile_handle(profile.into_handle())
        .pool_size(PoolSize::PerHost(config.connections_per_node))
        .keepalive_interval(config.keepalive_interval)
        .keepalive_timeout(config.keepalive_timeout)
        .connection_timeout(config.connect_timeout)
        .hostname_resolution_timeout(Some(config.connect_timeout))
        .cluster_metadata_refresh_interval(config.schema_refresh)
        // The session waits for it by itself, and refreshes by itself.
        .auto_await_schema_agreement(false)
        .schema_agreement_timeout(config.schema_agreement_timeout)
        .compression(config.compression.map(|compression| match compression {
            Compression::Lz4 => scylla::client::Compression::Lz4,
            Compression::Snappy => scylla::client::Compression::Snappy,
        }));
    for point in points {
        builder = point.add_to(builder);
    }
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
    if !config.address_translation.is_empty() {
        let translation = Translation(config.address_translation.clone());
        builder = builder.address_translator(Arc::new(translation));
    }
    if let Some(tls) = &config.tls {
        builder = tls.encrypt(builder)?;
    }
    Ok(builder)
}

/// "No nodes" hours later is a poor way to learn of a typing error in the name.
fn check_datacenter(config: &SessionConfig, cluster: &ClusterState) -> Result<(), Error> {
    let local = config.local_datacenter.as_deref();
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
        let contact_points = config.contact_points.clone();
        return Err(Error::setup(ErrorKind::UnknownCluster { contact_points }));
    }
    Err(Error::setup(ErrorKind::UnknownDatacenter {
        name: local.map(str::to_owned),
        known: known.into_iter().map(str::to_owned).collect(),
    }))
}

/// What the driver's error is if it is more than "nobody there".
fn refused(config: &SessionConfig, error: &NewSessionError) -> Option<ErrorKind> {
    match error {
        NewSessionError::MetadataError(MetadataError::ConnectionPoolError(
            ConnectionPoolError::Broken { last_connection_error },
        )) => connection_refused(config, last_connection_error),
        NewSessionError::UseKeyspaceError(error) => keyspace_refused(config, error),
        _ => None,
    }
}

fn connection_refused(config: &SessionConfig, error: &ConnectionError) -> Option<ErrorKind> {
    if let Some(fault) = tls_fault(error) {
        return Some(ErrorKind::Tls(fault));
    }
    match error {
        ConnectionError::ConnectionSetupRequestError(setup) => match &setup.error {
            ConnectionSetupRequestErrorKind::DbError(
                DbError::AuthenticationError | DbError::Unauthorized,
                _,
            )
            | ConnectionSetupRequestErrorKind::MissingAuthentication => {
                Some(ErrorKind::Authentication)
            }
            ConnectionSetupRequestErrorKind::StartAuthSessionError(why) => {
                Some(if why == NO_CREDENTIALS {
                    ErrorKind::NoCredentials
                } else {
                    ErrorKind::UnknownAuthenticator { name: why.clone() }
                })
            }
            _ => None,
        },
        ConnectionError::UseKeyspaceError(error) => keyspace_refused(config, error),
        _ => None,
    }
}

fn keyspace_refused(config: &SessionConfig, error: &UseKeyspaceError) -> Option<ErrorKind> {
    match error {
        UseKeyspaceError::RequestError(RequestAttemptError::DbError(DbError::Invalid, _)) => {
            Some(ErrorKind::UnknownKeyspace { name: config.keyspace.clone().unwrap_or_default() })
        }
        _ => None,
    }
}
