//! A web service of a tenant, as a team would write it: its state is one client, and all else is reached from there.

use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json};
use axum::routing::get;
use cqlstack_core::{
    Client, Conditional, CqlService, Error, ErrorClass, ErrorKind, PageTokenKey, Request, Script,
    ScriptError, Statement, query,
};
use cqlstack_metrics::MetricsLayer;
use cqlstack_middleware::{ConcurrencyLimitLayer, RetryLayer, StatementCacheLayer};
use futures::stream;
use serde::{Deserialize, Serialize};
use tower::ServiceBuilder;

pub(crate) const SCHEMA: &str = include_str!("schema.cql");
const PROBE: Duration = Duration::from_secs(2);

/// What each handler is given.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) db: Client,
    pub(crate) key: PageTokenKey,
    pub(crate) statements: Statements,
}

/// Made once a tenant, so that each has figures of its own.
#[derive(Clone)]
pub(crate) struct Statements {
    user: Statement,
    pub(crate) rename: Statement,
    pub(crate) members: Statement,
    join: Statement,
}

impl Statements {
    fn of(tenant: &str) -> Self {
        let named =
            |name: &str, text: &'static str| Statement::new(text).named(format!("{name}_{tenant}"));
        Self {
            user: named("user", "SELECT name, email FROM users WHERE id = ?"),
            rename: named("rename", "UPDATE users SET name = ?, email = ? WHERE id = ?"),
            members: named("members", "SELECT id, name FROM members WHERE team = ?")
                .with_page_size(2),
            join: named("join", "INSERT INTO members (team, id, name) VALUES (?, ?, ?)"),
        }
    }
}

impl App {
    /// Over a session, or over what a test puts in its place.
    pub(crate) fn new<B>(base: B, tenant: &str, key: PageTokenKey) -> Result<Self, Error>
    where
        B: CqlService + Sync,
    {
        let layers = ServiceBuilder::new()
            .layer(MetricsLayer::new())
            .layer(RetryLayer::default())
            .layer(ConcurrencyLimitLayer::new(100)?)
            .layer(StatementCacheLayer::default());
        let db = Client::new(base).layer(layers).boxed();
        Ok(Self { db, key, statements: Statements::of(tenant) })
    }

    /// Makes the tables that are not there.
    pub(crate) async fn migrate(&self) -> Result<usize, ScriptError> {
        self.db.run_script(Script::new(SCHEMA).if_not_exists()).await
    }

    pub(crate) fn router(self) -> Router {
        Router::new()
            .route("/users/{id}", get(user).post(register).put(rename))
            .route("/teams/{team}", get(members).post(join))
            .route("/ready", get(ready))
            .with_state(self)
    }
}

/// What a caller is told of an error.
struct Failed(Error);

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> axum::response::Response {
        let status = match self.0.worst_class() {
            ErrorClass::Permanent => StatusCode::BAD_REQUEST,
            ErrorClass::NotExecuted | ErrorClass::Overload => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, self.0.to_string()).into_response()
    }
}

type Answer<T> = Result<T, Failed>;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) email: String,
}

async fn user(State(app): State<App>, Path(id): Path<i32>) -> Answer<impl IntoResponse> {
    let answer = app.db.execute(&app.statements.user, (id,)).await?;
    let user: Option<(String, String)> = answer.maybe_row()?;
    Ok(match user {
        Some((name, email)) => Json(User { name, email }).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    })
}

async fn register(
    State(app): State<App>,
    Path(id): Path<i32>,
    Json(user): Json<User>,
) -> Answer<impl IntoResponse> {
    let insert = query!(
        "INSERT INTO users (id, name, email) VALUES (?, ?, ?) IF NOT EXISTS",
        id, user.name, user.email;
        name = "register", keyspace = "tenant", schema = "tests/suite/service/schema.cql"
    );
    Ok(match insert.applied(&app.db).await? {
        Conditional::Applied => StatusCode::CREATED.into_response(),
        Conditional::NotApplied(found) => {
            let owners: Vec<_> = found.into_iter().filter_map(|user| user.email).collect();
            (StatusCode::CONFLICT, Json(owners)).into_response()
        }
    })
}

async fn rename(
    State(app): State<App>,
    Path(id): Path<i32>,
    Json(User { name, email }): Json<User>,
) -> Answer<StatusCode> {
    app.db.execute(&app.statements.rename, (name, email, id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Page {
    pub(crate) members: Vec<(i32, String)>,
    pub(crate) next: Option<String>,
}

#[derive(Deserialize)]
struct At {
    page: Option<String>,
}

async fn members(
    State(app): State<App>,
    Path(team): Path<i32>,
    Query(At { page }): Query<At>,
) -> Answer<Json<Page>> {
    let request = Request::new(&app.statements.members, (team,));
    let answer = app.db.request(request.with_page_token(&app.key, page.as_deref())).await?;
    let members = answer.page()?.collect::<Result<_, _>>()?;
    Ok(Json(Page { members, next: answer.next_page_token()? }))
}

/// Lines of `id,name`.
async fn join(
    State(app): State<App>,
    Path(team): Path<i32>,
    lines: String,
) -> Result<String, axum::response::Response> {
    let member = |line: &str| -> Result<_, Box<dyn std::error::Error + Send + Sync>> {
        let (id, name) = line.split_once(',').ok_or("a line is `id,name`")?;
        Ok((team, id.trim().parse::<i32>()?, name.trim().to_owned()))
    };
    let lines: Vec<_> = lines.lines().map(member).collect();
    let joined = app.db.many_of(&app.statements.join, stream::iter(lines)).run().await;
    joined.map(|joined| format!("{joined} joined")).map_err(|error| match error.error.kind() {
        // The line itself is wrong; it is named.
        ErrorKind::Layer if error.error.class() == ErrorClass::Permanent => {
            (StatusCode::UNPROCESSABLE_ENTITY, error.to_string()).into_response()
        }
        _ => Failed(error.error).into_response(),
    })
}

async fn ready(State(app): State<App>) -> Answer<&'static str> {
    if let Some(session) = app.db.session() {
        session.check_ready(PROBE).await?;
    }
    Ok("ready")
}
