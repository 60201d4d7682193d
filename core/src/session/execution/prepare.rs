//! Preparing a statement, and what is noted beside it.

use std::sync::Arc;
use std::time::Duration;

use scylla::errors::PrepareError;
use tokio::time::Instant;

use crate::error::{Error, ErrorKind, Failure};
use crate::prepared::{OfDriver, Prepared};
use crate::request::Request;
use crate::session::execution::error::error_of;
use crate::session::execution::keyspace;
use crate::session::execution::stamping;
use crate::session::execution::time::Time;
use crate::session::inner::Inner;
use crate::session::schema::basis::{Basis, Before, keyspace_answered, named, of_markers};
use crate::session::schema::keyspaces::Settled;
use crate::session::schema::markers::{Fit, Markers};
use crate::session::schema::one_page::set_page_size;
use crate::session::schema::schema_facts::{schema_facts, write_set};
use crate::session::schema::tables::{Named, Tables};
use crate::session::schema::unreadable;
use crate::session::wait::add;
use crate::statement::StatementKind;

pub(in crate::session) async fn prepare(
    session: &Arc<Inner>,
    request: &Request,
    called: Instant,
) -> Result<Prepared, Error> {
    let call = Time::of(session, request, called)?;
    let statement = request.statement();
    let until = call.until.min(add(call.started, session.config.prepare_timeout));
    let settled = if statement.depends_on_use() {
        Some(keyspace::settled(session, request, until).await?)
    } else {
        None
    };
    let in_use = settled.as_ref().and_then(Settled::name).map(|name| name.as_str());
    let mut names = named(statement, in_use);
    let mut tries = 0;
    let (before, mut tables, mut prepared) = loop {
        let before = Before::now(session);
        let prepare = session.until(until, session.driver.prepare(statement.text()));
        let (tables, prepared) = session.tables.meet(session, &names, until, prepare).await;
        let prepared = match prepared {
            Some(Ok(prepared)) => prepared,
            failed => {
                Tables::doubt_missing(&tables);
                let failed = failed.and_then(Result::err);
                return Err(not_prepared(session, request, failed, &tables, until - call.started));
            }
        };
        // Of a text that the parser does not understand, the server tells the tables.
        let others = of_markers(&prepared, &tables);
        tries += 1;
        let is_read = before.is_stale() || !tables.iter().any(Named::is_to_be_read);
        let is_known = others.is_empty() && is_read;
        if is_known || tries == 3 || Instant::now() >= until {
            break (before, tables, prepared);
        }
        names.extend(others);
    };
    let answered = keyspace_answered(&prepared, statement);
    // Of a text that the parser does not understand nobody knows whether it names one.
    let is_open = settled.is_some() && statement.table().is_some();
    if is_open && answered.is_some() && answered.as_deref() != in_use {
        session.keyspaces.unsettle();
        return Err(error_of(session, request, ErrorKind::KeyspaceUnsettled));
    }
    let markers = Markers::of(&prepared, statement, &tables);
    if before.is_stale() && markers.fit == Fit::Different {
        tables = tables.iter().map(Named::unread).collect();
    }
    let is_known = !before.is_stale() && markers.fit != Fit::Different;
    let known: &[Named] = if is_known { &tables } else { &[] };
    let limit = set_page_size(session, statement, known, &mut prepared);
    let facts = schema_facts(&prepared, &tables, statement);
    let write_set = write_set(&prepared, &tables, statement, facts);
    stamping::note(session, statement, &tables);
    if statement.kind() == StatementKind::Conditional {
        let overtake = stamping::overtake(session, tables.iter());
        if session.until(until, overtake).await.is_none() {
            return Err(not_prepared(session, request, None, &tables, until - call.started));
        }
    }
    let basis = Basis::new(session, before, tables, markers, settled.as_ref());
    Ok(Prepared::of_driver(statement, OfDriver { prepared, basis, write_set, limit }, facts))
}

/// Prepares what no layer above has bound, in the time of the call, which becomes its deadline.
pub(in crate::session) async fn prepare_all(
    session: &Arc<Inner>,
    request: Request,
    called: Instant,
) -> Result<Request, Error> {
    let time = Time::of(session, &request, called)?;
    let mut request = request.with_deadline(time.until);
    while let Some(statement) = request.unprepared() {
        let asked = Request::prepare(statement).with_deadline(time.until);
        let prepared = prepare(session, &asked, Instant::now()).await?;
        // Prepared for this request alone: no layer keeps it.
        request.attach(prepared, false)?;
    }
    Ok(request)
}

/// `error` is none if the time is over.
#[cold]
fn not_prepared(
    session: &Inner,
    request: &Request,
    error: Option<PrepareError>,
    tables: &[Named],
    after: Duration,
) -> Error {
    let mut failure = match error {
        Some(error) => Failure::from(error),
        None if session.is_aborted() => ErrorKind::Closed.into(),
        None => ErrorKind::PrepareTimeout { after }.into(),
    };
    unreadable::locate(&mut failure.kind, tables.iter());
    error_of(session, request, failure)
}
