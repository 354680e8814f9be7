//! How a link gets its stream: by which route, with what in the request, and its bytes.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use mainstem_wire::Digests;

use super::Driver;
use crate::connection::{Ask, Connection, RequestError};
use crate::dial::Dial;
use crate::lines::Lines;
use crate::link::LinkOptions;

pub(super) type Opened = Result<OpenStream, RequestError>;

/// A stream that has just been opened.
pub(super) struct OpenStream {
    pub(super) connection: Connection,
    pub(super) body: Incoming,
    pub(super) is_compressed: bool,
    /// What the request said is here already.
    pub(super) digests: Option<Digests>,
}

impl Driver {
    /// Opens a connection and a stream by the route whose turn it is.
    pub(super) fn dial(&mut self) {
        self.mirror.begin();
        let Some(dial) = self.active_route().cloned() else {
            return;
        };
        let (tasks, options) = (self.tasks.clone(), Arc::clone(&self.options));
        let (cursor, wanted) = (self.mirror.cursor(), self.mirror.digest_request());
        let pacing = self.paces.then_some(self.options.pacing);
        self.dialling = Some(Box::pin(async move {
            let connection = Connection::open(&*dial, &options.token, &tasks).await?;
            let ask = Ask {
                cursor,
                digests: wanted.map(|wanted| wanted.digests()),
                delivery: options.delivery,
                follow: options.poll.is_none(),
                compressed: options.compressed,
                pacing: pacing.unwrap_or_default(),
            };
            let answer = connection.changes(&ask).await?;
            let encoding = answer.headers().get(http::header::CONTENT_ENCODING);
            let is_compressed = encoding.is_some_and(|encoding| encoding == "zstd");
            Ok(OpenStream {
                connection,
                body: answer.into_body(),
                is_compressed,
                digests: ask.digests,
            })
        }));
    }

    /// The route whose turn it is; none if there is no way to the remote at all.
    pub(super) fn active_route(&self) -> Option<&Arc<dyn Dial>> {
        let routes = &self.options.routes;
        routes.get(self.route % routes.len().max(1))
    }
}

/// A tunnel of a remote that dials up has come.
pub(super) async fn tunnel(options: &LinkOptions) {
    match &options.tunnels {
        Some(queue) => queue.arrived().await,
        None => std::future::pending().await,
    }
}

/// The next bytes of the open stream; none when it ended.
pub(super) async fn next_chunk(
    open: &mut Option<(Connection, Incoming, Lines)>,
) -> Option<Result<Bytes, hyper::Error>> {
    let Some((_, body, _)) = open else {
        return std::future::pending().await;
    };
    loop {
        match body.frame().await? {
            Ok(frame) => {
                if let Ok(data) = frame.into_data() {
                    return Some(Ok(data));
                }
            }
            Err(error) => return Some(Err(error)),
        }
    }
}
