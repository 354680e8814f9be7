//! The server as the API asks for it. What waits for the disk does so on a thread for that.

use std::sync::Arc;

use mainstem_http::CertificateRefusal;
use mainstem_opcua_server::{CertificateError, CertificateState, CertificateView, OpcuaServer};
use mainstem_wire::api::{CertificateDocument, OpcuaServerDocument};

type Server = Option<Arc<OpcuaServer>>;

/// How it stands.
pub(in crate::app) async fn state(server: Server) -> Option<OpcuaServerDocument> {
    let server = server?;
    let view = tokio::task::spawn_blocking(move || server.view())
        .await
        .ok()?;
    Some(OpcuaServerDocument {
        running: true,
        urls: view.urls,
        thumbprint: view.thumbprint,
        connections: view.connections as u64,
        sessions: view.sessions as u64,
        subscriptions: view.subscriptions as u64,
        items: view.items as u64,
        refused: view.refused,
        waiting: view.waiting as u64,
    })
}

/// The certificates of its clients.
pub(in crate::app) async fn certificates(
    server: Server,
) -> Result<Vec<CertificateDocument>, CertificateRefusal> {
    let list = server.ok_or(CertificateRefusal::Off)?;
    let list = Arc::clone(list.certificates());
    let listed = on_a_thread(move || list.list()).await?;
    Ok(listed.into_iter().map(document).collect())
}

/// Trusts or refuses one of them.
pub(in crate::app) async fn decide(
    server: Server,
    thumbprint: String,
    trusted: bool,
) -> Result<(), CertificateRefusal> {
    let list = server.ok_or(CertificateRefusal::Off)?;
    let list = Arc::clone(list.certificates());
    let state = match trusted {
        true => CertificateState::Trusted,
        false => CertificateState::Refused,
    };
    on_a_thread(move || list.decide(&thumbprint, state)).await
}

async fn on_a_thread<T: Send + 'static>(
    act: impl FnOnce() -> Result<T, CertificateError> + Send + 'static,
) -> Result<T, CertificateRefusal> {
    let done = tokio::task::spawn_blocking(act).await;
    let done = done.map_err(|error| CertificateRefusal::Disk(error.to_string()))?;
    done.map_err(|error| match &error {
        CertificateError::NoThumbprint(_) => CertificateRefusal::Malformed(error.to_string()),
        CertificateError::Unknown(_) => CertificateRefusal::Unknown(error.to_string()),
        CertificateError::Disk { .. } => CertificateRefusal::Disk(error.to_string()),
    })
}

fn document(view: CertificateView) -> CertificateDocument {
    CertificateDocument {
        thumbprint: view.thumbprint,
        sha1: view.sha1,
        subject: view.subject,
        state: view.state.as_str().to_owned(),
    }
}
