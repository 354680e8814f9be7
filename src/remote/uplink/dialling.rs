//! One try to get a tunnel to the node above: dial, ask, and turn the connection into bytes.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio_util::task::TaskTracker;

use super::UplinkOptions;
use crate::connection::{retry_after, said};
use crate::dial::{Dial, DialError, Io, TlsDial};

/// What the connection is turned into.
const PROTOCOL: &str = "mainstem-link";
/// Bytes of a refusal that are read.
const REFUSAL_BYTES_MAX: usize = 64 * 1024;

/// Why there is no tunnel.
#[derive(Debug, thiserror::Error)]
pub(super) enum TunnelError {
    #[error(transparent)]
    Dial(#[from] DialError),
    #[error("the connection broke")]
    Broken(#[from] hyper::Error),
    #[error("{message}")]
    Refused {
        message: String,
        retry_after: Option<Duration>,
        /// Whether the same try would fail again until somebody changes something.
        is_final: bool,
    },
}

/// A waiting tunnel: a byte stream to the node above, and where that is.
pub(super) async fn tunnel(
    dial: &TlsDial,
    options: &UplinkOptions,
    tasks: &TaskTracker,
) -> Result<(Box<dyn Io>, SocketAddr), TunnelError> {
    let (io, from) = dial.open().await?;
    let (mut requests, connection) = http1::handshake(TokioIo::new(io)).await?;
    tasks.spawn(async move {
        // Its end shows in the answer; here there is nobody to tell.
        drop(connection.with_upgrades().await);
    });
    let request = request(dial, options).map_err(|error| TunnelError::Refused {
        message: format!("the address or the token cannot be sent: {error}"),
        retry_after: None,
        is_final: true,
    })?;
    let response = requests.send_request(request).await?;
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        return Err(refusal(response).await);
    }
    let upgraded = hyper::upgrade::on(response).await?;
    Ok((Box::new(TokioIo::new(upgraded)), from))
}

fn request(dial: &TlsDial, options: &UplinkOptions) -> http::Result<Request<Empty<Bytes>>> {
    let keepalive = options.keepalive.as_millis();
    Request::builder()
        .method(Method::GET)
        .uri(format!("/api/v1/link/dial-up?keepalive_ms={keepalive}"))
        .header(header::HOST, dial.address())
        .header(header::AUTHORIZATION, format!("Bearer {}", options.token))
        .header(header::CONNECTION, "upgrade")
        .header(header::UPGRADE, PROTOCOL)
        .body(Empty::new())
}

async fn refusal(response: http::Response<hyper::body::Incoming>) -> TunnelError {
    let (status, retry_after) = (response.status(), retry_after(response.headers()));
    let body = Limited::new(response.into_body(), REFUSAL_BYTES_MAX)
        .collect()
        .await;
    let said = body.ok().and_then(|body| said(&body.to_bytes()));
    let what = match status {
        StatusCode::UNAUTHORIZED => "the node above does not know the token: check `token`",
        StatusCode::FORBIDDEN => "the role of this token at the node above has no `dial_up`",
        StatusCode::NOT_FOUND if said.is_none() => "there is no mainstem API at this address",
        StatusCode::NOT_FOUND => "the node above has no remote entry for this node to serve",
        StatusCode::SERVICE_UNAVAILABLE => "the node above takes no further tunnel now",
        _ => "the node above refuses",
    };
    TunnelError::Refused {
        message: match said {
            Some(said) => format!("{what} ({status}: {said})"),
            None => format!("{what} ({status})"),
        },
        retry_after,
        is_final: status != StatusCode::SERVICE_UNAVAILABLE,
    }
}
