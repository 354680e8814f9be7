//! From a URL to an open session: endpoints, certificates, login.

use std::path::Path;
use std::time::Duration;

use mainstem_adapter::SessionEnd;
use opcua::client::{ClientBuilder, ClientConfig, SessionBuilder};
use opcua::types::{Error, StatusCode};

use super::endpoints;
use super::failure;
use super::identity::{self, OwnCertificate, application_uri};
use super::link::{Link, SessionEvents};
use super::socket::{CHUNK_BYTES_MAX, Dialer};
use super::structures::RawBodies;
use super::subscribe::publish_timeout;
use super::trust::{check_server, disk};
use super::user;
use crate::certificates;
use crate::connection::ConnectionPlan;

/// Chunks of one message.
const CHUNKS_MAX: usize = 256;
/// Bytes of a text or byte string. More than a value may have, so that one value which is too
/// large is a bad value and not a broken session.
const TEXT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Elements of an array in a message.
const ARRAY_MAX: usize = 1024 * 1024;
/// How long a security token is asked to hold. The stack compares the server's clock with ours
/// to renew it, so a long life is what makes it bear a wrong clock.
const CHANNEL_LIFETIME: Duration = Duration::from_secs(24 * 3600);

/// Opens a session. `longest` is the longest publishing interval. Cancel safe: dropping it closes
/// the connection.
pub(crate) async fn open(
    plan: &ConnectionPlan,
    folder: &Path,
    longest: Duration,
) -> Result<Link, SessionEnd> {
    let config = client_config(plan, folder, longest);
    let offered = within(plan, endpoints::ask(plan, &config, folder))
        .await
        .map_err(|error| failure::no_answer(&plan.url, &error))?;
    let endpoint = endpoints::choose(plan, &offered)?;
    let identity = own_identity(plan, folder).await?;
    let server = check_server(plan, folder, &endpoint)?;
    let token = user::token(&plan.user)?;
    let store = identity::session_store(folder, identity.as_ref(), server.as_ref())
        .map_err(|error| disk(&error))?;
    let failed =
        |status: StatusCode| failure::not_opened(&plan.url, status, &plan.user, identity.as_ref());
    let (session, event_loop) = SessionBuilder::new(&config)
        .with_connector(Dialer::new(&plan.url))
        .connect_to_endpoint_directly(endpoint.clone())
        .map(|builder| builder.user_identity_token(token))
        .and_then(|builder| builder.build(store))
        .map_err(|error| failed(error.status()))?;
    // Bodies that the stack cannot decode must not break the messages around them.
    *session.encoding_context().write().loaders_mut() = RawBodies::collection();
    let mut events: SessionEvents = Box::pin(event_loop.enter());
    let connected = async { Link::connected(&mut events).await.map_err(status_only) };
    within(plan, connected)
        .await
        .map_err(|error| failed(error.status()))?;
    let mut link = Link {
        session,
        events,
        url: plan.url.clone(),
        gone: false,
    };
    if plan.policies.len() > 1 {
        let session = link.session.clone();
        let confirmed = link
            .drive(endpoints::confirm(plan, &session, &endpoint))
            .await?;
        if let Err(end) = confirmed {
            link.close().await;
            return Err(end);
        }
    }
    Ok(link)
}

fn status_only(status: StatusCode) -> Error {
    Error::new(status, "the session ended")
}

// Several round trips and the arithmetic of two RSA keys.
async fn within<T>(
    plan: &ConnectionPlan,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    tokio::time::timeout(plan.request_timeout * 2, work)
        .await
        .unwrap_or_else(|_| Err(Error::new(StatusCode::BadTimeout, "no answer in time")))
}

fn client_config(plan: &ConnectionPlan, folder: &Path, longest: Duration) -> ClientConfig {
    let milliseconds = |time: Duration| u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
    ClientBuilder::new()
        .application_name(format!("mainstem {}", plan.adapter))
        .application_uri(application_uri(&plan.adapter))
        .product_uri("urn:mainstem")
        .session_name(format!("mainstem {}", plan.adapter))
        .pki_dir(certificates::pki(folder))
        .session_timeout(milliseconds(plan.session_timeout))
        .keep_alive_interval(plan.keep_alive)
        .request_timeout(plan.request_timeout)
        .publish_timeout(publish_timeout(longest, plan.request_timeout))
        .channel_lifetime(milliseconds(CHANNEL_LIFETIME))
        // The runner reconnects; a lost connection ends the session.
        .session_retry_limit(0)
        .recreate_subscriptions(false)
        // Our own count of silence decides, see the session.
        .max_failed_keep_alive_count(0)
        // Otherwise the stack would shift the device's stamps by the difference of the clocks.
        .ignore_clock_skew(false)
        .max_chunk_size(CHUNK_BYTES_MAX)
        .max_incoming_chunk_size(CHUNK_BYTES_MAX)
        .max_chunk_count(CHUNKS_MAX)
        .max_message_size(CHUNKS_MAX * CHUNK_BYTES_MAX)
        .max_string_length(TEXT_BYTES_MAX)
        .max_byte_string_length(TEXT_BYTES_MAX)
        .max_array_length(ARRAY_MAX)
        .into_config()
}

async fn own_identity(
    plan: &ConnectionPlan,
    folder: &Path,
) -> Result<Option<OwnCertificate>, SessionEnd> {
    if plan.is_open() {
        return Ok(None);
    }
    let (folder, adapter) = (folder.to_owned(), plan.adapter.clone());
    let made = tokio::task::spawn_blocking(move || identity::ensure(&folder, &adapter)).await;
    match made {
        Ok(Ok(identity)) => Ok(Some(identity)),
        Ok(Err(error)) => Err(SessionEnd::lost("own_certificate", error.to_string())),
        Err(error) => Err(SessionEnd::lost("own_certificate", error.to_string())),
    }
}

/// The other side has to change before we try again.
pub(super) fn refused(code: &'static str, message: String) -> SessionEnd {
    SessionEnd::Refused {
        code,
        message,
        retry_after: None,
    }
}
