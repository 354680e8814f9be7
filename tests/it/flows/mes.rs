//! A small MES that takes orders over HTTP, on a socket of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// A running MES.
pub(super) struct Mes {
    port: u16,
    /// Ends with this.
    _task: JoinSet<()>,
}

impl Mes {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let orders = Arc::new(AtomicU64::new(0));
        let mut task = JoinSet::new();
        task.spawn(async move {
            // They end with it: a service that is away answers nobody.
            let mut connections = JoinSet::new();
            while let Ok((socket, _)) = listener.accept().await {
                let orders = Arc::clone(&orders);
                let answer = service_fn(move |request| answer(request, Arc::clone(&orders)));
                connections.spawn(async move {
                    let http = hyper::server::conn::http1::Builder::new();
                    drop(http.serve_connection(TokioIo::new(socket), answer).await);
                });
            }
        });
        Self { port, _task: task }
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }
}

async fn answer(
    request: Request<Incoming>,
    orders: Arc<AtomicU64>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let is_order = request.method() == http::Method::POST && request.uri().path() == "/orders";
    let body = request.into_body().collect().await?.to_bytes();
    let order: Value = serde_json::from_slice(&body).unwrap_or_default();
    let (status, text) = match (is_order, order["article"].as_str()) {
        (false, _) => (StatusCode::OK, "{}".to_owned()),
        (true, None | Some("")) => (StatusCode::UNPROCESSABLE_ENTITY, "no article".to_owned()),
        (true, Some(article)) => {
            let number = orders.fetch_add(1, Ordering::SeqCst) + 1;
            (
                StatusCode::OK,
                json!({"order": number, "article": article}).to_string(),
            )
        }
    };
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    Ok(response)
}
