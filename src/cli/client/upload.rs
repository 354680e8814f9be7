//! A body that is no JSON document.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::Method;
use hyper::header::{CONTENT_TYPE, HeaderValue};

use super::{ANSWER_BYTES_MAX, Answer, Client};
use crate::cli::exit::Failure;

/// How long a node may take to store a piece of history.
const PATIENCE: Duration = Duration::from_secs(180);

impl Client {
    /// Posts bytes of a media type and waits for the whole answer.
    pub(crate) async fn upload(
        &self,
        path: &str,
        media_type: &'static str,
        body: Vec<u8>,
    ) -> Result<Answer, Failure> {
        let mut request = self.request(Method::POST, path, None::<&()>, "application/json")?;
        let media_type = HeaderValue::from_static(media_type);
        request.headers_mut().insert(CONTENT_TYPE, media_type);
        let request = request.map(|_| Full::new(Bytes::from(body)));
        let exchange = async {
            let mut wire = self.dial().await?;
            let response = wire.send(request).await.map_err(|e| self.broken(&e))?;
            let status = response.status();
            let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect();
            let body = wire.alongside(body).await;
            let body = body.map_err(|error| self.broken(&*error))?;
            Ok(Answer::new(self.target.describe(), status, body.to_bytes()))
        };
        let answer = tokio::time::timeout(PATIENCE, exchange).await;
        answer.unwrap_or_else(|_| Err(self.silent(PATIENCE)))
    }
}
