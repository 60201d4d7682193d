//! A web service over the stack: its handlers over a scripted session, and then over a real node.

mod app;
mod cores;

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;

use app::{App, Page, SCHEMA, User};
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Json, Path, State};
use axum::http::{Method, Request, StatusCode};
use axum::routing::{self, put};
use cqlstack_core::testing::{Answer, ScriptedSession};
use cqlstack_core::{CqlService, ErrorKind, PageTokenKey, PagingState};
use futures::future::try_join_all;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tower::ServiceExt;
use tower::util::MapRequestLayer;

use crate::support::{keyspace, shared_builder};

const PATIENCE: Duration = Duration::from_secs(60);

fn app(base: impl CqlService + Sync) -> App {
    App::new(base, "acme", PageTokenKey::new([7; 32])).unwrap()
}

fn scripted() -> ScriptedSession {
    ScriptedSession::new().with_schema(SCHEMA)
}

async fn call(
    router: &Router,
    method: Method,
    uri: &str,
    body: impl Into<Body>,
) -> (StatusCode, String) {
    let request = Request::builder().method(method).uri(uri);
    let request = request.header("content-type", "application/json").body(body.into()).unwrap();
    let answer = router.clone().oneshot(request).await.unwrap();
    let status = answer.status();
    let body = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

async fn get<T: DeserializeOwned>(router: &Router, uri: &str) -> T {
    let (status, body) = call(router, Method::GET, uri, "").await;
    assert_eq!(status, StatusCode::OK, "{body}");
    serde_json::from_str(&body).unwrap()
}

fn ada() -> String {
    serde_json::json!({ "name": "Ada", "email": "ada@example.org" }).to_string()
}

#[tokio::test]
async fn a_user_is_found_or_not() {
    let row = Answer::rows_by_schema([("Ada", "ada@example.org")]);
    let session = scripted().on("user_acme", [row, Answer::rows_by_schema::<(&str, &str)>([])]);
    let router = app(session.clone()).router();
    let user: User = get(&router, "/users/7").await;
    assert_eq!(user, User { name: "Ada".to_owned(), email: "ada@example.org".to_owned() });
    assert_eq!(call(&router, Method::GET, "/users/8", "").await.0, StatusCode::NOT_FOUND);
    let asked: Vec<(i32,)> = executed(&session).iter().map(|sent| sent.values().unwrap()).collect();
    assert_eq!(asked, [(7,), (8,)]);
}

fn executed(session: &ScriptedSession) -> Vec<cqlstack_core::testing::Sent> {
    session.sent().into_iter().filter(|sent| !sent.is_prepare()).collect()
}

/// The test of a handler: of the service's own, or of one that is wrong.
async fn renames(router: impl FnOnce(App) -> Router) {
    let session = scripted().on("rename_acme", [Answer::done()]);
    let router = router(app(session.clone()));
    assert_eq!(call(&router, Method::PUT, "/users/7", ada()).await.0, StatusCode::NO_CONTENT);
    let (name, email, id): (String, String, i32) = executed(&session)[0].values().unwrap();
    assert_eq!((&*name, &*email, id), ("Ada", "ada@example.org", 7));
}

#[tokio::test]
async fn a_rename_binds_each_value_to_its_column() {
    renames(App::router).await;
}

#[tokio::test]
#[should_panic(expected = "left: (\"ada@example.org\", \"Ada\", 7)")]
async fn the_test_of_a_handler_that_swaps_two_values_fails() {
    let swaps = async |State(app): State<App>, Path(id): Path<i32>, Json(user): Json<User>| {
        let values = (user.email, user.name, id);
        app.db.execute(&app.statements.rename, values).await.unwrap();
        StatusCode::NO_CONTENT
    };
    renames(|app| Router::new().route("/users/{id}", put(swaps)).with_state(app)).await;
}

#[tokio::test]
async fn who_is_registered_already_is_told() {
    let taken = Answer::not_applied((7, "bob@example.org", "Bob"));
    let session = scripted().on("register", [Answer::applied(), taken]);
    let router = app(session).router();
    assert_eq!(call(&router, Method::POST, "/users/7", ada()).await.0, StatusCode::CREATED);
    let (status, body) = call(&router, Method::POST, "/users/7", ada()).await;
    assert_eq!((status, &*body), (StatusCode::CONFLICT, r#"["bob@example.org"]"#));
}

/// The test of a handler: of the service's own, or of one that is wrong.
async fn pages(router: impl FnOnce(App) -> Router) {
    let place = PagingState::from_bytes(&[1, 2, 3]);
    let first = Answer::rows_by_schema([(1, "Ada"), (2, "Bob")]).followed_by(place.clone());
    let session = scripted().on("members_acme", [first, Answer::rows_by_schema([(3, "Eve")])]);
    let router = router(app(session.clone()));
    let Page { members, next } = get(&router, "/teams/5").await;
    assert_eq!(members.len(), 2);
    let last: Page = get(&router, &format!("/teams/5?page={}", next.unwrap())).await;
    assert_eq!(last, Page { members: vec![(3, "Eve".to_owned())], next: None });
    let places: Vec<_> = executed(&session).into_iter().map(|sent| sent.page).collect();
    assert!(places == [PagingState::default(), place], "another page was asked for");
}

#[tokio::test]
async fn the_next_page_is_asked_for_where_the_last_one_ended() {
    pages(App::router).await;
}

#[tokio::test]
#[should_panic(expected = "another page was asked for")]
async fn the_test_of_a_handler_that_asks_for_the_first_page_again_fails() {
    let first_again = async |State(app): State<App>, Path(team): Path<i32>| {
        let request = cqlstack_core::Request::new(&app.statements.members, (team,));
        let answer = app.db.request(request.with_page_token(&app.key, None)).await.unwrap();
        let members = answer.page().unwrap().map(Result::unwrap).collect();
        Json(Page { members, next: answer.next_page_token().unwrap() })
    };
    pages(|app| Router::new().route("/teams/{team}", routing::get(first_again)).with_state(app))
        .await;
}

#[tokio::test]
async fn a_line_that_does_not_parse_is_named_and_what_the_server_says_has_its_status() {
    let overloaded = || Answer::error(ErrorKind::Overloaded);
    let session = scripted()
        .on("user_acme", [overloaded(), overloaded(), overloaded()])
        .on("join_acme", [Answer::done(), Answer::error(ErrorKind::Invalid)])
        .otherwise(Answer::done());
    let router = app(session.clone()).router();
    let (status, body) = call(&router, Method::POST, "/teams/5", "1,Ada\nBob\n3,Eve").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(body.starts_with("row 1 (from 0): join_acme: a line is `id,name`"), "{body}");
    assert_eq!(call(&router, Method::POST, "/teams/5", "1,Ada").await.0, StatusCode::BAD_REQUEST);
    let (status, body) = call(&router, Method::GET, "/users/7", "").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{body}");
    assert_eq!(call(&router, Method::GET, "/ready", "").await.1, "ready");
}

#[tokio::test]
async fn over_a_real_node_it_does_the_same() {
    let session = shared_builder().await.keyspace(keyspace().await).build().await.unwrap();
    let app = app(session);
    // As each start of the program does.
    for _ in 0..2 {
        assert_eq!(app.migrate().await.unwrap(), 3);
    }
    let router = app.clone().router();
    assert_eq!(
        call(&router, Method::GET, "/ready", "").await,
        (StatusCode::OK, "ready".to_owned())
    );
    assert_eq!(call(&router, Method::GET, "/users/7", "").await.0, StatusCode::NOT_FOUND);
    assert_eq!(call(&router, Method::POST, "/users/7", ada()).await.0, StatusCode::CREATED);
    let (status, body) = call(&router, Method::POST, "/users/7", ada()).await;
    assert_eq!((status, &*body), (StatusCode::CONFLICT, r#"["ada@example.org"]"#));
    let renamed = ada().replace("Ada", "Lovelace");
    assert_eq!(call(&router, Method::PUT, "/users/8", renamed).await.0, StatusCode::NO_CONTENT);
    let user: User = get(&router, "/users/8").await;
    assert_eq!((&*user.name, &*user.email), ("Lovelace", "ada@example.org"));

    let lines = (0..5).map(|id| format!("{id},m{id}")).collect::<Vec<_>>().join("\n");
    assert_eq!(call(&router, Method::POST, "/teams/5", lines).await.1, "5 joined");
    let (mut seen, mut uri) = (Vec::new(), "/teams/5".to_owned());
    loop {
        let page: Page = get(&router, &uri).await;
        seen.extend(page.members.into_iter().map(|(id, _)| id));
        let Some(next) = page.next else { break };
        uri = format!("/teams/5?page={next}");
    }
    assert_eq!(seen, [0, 1, 2, 3, 4]);
    assert_eq!(
        call(&router, Method::GET, "/teams/5?page=forged", "").await.0,
        StatusCode::BAD_REQUEST
    );

    let shutdown = app.db.session().unwrap().shutdown(Duration::from_secs(5)).await;
    assert!(shutdown.complete);
    assert_ne!(call(&router, Method::GET, "/ready", "").await.0, StatusCode::OK);
}

/// What a client is answered over a connection of its own.
async fn status_of(address: SocketAddr, uri: &str) -> String {
    let mut client = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {uri} HTTP/1.1\r\nhost: service\r\nconnection: close\r\n\r\n");
    client.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    answer.lines().next().unwrap_or_default().to_owned()
}

/// A port that several sockets can listen on.
fn free_port() -> (SocketAddr, TcpSocket) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseport(true).unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    (socket.local_addr().unwrap(), socket)
}

#[tokio::test]
async fn on_a_runtime_for_each_core_every_session_answers_and_all_end_when_they_are_told() {
    let (builder, keyspace) = (shared_builder().await, keyspace().await);
    let asked = Arc::<Mutex<HashMap<ThreadId, usize>>>::default();
    let seen = Arc::clone(&asked);
    let make = move || {
        let session = Box::pin(builder.clone().keyspace(&keyspace).build());
        let seen = Arc::clone(&seen);
        let note = MapRequestLayer::new(move |request: cqlstack_core::Request| {
            *seen.lock().unwrap().entry(thread::current().id()).or_default() += 1;
            request
        });
        async {
            let app = app(session.await?);
            Ok(App { db: app.db.layer(note).boxed(), ..app })
        }
    };
    make().await.unwrap().migrate().await.unwrap();
    asked.lock().unwrap().clear();
    let (address, _port) = free_port();
    let (stop, stopped) = watch::channel(());
    let servers = cores::serve(address, NonZeroUsize::new(2).unwrap(), make, &stopped);
    let servers = timeout(PATIENCE, servers).await.unwrap().unwrap();
    let answers = try_join_all((0..100).map(|id| async move {
        let (users, ready) = (format!("/users/{id}"), "/ready");
        timeout(PATIENCE, async {
            (status_of(address, &users).await, status_of(address, ready).await)
        })
        .await
    }));
    for (user, ready) in answers.await.unwrap() {
        assert_eq!((&*user, &*ready), ("HTTP/1.1 404 Not Found", "HTTP/1.1 200 OK"));
    }
    let of_threads: Vec<_> = asked.lock().unwrap().values().copied().collect();
    assert_eq!(of_threads.len(), 2, "{of_threads:?}");
    stop.send(()).unwrap();
    let ended = spawn_blocking(|| {
        servers.into_iter().map(|server| server.join().unwrap()).collect::<Vec<_>>()
    });
    for ended in timeout(PATIENCE, ended).await.unwrap().unwrap() {
        ended.unwrap();
    }
}

#[tokio::test]
async fn where_one_core_has_no_session_none_serves() {
    let (builder, keyspace) = (shared_builder().await, keyspace().await);
    let count = Arc::<AtomicUsize>::default();
    let make = move || {
        let is_first = count.fetch_add(1, Ordering::Relaxed) == 0;
        let keyspace = if is_first { keyspace.clone() } else { "no_such_keyspace".to_owned() };
        let session = Box::pin(builder.clone().keyspace(keyspace).build());
        async { Ok(app(session.await?)) }
    };
    let (address, _port) = free_port();
    let (_stop, stopped) = watch::channel(());
    let served = cores::serve(address, NonZeroUsize::new(2).unwrap(), make, &stopped);
    let error = timeout(PATIENCE, served).await.unwrap().unwrap_err();
    assert!(error.to_string().contains("no_such_keyspace"), "{error}");
    // None has listened.
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn an_address_that_is_taken_is_an_error() {
    let builder = shared_builder().await;
    let taken = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let make = move || {
        let session = Box::pin(builder.clone().build());
        async { Ok(app(session.await?)) }
    };
    let (_stop, stopped) = watch::channel(());
    let address = taken.local_addr().unwrap();
    let served = cores::serve(address, NonZeroUsize::MIN, make, &stopped);
    let error = timeout(PATIENCE, served).await.unwrap().unwrap_err();
    let error = error.downcast_ref::<std::io::Error>().unwrap();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
}
