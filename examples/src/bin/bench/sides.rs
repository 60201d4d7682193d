//! The same read, one row by its key, on all sides.

use std::future::{Ready, ready};
use std::sync::Arc;
use std::time::Duration;

use cqlstack_core::{
    Client, CqlService, Error, Request, Response, Statement, StaticStatement, cql, query,
};
use cqlstack_metrics::MetricsLayer;
use cqlstack_middleware::{ConcurrencyLimitLayer, RetryLayer, StatementCacheLayer};
use scylla::client::caching_session::{CachingSession, CachingSessionBuilder};
use scylla::client::session::Session as Driver;
use scylla::errors::ExecutionError;
use scylla::response::PagingState;
use scylla::response::query_result::QueryResult;
use scylla::statement::bound::BoundStatement;
use scylla::statement::prepared::PreparedStatement;
use tower::retry::{Policy, Retry};
use tower::{BoxError, Layer, Service, ServiceBuilder, ServiceExt, service_fn};

use crate::Failure;
use crate::connect::{Connect, full_stack};
use crate::side::{Failed, Side};

pub(crate) const TEXT: &str = "SELECT name FROM bench.users WHERE id = ?";
pub(crate) static SELECT: StaticStatement = StaticStatement::new(TEXT);

static CHECKED: &StaticStatement =
    cql!("SELECT name FROM bench.users WHERE id = ?", schema = "src/bin/bench/schema.cql");

static INSERT: StaticStatement =
    StaticStatement::new("INSERT INTO bench.users (id, name) VALUES (?, ?)");

/// How many rows there are to read.
pub(crate) const USERS: i32 = 10_000;

/// More than any scenario has in flight: what is measured is the layer and not a wait.
pub(crate) const PERMITS: usize = 100_000;

/// Says which version the server has.
pub(crate) async fn create_table(connect: &Connect) -> Result<String, Failure> {
    let db = Client::new(StatementCacheLayer::default().layer(connect.session().await?));
    db.run_script(include_str!("schema.cql")).await?;
    let mut writes = (0..USERS).map(|id| db.execute(&INSERT, (id, format!("User{id}"))));
    loop {
        let some: Vec<_> = writes.by_ref().take(100).collect();
        if some.is_empty() {
            break;
        }
        futures::future::try_join_all(some).await?;
    }
    let server = Statement::new("SELECT release_version FROM system.local");
    Ok(db.request(&server).await?.value()?)
}

/// All sides; the first is what the others are compared with. The second is the same once more: what
/// it differs by is noise.
pub(crate) async fn all(connect: &Connect) -> Result<Vec<Side>, Failure> {
    let raw = Raw::new(connect).await?;
    let best = raw.prepared.clone().bind(&(1,))?;
    let caching = CachingSessionBuilder::new(connect.driver().await?).max_capacity(1_000).build();
    let session = connect.session().await?;
    let again = Raw::new(connect).await?;
    let mut sides = vec![raw.side("driver"), again.side("driver again")];
    sides.extend([raw.unpaged_side(), raw.best_case(best), caching_side(caching)]);
    sides.extend(raw.in_towers_layers());
    let prepared = session.prepare(&SELECT).await?;
    let once = Request::new(&SELECT, (1,)).bind(&prepared)?;
    let bound = move |id: i32| {
        let mut request = Request::new(&SELECT, (id,));
        request.attach_prepared(prepared.clone())?;
        Ok(request)
    };
    let limit = ConcurrencyLimitLayer::new(PERMITS)?.layer(session.clone());
    sides.extend([
        bound_side("session, bound once", session.clone(), move |_| Ok(once.clone())),
        bound_side("session", session.clone(), bound.clone()),
        bound_side("session, metrics", MetricsLayer::new().layer(session.clone()), bound.clone()),
        bound_side("session, retry", RetryLayer::default().layer(session.clone()), bound.clone()),
        bound_side("session, limit", limit, bound),
        unbound_side(
            "session, cache",
            Client::new(StatementCacheLayer::default().layer(session.clone())),
            &SELECT,
        ),
        unbound_side("full stack", full_stack(session.clone(), PERMITS)?, &SELECT),
        unbound_side("full stack, cql!", full_stack(session.clone(), PERMITS)?, CHECKED),
        write_owned("write, owned", full_stack(session.clone(), PERMITS)?),
        write_borrowed("write, borrowed", full_stack(session.clone(), PERMITS)?),
        write_query("write, query!", full_stack(session.clone(), PERMITS)?),
        read_tuple("read, tuple", full_stack(session.clone(), PERMITS)?),
        read_query("read, query!", full_stack(session, PERMITS)?),
    ]);
    Ok(sides)
}

/// The first one, and those of these names; all of them if none is named.
pub(crate) fn chosen(sides: Vec<Side>, names: &[String]) -> Result<Vec<Side>, Failure> {
    let known = |name: &String| sides.iter().any(|side| side.name == name);
    if let Some(other) = names.iter().find(|name| !known(name)) {
        let all: Vec<_> = sides.iter().map(|side| side.name).collect();
        return Err(format!("there is no side `{other}`, there is: {}", all.join("; ")).into());
    }
    let stays = |index, side: &Side| index == 0 || names.iter().any(|name| side.name == name);
    let sides = sides.into_iter().enumerate();
    let sides = sides.filter(|(index, side)| names.is_empty() || stays(*index, side));
    Ok(sides.map(|(_, side)| side).collect())
}

/// Any of the rows.
fn id(number: u64) -> i32 {
    i32::try_from(number % u64::from(USERS.unsigned_abs())).unwrap_or(0)
}

pub(crate) fn unbound_side(
    name: &'static str,
    db: Client<impl CqlService + Sync + 'static>,
    select: &'static StaticStatement,
) -> Side {
    let db = Arc::new(db);
    Side::new(name, move |number| {
        let db = Arc::clone(&db);
        async move { check_ours(&db.execute(select, (id(number),)).await) }
    })
}

/// A text for each of the rows, as a service has it in a struct of its own.
fn names() -> Vec<String> {
    (0..USERS).map(|id| format!("User{id}")).collect()
}

/// What a write needs, and all of them share.
type Named<S> = Arc<(Client<S>, Vec<String>)>;

/// Writes one of the names.
fn write_side<S: CqlService + Sync + 'static, A>(
    name: &'static str,
    db: Client<S>,
    write: impl Fn(Named<S>, i32) -> A + Clone + Send + Sync + 'static,
) -> Side
where
    A: Future<Output = Result<Response, Error>> + Send + 'static,
{
    let shared = Arc::new((db, names()));
    Side::new(name, move |number| {
        let answer = write(Arc::clone(&shared), id(number));
        async move { done(&answer.await) }
    })
}

/// Of this number.
fn text(names: &[String], id: i32) -> &String {
    &names[id.unsigned_abs() as usize]
}

/// The text is cloned for the request.
fn write_owned(name: &'static str, db: Client<impl CqlService + Sync + 'static>) -> Side {
    write_side(name, db, |shared, id| async move {
        let (db, names) = &*shared;
        db.request(Request::new(&INSERT, (id, text(names, id).clone()))).await
    })
}

fn write_borrowed(name: &'static str, db: Client<impl CqlService + Sync + 'static>) -> Side {
    write_side(name, db, |shared, id| async move {
        let (db, names) = &*shared;
        db.execute(&INSERT, (id, &**text(names, id))).await
    })
}

fn write_query(name: &'static str, db: Client<impl CqlService + Sync + 'static>) -> Side {
    write_side(name, db, |shared, id| async move {
        let (db, names) = &*shared;
        let insert = query!(
            "INSERT INTO bench.users (id, name) VALUES (?, ?)", id, text(names, id);
            schema = "src/bin/bench/schema.cql"
        );
        insert.execute(db).await
    })
}

/// Reads a name that the program keeps.
fn read_side<S: CqlService + Sync + 'static, A>(
    name: &'static str,
    db: Client<S>,
    read: impl Fn(Arc<Client<S>>, i32) -> A + Clone + Send + Sync + 'static,
) -> Side
where
    A: Future<Output = Result<Option<String>, Error>> + Send + 'static,
{
    let db = Arc::new(db);
    Side::new(name, move |number| {
        let answer = read(Arc::clone(&db), id(number));
        async move {
            let name = answer.await.map_err(|error| error.class().as_str())?;
            check(name.as_deref().unwrap_or_default())
        }
    })
}

fn read_tuple(name: &'static str, db: Client<impl CqlService + Sync + 'static>) -> Side {
    read_side(name, db, |db, id| async move {
        db.execute(&SELECT, (id,)).await?.row().map(|(name,)| name)
    })
}

fn read_query(name: &'static str, db: Client<impl CqlService + Sync + 'static>) -> Side {
    read_side(name, db, |db, id| async move {
        let select = query!(
            "SELECT name FROM bench.users WHERE id = ?", id; schema = "src/bin/bench/schema.cql"
        );
        select.fetch_one(&*db).await.map(|user| user.name)
    })
}

fn done(answer: &Result<Response, Error>) -> Result<(), Failed> {
    answer.as_ref().map(|_| ()).map_err(|error| error.class().as_str())
}

fn bound_side(
    name: &'static str,
    service: impl CqlService + Sync + 'static,
    bound: impl Fn(i32) -> Result<Request, Error> + Send + Sync + 'static,
) -> Side {
    let shared = Arc::new((Client::new(service), bound));
    Side::new(name, move |number| {
        let shared = Arc::clone(&shared);
        async move {
            let (db, bound) = &*shared;
            let request = bound(id(number)).map_err(|error| error.class().as_str())?;
            check_ours(&db.request(request).await)
        }
    })
}

fn check_ours(answer: &Result<Response, Error>) -> Result<(), Failed> {
    let answer = answer.as_ref().map_err(|error| error.class().as_str())?;
    check(answer.value().map_err(|error| error.class().as_str())?)
}

fn check(name: &str) -> Result<(), Failed> {
    if name.starts_with("User") { Ok(()) } else { Err("wrong answer") }
}

/// The driver alone.
pub(crate) struct Raw {
    driver: Driver,
    prepared: PreparedStatement,
}

impl Raw {
    pub(crate) async fn new(connect: &Connect) -> Result<Arc<Self>, Failure> {
        let driver = connect.driver().await?;
        let prepared = driver.prepare(TEXT).await?;
        Ok(Arc::new(Self { driver, prepared }))
    }

    /// Binds each time and asks for a page, as the session does.
    pub(crate) fn side(self: &Arc<Self>, name: &'static str) -> Side {
        let raw = Arc::clone(self);
        Side::new(name, move |number| {
            let raw = Arc::clone(&raw);
            async move { raw.read(number).await }
        })
    }

    async fn read(&self, number: u64) -> Result<(), Failed> {
        let bound = self.prepared.clone().bind(&(id(number),)).map_err(|_| "values")?;
        let page = self.driver.execute_bound_single_page(&bound, PagingState::start()).await;
        check_theirs(page.map(|(answer, _)| answer))
    }

    /// Binds each time, and asks for all rows.
    pub(crate) fn unpaged_side(self: &Arc<Self>) -> Side {
        let raw = Arc::clone(self);
        Side::new("driver, unpaged", move |number| {
            let raw = Arc::clone(&raw);
            async move {
                let bound = raw.prepared.clone().bind(&(id(number),)).map_err(|_| "values")?;
                check_theirs(raw.driver.execute_bound_unpaged(&bound).await)
            }
        })
    }

    fn best_case(self: &Arc<Self>, bound: BoundStatement) -> Side {
        let (raw, bound) = (Arc::clone(self), Arc::new(bound));
        Side::new("driver, bound once, unpaged", move |_| {
            let (raw, bound) = (Arc::clone(&raw), Arc::clone(&bound));
            async move { check_theirs(raw.driver.execute_bound_unpaged(&bound).await) }
        })
    }

    fn in_towers_layers(self: &Arc<Self>) -> [Side; 3] {
        let raw = Arc::clone(self);
        let service = service_fn(move |number| {
            let raw = Arc::clone(&raw);
            async move { raw.read(number).await }
        });
        let plain = ServiceBuilder::new();
        let limit = plain.clone().concurrency_limit(PERMITS).service(service.clone());
        let retry = Retry::new(Twice(2), service.clone());
        let timeout = plain.timeout(Duration::from_secs(10)).service(service);
        [
            tower_side("driver, tower's limit", limit, |failed| failed),
            tower_side("driver, tower's retry", retry, |failed| failed),
            tower_side("driver, tower's timeout", timeout, |_: BoxError| "failed"),
        ]
    }
}

fn tower_side<S>(
    name: &'static str,
    service: S,
    class: impl Fn(S::Error) -> Failed + Copy + Send + Sync + 'static,
) -> Side
where
    S: Service<u64, Response = (), Future: Send, Error: Send> + Clone + Send + Sync + 'static,
{
    Side::new(name, move |number| {
        let call = service.clone().oneshot(number);
        async move { call.await.map_err(class) }
    })
}

fn caching_side(caching: CachingSession) -> Side {
    let caching = Arc::new(caching);
    Side::new("CachingSession", move |number| {
        let caching = Arc::clone(&caching);
        async move {
            let page = caching.execute_single_page(TEXT, (id(number),), PagingState::start()).await;
            check_theirs(page.map(|(answer, _)| answer))
        }
    })
}

/// The class of an error of the driver.
pub(crate) fn their_class(error: &ExecutionError) -> Failed {
    match error {
        ExecutionError::RequestTimeout(_) => "timeout",
        _ => "failed",
    }
}

fn check_theirs(answer: Result<QueryResult, ExecutionError>) -> Result<(), Failed> {
    let answer = answer.map_err(|error| their_class(&error))?;
    let rows = answer.into_rows_result().map_err(|_| "no rows")?;
    check(rows.single_row::<(&str,)>().map_err(|_| "no row")?.0)
}

/// So many attempts more, whatever the error.
#[derive(Clone)]
struct Twice(u32);

impl Policy<u64, (), Failed> for Twice {
    type Future = Ready<()>;

    fn retry(&mut self, _: &mut u64, result: &mut Result<(), Failed>) -> Option<Ready<()>> {
        result.as_ref().err()?;
        self.0 = self.0.checked_sub(1)?;
        Some(ready(()))
    }

    fn clone_request(&mut self, number: &u64) -> Option<u64> {
        Some(*number)
    }
}
