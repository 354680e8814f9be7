//! Asks the node behind a link what the hours of a recorded series come to there.

use std::time::Duration;

use mainstem_wire::api::history::{LinkSums, LinkSumsDocument};

use super::Link;

/// How long an answer may take: the other node reads its disk for it.
const PATIENCE: Duration = Duration::from_secs(120);

impl Link {
    /// Hours or rows of a series at the remote, or why there is no answer.
    pub fn sums(
        &self,
        ask: LinkSums,
    ) -> impl Future<Output = Result<LinkSumsDocument, String>> + Send + use<> {
        let one_way = self.options.one_way;
        let poster = self.reach.lock().poster.clone();
        async move {
            if one_way {
                return Err("the link to it is one way: nothing can be asked over it".to_owned());
            }
            let poster = poster.ok_or_else(|| "there is no communication with it".to_owned())?;
            let body = serde_json::to_vec(&ask).unwrap_or_default();
            let answer = poster.post("/api/v1/link/loggers/sums", body);
            match tokio::time::timeout(PATIENCE, answer).await {
                Ok(answer) => answer.map_err(|error| error.to_string()),
                Err(_) => Err(format!("it did not answer within {} s", PATIENCE.as_secs())),
            }
        }
    }
}
