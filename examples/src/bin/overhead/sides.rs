//! The same read, through the session and through the driver.

use clap::ValueEnum;
use cqlstack_core::{Client, Prepared, Request, Session, Statement, StaticStatement};
use cqlstack_middleware::StatementCacheLayer;
use cqlstack_middleware::cache::StatementCache;
use scylla::client::caching_session::{CachingSession, CachingSessionBuilder};
use scylla::client::session::Session as Driver;
use scylla::client::session_builder::SessionBuilder;
use scylla::response::PagingState;
use scylla::statement::bound::BoundStatement;
use scylla::statement::prepared::PreparedStatement;
use tower::Layer;

use crate::Failure;

const TEXT: &str = "SELECT name FROM overhead.users WHERE id = ?";
static SELECT: StaticStatement = StaticStatement::new(TEXT);

/// Who reads, and how often the values are bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Side {
    DriverBoundOnce,
    SessionBoundOnce,
    DriverBoundEach,
    SessionBoundEach,
    DriverCaching,
    SessionCached,
}

impl Side {
    pub(crate) const ALL: [Self; 6] = [
        Self::DriverBoundOnce,
        Self::SessionBoundOnce,
        Self::DriverBoundEach,
        Self::SessionBoundEach,
        Self::DriverCaching,
        Self::SessionCached,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::DriverBoundOnce => "driver, bound once",
            Self::SessionBoundOnce => "session, bound once",
            Self::DriverBoundEach => "driver, bound each",
            Self::SessionBoundEach => "session, bound each",
            Self::DriverCaching => "CachingSession",
            Self::SessionCached => "session and cache",
        }
    }

    pub(crate) async fn reader(self, nodes: &[String]) -> Result<Reader, Failure> {
        Ok(match self {
            Self::DriverBoundOnce | Self::DriverBoundEach => {
                let driver = SessionBuilder::new().known_nodes(nodes).build().await?;
                let prepared = driver.prepare(TEXT).await?;
                let once = self == Self::DriverBoundOnce;
                let bound = once.then(|| prepared.clone().bind(&(1,))).transpose()?;
                Reader::Driver { driver: Box::new(driver), prepared, bound }
            }
            Self::SessionBoundOnce | Self::SessionBoundEach => {
                let session = Session::builder().contact_points(nodes).build().await?;
                let prepared = session.prepare(&SELECT).await?;
                let once = self == Self::SessionBoundOnce;
                let bound =
                    once.then(|| Request::new(&SELECT, (1,)).bind(&prepared)).transpose()?;
                Reader::Session { db: Client::new(session), prepared, bound }
            }
            Self::DriverCaching => {
                let driver = SessionBuilder::new().known_nodes(nodes).build().await?;
                let caching = CachingSessionBuilder::new(driver).max_capacity(1_000).build();
                Reader::Caching(Box::new(caching))
            }
            Self::SessionCached => {
                let session = Session::builder().contact_points(nodes).build().await?;
                Reader::Cached(Client::new(StatementCacheLayer::default().layer(session)))
            }
        })
    }
}

pub(crate) enum Reader {
    Driver { driver: Box<Driver>, prepared: PreparedStatement, bound: Option<BoundStatement> },
    Session { db: Client<Session>, prepared: Prepared, bound: Option<Request> },
    Caching(Box<CachingSession>),
    Cached(Client<StatementCache<Session>>),
}

impl Reader {
    pub(crate) async fn read(&self, times: u32) -> Result<(), Failure> {
        match self {
            Self::Driver { driver, prepared, bound } => {
                for _ in 0..times {
                    let fresh;
                    let bound = if let Some(bound) = bound {
                        bound
                    } else {
                        fresh = prepared.clone().bind(&(1,))?;
                        &fresh
                    };
                    let start = PagingState::start();
                    let (answer, _) = driver.execute_bound_single_page(bound, start).await?;
                    check(answer.into_rows_result()?.single_row::<(&str,)>()?.0)?;
                }
            }
            Self::Session { db, prepared, bound } => {
                for _ in 0..times {
                    let request = match bound {
                        Some(bound) => bound.clone(),
                        None => Request::new(&SELECT, (1,)).bind(prepared)?,
                    };
                    check(db.request(request).await?.value()?)?;
                }
            }
            Self::Caching(caching) => {
                for _ in 0..times {
                    let start = PagingState::start();
                    let (answer, _) = caching.execute_single_page(TEXT, (1,), start).await?;
                    check(answer.into_rows_result()?.single_row::<(&str,)>()?.0)?;
                }
            }
            Self::Cached(db) => {
                for _ in 0..times {
                    check(db.execute(&SELECT, (1,)).await?.value()?)?;
                }
            }
        }
        Ok(())
    }
}

fn check(name: &str) -> Result<(), Failure> {
    if name == "Ada" { Ok(()) } else { Err("another row was read than was written".into()) }
}

pub(crate) async fn create_table(nodes: &[String]) -> Result<(), Failure> {
    let db = Client::new(Session::builder().contact_points(nodes).build().await?);
    for text in [
        "CREATE KEYSPACE IF NOT EXISTS overhead WITH replication = \
         {'class': 'NetworkTopologyStrategy', 'replication_factor': 1}",
        "CREATE TABLE IF NOT EXISTS overhead.users (id int PRIMARY KEY, name text)",
        "INSERT INTO overhead.users (id, name) VALUES (1, 'Ada')",
    ] {
        db.request(&Statement::new(text)).await?;
    }
    Ok(())
}
