//! Telling a part of a node what to do, and showing what became of it.

use std::time::Duration;

use hyper::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::client::Client;
use super::exit::{Exit, Failure};
use super::screen::{Screen, Tone};
use super::text;

/// How long it is waited until a part has done what it was told, and how often it is looked.
const SETTLED_WITHIN: Duration = Duration::from_secs(3);
const SETTLED_LOOK: Duration = Duration::from_millis(50);

/// A part that can be switched: an adapter, a link.
pub(super) struct Part<'a, T> {
    /// Where it is in the API.
    pub(super) path: &'a str,
    /// Its name and its state.
    pub(super) shown: fn(&T) -> (String, String),
    /// How a state is painted.
    pub(super) tone: fn(&str) -> Tone,
}

impl<T: DeserializeOwned + Serialize> Part<'_, T> {
    /// Has it do something and shows how it is then.
    pub(super) async fn switch(
        &self,
        client: &Client,
        screen: Screen,
        action: &str,
    ) -> Result<Exit, Failure> {
        let at = format!("{}/{action}", self.path);
        client
            .send(Method::POST, &at, None::<&()>, Duration::ZERO)
            .await?
            .done()?;
        let document = self.settled(client, action).await?;
        if screen.is_json() {
            screen.document(&document)?;
        } else {
            let (name, state) = (self.shown)(&document);
            let painted = screen.paint((self.tone)(&state), text::harmless(&state));
            screen.line(format!("{} is {painted}.", text::harmless(&name)))?;
        }
        Ok(Exit::Done)
    }

    /// It, once it has done what it was told: a session takes a moment to end.
    async fn settled(&self, client: &Client, action: &str) -> Result<T, Failure> {
        let until = Instant::now() + SETTLED_WITHIN;
        loop {
            let document: T = client.get(self.path).await?;
            let is_paused = (self.shown)(&document).1 == "paused";
            let is_done = match action {
                "pause" => is_paused,
                "resume" => !is_paused,
                _ => true,
            };
            if is_done || Instant::now() >= until {
                return Ok(document);
            }
            tokio::time::sleep(SETTLED_LOOK).await;
        }
    }
}
