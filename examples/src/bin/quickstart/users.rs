//! Writing users and reading them back.

use std::future::ready;
use std::time::{Duration, Instant};

use cqlstack_core::{Client, CqlService, DeserializeRow, Error, StaticStatement, cql, query_as};
use cqlstack_examples::Failure;
use futures::stream::{self, StreamExt, TryStreamExt};
use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::interval;

pub(crate) static INSERT: &StaticStatement =
    cql!("INSERT INTO quickstart.users (id, name, email) VALUES (?, ?, ?)", name = "insert_user");

/// How many requests are made at a time; the stack's limit says how many are in flight, the others wait.
const AHEAD: usize = 200;

#[derive(Debug, PartialEq, DeserializeRow)]
pub(crate) struct User {
    pub(crate) id: i32,
    #[scylla(default_when_null)]
    pub(crate) name: String,
    #[scylla(default_when_null)]
    pub(crate) email: String,
}

impl User {
    pub(crate) fn number(id: i32) -> Self {
        Self { id, name: format!("User{id}"), email: format!("user{id}@example.org") }
    }

    pub(crate) async fn find(db: &Client<impl CqlService>, id: i32) -> Result<Self, Error> {
        query_as!(Self, "SELECT * FROM quickstart.users WHERE id = ?", id; name = "user_by_id")
            .fetch_one(db)
            .await
    }
}

/// Single writes: each goes to its own partition.
pub(crate) async fn write(db: &Client<impl CqlService>, count: u32) -> Result<(), Failure> {
    let work = Work::new("writing", count)?;
    let users = (0..i32::try_from(count)?).map(|id| {
        let User { id, name, email } = User::number(id);
        (id, name, email)
    });
    let mut writes = db.many(INSERT, users).in_flight(AHEAD)?;
    while let Some((_, answer)) = writes.next().await {
        answer?;
        work.bar.inc(1);
    }
    work.done("wrote", "");
    Ok(())
}

pub(crate) async fn read_and_compare(
    db: &Client<impl CqlService>,
    count: u32,
) -> Result<(), Failure> {
    let work = Work::new("reading", count)?;
    stream::iter(0..i32::try_from(count)?)
        .map(|id| async move {
            if User::find(db, id).await? == User::number(id) {
                return Ok::<_, Failure>(());
            }
            Err(format!("user {id} is not the one that was written").into())
        })
        .buffer_unordered(AHEAD)
        .inspect_ok(|()| work.bar.inc(1))
        .try_for_each(|()| ready(Ok(())))
        .await?;
    work.done("read", ", every one as it was written");
    Ok(())
}

/// All of them, page by page; at no time more than two pages are in memory.
pub(crate) async fn stream_and_compare(
    db: &Client<impl CqlService>,
    count: u32,
) -> Result<(), Failure> {
    let work = Work::new("streaming", count)?;
    let mut users = query_as!(
        User, "SELECT * FROM quickstart.users"; name = "all_users", page_size = 1_000, allow(scan)
    )
    .fetch(db);
    while let Some(user) = users.next_row().await? {
        if user.id < 0 {
            // Left behind by a run that was interrupted among its batches.
            continue;
        }
        if user != User::number(user.id) {
            return Err(format!("user {} is not the one that was written", user.id).into());
        }
        work.bar.inc(1);
    }
    if work.bar.position() < count.into() {
        return Err(format!("{} users came, and {count} were written", work.bar.position()).into());
    }
    let pages = users.page_count();
    work.done("streamed", &format!(", in pages of 1,000: {pages} of them"));
    Ok(())
}

/// Twenty reads a second, for ever.
pub(crate) async fn read_now_and_then(db: &Client<impl CqlService>) -> Result<(), Error> {
    let mut every = interval(Duration::from_millis(50));
    for id in (0..100).cycle() {
        every.tick().await;
        User::find(db, id).await?;
    }
    Ok(())
}

/// A progress bar, and the rate at the end.
struct Work {
    bar: ProgressBar,
    started: Instant,
}

impl Work {
    fn new(doing: &'static str, count: u32) -> Result<Self, Failure> {
        let template = "{msg:8} [{bar:40}] {human_pos}/{human_len} {per_sec} {eta}";
        let style = ProgressStyle::with_template(template)?.progress_chars("=> ");
        let bar = ProgressBar::new(count.into()).with_style(style).with_message(doing);
        Ok(Self { bar, started: Instant::now() })
    }

    fn done(self, did: &str, how: &str) {
        let seconds = self.started.elapsed().as_secs_f64();
        let count = self.bar.position();
        self.bar.finish_and_clear();
        #[allow(clippy::cast_precision_loss, reason = "far fewer than 2^52 users")]
        let rate = count as f64 / seconds;
        println!("{did} {count} users in {seconds:.2} s, {rate:.0} a second{how}");
    }
}
