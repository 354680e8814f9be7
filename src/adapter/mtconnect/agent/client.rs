//! Questions to an agent.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mainstem_adapter::{Direction, Pin, SessionEnd, Trace, Trust, device_config};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};

use super::config::ConnectionConfig;
use super::multipart::PART_BYTES_MAX;
use super::place::Place;

/// An agent that is talked to.
pub(super) struct Agent {
    client: Client,
    pub(super) place: Place,
    timeout: Duration,
    trace: Trace,
}

impl Agent {
    pub(super) fn new(
        config: &ConnectionConfig,
        home: &Path,
        trace: Trace,
    ) -> Result<Self, SessionEnd> {
        let wrong = |message: String| SessionEnd::Misconfigured { message };
        let place = Place::new(config).map_err(wrong)?;
        let builder = Client::builder()
            .redirect(Policy::none())
            .no_proxy()
            .connect_timeout(config.answering());
        let tls = match &config.tls {
            Some(tls) => tls.load(home, &["http/1.1"]).map_err(wrong)?,
            None => {
                let tls = device_config(&nobody().map_err(wrong)?, None, Vec::new());
                tls.map_err(|error| wrong(error.to_string()))?
            }
        };
        let builder = builder.tls_backend_preconfigured(Arc::unwrap_or_clone(tls));
        let client = builder.build().map_err(|error| wrong(error.to_string()))?;
        Ok(Self {
            client,
            place,
            timeout: config.answering(),
            trace,
        })
    }

    /// An answer as a whole.
    pub(super) async fn ask(
        &self,
        request: &str,
        query: &[(&str, String)],
    ) -> Result<Vec<u8>, SessionEnd> {
        let url = self.place.of(request, query);
        let whole = async {
            let mut response = self.send(url).await?;
            let mut body = Vec::new();
            while let Some(chunk) = self.chunk(&mut response).await? {
                if body.len() + chunk.len() > PART_BYTES_MAX {
                    let message = format!("{} sends a document without end", self.place.text());
                    return Err(SessionEnd::lost("invalid_answer", message));
                }
                body.extend_from_slice(&chunk);
            }
            Ok(body)
        };
        let answered = tokio::time::timeout(self.timeout, whole).await;
        answered.unwrap_or_else(|_| Err(self.silent(self.timeout)))
    }

    /// Sends a request; the answer's body is still to be read. Whatever the status, for agents
    /// explain their refusals in a document.
    pub(super) async fn send(&self, url: Url) -> Result<Response, SessionEnd> {
        self.trace
            .frame(Direction::Sent, &[], || format!("GET {url}"));
        let sent = self.client.get(url).header("Accept", "text/xml").send();
        let answered = tokio::time::timeout(self.timeout, sent).await;
        let answered = answered.map_err(|_| self.silent(self.timeout))?;
        let response = answered.map_err(|error| self.failed(&error))?;
        let status = response.status();
        self.trace
            .frame(Direction::Received, &[], || format!("status {status}"));
        if matches!(status.as_u16(), 401 | 403 | 407) || status.is_redirection() {
            let message = format!(
                "{} answers with status {status}: agents have no login of their own; what stands \
                 before it wants something else, so give its real address",
                self.place.text()
            );
            return Err(SessionEnd::Refused {
                code: "http_refused",
                message,
                retry_after: None,
            });
        }
        Ok(response)
    }

    /// The next bytes of an answer.
    pub(super) async fn chunk(&self, response: &mut Response) -> Result<Option<Bytes>, SessionEnd> {
        let chunk = response.chunk().await;
        chunk.map_err(|error| self.failed(&error))
    }

    /// What a document says, for who looks.
    pub(super) fn show(&self, document: &[u8]) {
        self.trace.frame(Direction::Received, document, || {
            let text = String::from_utf8_lossy(&document[..document.len().min(600)]);
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        });
    }

    /// The end of a session with an agent that says nothing.
    pub(super) fn silent(&self, patience: Duration) -> SessionEnd {
        let message = format!(
            "{} has said nothing for {patience:?}: check that the agent runs, and the network",
            self.place.text()
        );
        SessionEnd::lost("timeout", message)
    }

    fn failed(&self, error: &reqwest::Error) -> SessionEnd {
        let mut text = String::new();
        let mut source = std::error::Error::source(error);
        while let Some(inner) = source {
            text = inner.to_string();
            source = inner.source();
        }
        let place = self.place.text();
        match error.is_connect() {
            true => SessionEnd::lost(
                "no_connection",
                format!("cannot connect to {place}: {text}: check host and port, and the agent"),
            ),
            false => SessionEnd::lost(
                "connection_closed",
                format!("lost the connection to {place}: {text}"),
            ),
        }
    }
}

/// The library wants to know how TLS is made even where none is: by the key of nobody.
fn nobody() -> Result<Trust, String> {
    let pin = format!("sha256:{}", "00".repeat(32)).parse::<Pin>();
    pin.map(Trust::Pin).map_err(|error| error.to_string())
}
