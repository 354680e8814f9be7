//! Tokens of an authorisation server: asked for with the client's credentials, kept until shortly
//! before they end.

use std::time::Duration;

use mainstem_model::Monotonic;
use reqwest::{Client, Url};
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::answer::{self, Failure};
use crate::config::ClientCredentials;

/// A token is renewed this long before its end.
const RENEWED_BEFORE: Duration = Duration::from_secs(30);
/// How long a token is good whose end nobody told.
const USUAL_LIFE: Duration = Duration::from_secs(300);
/// The largest answer of an authorisation server.
const ANSWER_BYTES_MAX: usize = 64 << 10;

#[derive(Deserialize)]
struct Granted {
    access_token: String,
    #[serde(default)]
    expires_in: Option<u64>,
}

/// The token of a service.
#[derive(Default)]
pub(crate) struct Login {
    kept: Mutex<Option<(String, Monotonic)>>,
}

impl Login {
    /// A token that is good now. Several requests wait for one that is asked for.
    pub(crate) async fn token(
        &self,
        client: &Client,
        (url, credentials): &(Url, ClientCredentials),
        now: Monotonic,
    ) -> Result<String, Failure> {
        let mut kept = self.kept.lock().await;
        if let Some((token, until)) = kept.as_ref()
            && now < *until
        {
            return Ok(token.clone());
        }
        let mut form = vec![
            ("grant_type", credentials.grant_type.as_str()),
            ("client_id", credentials.client_id.as_str()),
            ("client_secret", credentials.client_secret.expose()),
        ];
        let more = [
            ("audience", &credentials.audience),
            ("scope", &credentials.scope),
        ];
        for (name, value) in more {
            form.extend(value.as_deref().map(|value| (name, value)));
        }
        let mut encoded = Url::clone(url);
        encoded.query_pairs_mut().clear().extend_pairs(form);
        let body = encoded.query().unwrap_or_default().to_owned();
        let request = client
            .post(url.clone())
            .header("content-type", "application/x-www-form-urlencoded")
            .header("accept", "application/json")
            .body(body);
        let answer = answer::of(request, ANSWER_BYTES_MAX)
            .await
            .map_err(|failure| failure.at("the authorisation server did not give a token"))?;
        let granted: Granted = serde_json::from_slice(&answer.body).map_err(|error| {
            Failure::Body(format!(
                "the authorisation server's answer is no token: {error}"
            ))
        })?;
        let life = granted.expires_in.map_or(USUAL_LIFE, Duration::from_secs);
        let until = now.after(life.saturating_sub(RENEWED_BEFORE));
        *kept = Some((granted.access_token.clone(), until));
        Ok(granted.access_token)
    }

    /// The service did not take the token: the next request asks for another.
    pub(crate) async fn forget(&self) {
        *self.kept.lock().await = None;
    }
}
