//! Sends requests of people on to the node behind a link.

use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use tokio::sync::OwnedSemaphorePermit;

use super::Link;
use crate::support::{SupportBody, SupportError};

/// Until the head of the answer: longer than the longest wait that a node grants a request.
const PATIENCE: Duration = Duration::from_secs(11 * 60);

/// The answer, and its place among those under way, to be kept as long as it is read.
type Answer = (Response<Incoming>, OwnedSemaphorePermit);

impl Link {
    /// Sends a request on; its path is that at the remote.
    pub fn forward(
        &self,
        request: Request<SupportBody>,
    ) -> impl Future<Output = Result<Answer, SupportError>> + Send + 'static + use<> {
        let one_way = self.options.one_way;
        let poster = self.reach.lock().poster.clone();
        let place = self.supporting.clone().try_acquire_owned();
        async move {
            if one_way {
                return Err(SupportError::OneWay);
            }
            let poster = poster.ok_or(SupportError::NotReachable)?;
            let place = place.map_err(|_| SupportError::Busy)?;
            let answer = tokio::time::timeout(PATIENCE, poster.forward(request)).await;
            let answer = answer.map_err(|_| SupportError::Silent)?;
            let response = answer.map_err(|error| {
                tracing::debug!(%error, "a request over a link came to nothing");
                SupportError::NotReachable
            })?;
            Ok((response, place))
        }
    }
}
