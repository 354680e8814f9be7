//! Requests whose answers are read as they come.

use http::{Method, Response, header};
use hyper::body::Incoming;

use super::{Poster, RequestError, accepted};

impl Poster {
    /// Posts a document and gives out the answer as it comes.
    pub(crate) fn open(
        &self,
        path: &str,
        body: Vec<u8>,
        accept: Option<&'static str>,
    ) -> impl Future<Output = Result<Response<Incoming>, RequestError>> + Send + 'static + use<>
    {
        let request = self.head.request(Method::POST, path, body.into());
        let mut requests = self.requests.clone();
        async move {
            let mut request = request?;
            if let Some(accept) = accept {
                let accept = header::HeaderValue::from_static(accept);
                request.headers_mut().insert(header::ACCEPT, accept);
            }
            let sent = requests.send_request(request).await;
            accepted(sent.map_err(RequestError::Broken)?).await
        }
    }
}
