//! A text without values, which goes to the server as it is.

use scylla::statement::Statement as DriverStatement;
use tokio::time::Instant;

use crate::error::Error;
use crate::paging::Origin;
use crate::prepared::no_failover;
use crate::request::Request;
use crate::response::Response;
use crate::session::execution::answer::{IntoPage, response, unanswered};
use crate::session::execution::place;
use crate::session::execution::time::Time;
use crate::session::inner::Inner;
use crate::session::schema::change::SchemaChange;
use crate::session::schema::keyspaces::Settled;

/// Sends a text as it is, without values.
pub(in crate::session) async fn query(
    session: &Inner,
    request: &Request,
    called: Instant,
) -> Result<Response, Error> {
    let time = Time::of_page(session, request, called)?;
    let change = SchemaChange::begin(session, request, time.until).await;
    let answer = send_until(session, request, time, time.until, None).await;
    SchemaChange::end(change, answer).await
}

/// Sends a text as it is. The driver may go on with it for longer than its caller waits.
pub(super) async fn send_until(
    session: &Inner,
    request: &Request,
    time: Time,
    ends: Instant,
    in_use: Option<&Settled>,
) -> Result<Response, Error> {
    let answer = session.until(ends, send(session, request, in_use)).await;
    let timeout = || unanswered(request, time, session.is_aborted(), session.config.consistency);
    answer.ok_or_else(timeout)?
}

/// For as long as it takes. `in_use` is the keyspace that it depends on.
async fn send(
    session: &Inner,
    request: &Request,
    in_use: Option<&Settled>,
) -> Result<Response, Error> {
    let options = request.options();
    let mut statement = DriverStatement::new(request.statement().text());
    statement.set_tracing(options.is_traced);
    if let Some(consistency) = options.consistency {
        statement.set_consistency(consistency);
    }
    if let Some(serial) = options.serial_consistency() {
        statement.set_serial_consistency(Some(serial));
    }
    statement.set_retry_policy(Some(no_failover()));
    let name = in_use.and_then(Settled::name);
    let start = request.start(name.map(|name| name.as_str()))?;
    place::of_text(session, request, &start.page, in_use)?;
    place::of_unpaged(session, request, &start.page)?;
    let answer = if options.is_unpaged() {
        let all = session.driver.query_unpaged(statement, ()).await;
        all.map(IntoPage::into_page)
    } else {
        statement.set_page_size(place::page_size(session, request, &start.page));
        session.driver.query_single_page(statement, (), start.page.to_driver()).await
    };
    let mut answer = response(session, request, answer, false)?;
    if in_use.is_some() {
        answer = answer.read_with(Origin::Text(name.cloned()));
    }
    Ok(answer.started_at(start))
}
