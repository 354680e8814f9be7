//! The WebSocket handshake: `mqtt` as the subprotocol, and messages no longer than a packet.

use mqtt5::broker::websocket_server::WebSocketStreamWrapper;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::accept_hdr_async_with_config;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

const PROTOCOL_HEADER: &str = "sec-websocket-protocol";
const PROTOCOL: &str = "mqtt";

/// Shakes hands; afterwards the stream carries MQTT.
pub(super) async fn accept<S>(
    stream: S,
    path: &str,
    packet_bytes: usize,
) -> Result<WebSocketStreamWrapper<S>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    // A frame has a packet and its header, or several small ones.
    let most = packet_bytes + 1024;
    let config = WebSocketConfig::default()
        .max_message_size(Some(most))
        .max_frame_size(Some(most))
        .write_buffer_size(0);
    let path = path.to_owned();
    // The signature is tungstenite's.
    #[expect(clippy::result_large_err, reason = "the signature is the crate's")]
    let answer = move |request: &Request, response| check(&path, request, response);
    let stream = accept_hdr_async_with_config(stream, answer, Some(config)).await?;
    Ok(WebSocketStreamWrapper::new(stream))
}

#[expect(clippy::result_large_err, reason = "the signature is the crate's")]
fn check(path: &str, request: &Request, mut answer: Response) -> Result<Response, ErrorResponse> {
    if request.uri().path() != path {
        let mut refusal = ErrorResponse::new(None);
        *refusal.status_mut() = StatusCode::NOT_FOUND;
        return Err(refusal);
    }
    let offered = request.headers().get_all(PROTOCOL_HEADER).iter();
    let mut offered = offered.filter_map(|value| value.to_str().ok());
    if offered.any(|value| value.split(',').any(|one| one.trim() == PROTOCOL)) {
        let headers = answer.headers_mut();
        headers.insert(PROTOCOL_HEADER, HeaderValue::from_static(PROTOCOL));
    }
    Ok(answer)
}
