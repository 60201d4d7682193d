//! What the driver's errors are while a session is built, if they are more than "nobody there".

use scylla::errors::{
    ConnectionError, ConnectionPoolError, ConnectionSetupRequestErrorKind, DbError, ExecutionError,
    MetadataError, NewSessionError, RequestAttemptError, TranslationError, UseKeyspaceError,
};

use crate::error::{ErrorKind, tls_fault};
use crate::session::config::credentials::NO_CREDENTIALS;
use crate::session::config::{SessionConfig, translation};

pub(in crate::session) fn of_session(
    config: &SessionConfig,
    error: &NewSessionError,
) -> Option<ErrorKind> {
    match error {
        NewSessionError::MetadataError(MetadataError::ConnectionPoolError(error)) => {
            of_pool(config, error)
        }
        NewSessionError::UseKeyspaceError(error) => of_keyspace(config, error),
        _ => None,
    }
}

/// Of a request to a node without a connection.
pub(in crate::session) fn of_request(
    config: &SessionConfig,
    error: &ExecutionError,
) -> Option<ErrorKind> {
    match error {
        ExecutionError::ConnectionPoolError(error) => of_pool(config, error),
        _ => None,
    }
}

fn of_pool(config: &SessionConfig, error: &ConnectionPoolError) -> Option<ErrorKind> {
    match error {
        ConnectionPoolError::Broken { last_connection_error } => {
            of_connection(config, last_connection_error)
        }
        _ => None,
    }
}

fn of_connection(config: &SessionConfig, error: &ConnectionError) -> Option<ErrorKind> {
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
        ConnectionError::TranslationError(TranslationError::Custom(error)) => {
            translation::refusal_in(error)
        }
        ConnectionError::UseKeyspaceError(error) => of_keyspace(config, error),
        _ => None,
    }
}

fn of_keyspace(config: &SessionConfig, error: &UseKeyspaceError) -> Option<ErrorKind> {
    match error {
        UseKeyspaceError::RequestError(RequestAttemptError::DbError(DbError::Invalid, _)) => {
            Some(ErrorKind::UnknownKeyspace { name: config.keyspace.clone().unwrap_or_default() })
        }
        _ => None,
    }
}
