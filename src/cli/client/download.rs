//! An answer of any length, piece by piece.

use std::io;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::Method;

use super::{ANSWER_PATIENCE, Client};
use crate::cli::exit::Failure;

impl Client {
    /// Reads an answer of any length. Each piece may take as long as a whole answer otherwise.
    pub(crate) async fn download(
        &self,
        path: &str,
        accept: &str,
        mut take: impl FnMut(&Bytes) -> io::Result<()>,
    ) -> Result<(), Failure> {
        let request = self.request(Method::GET, path, None::<&()>, accept)?;
        let opening = async {
            let mut wire = self.dial().await?;
            let response = wire.send(request).await.map_err(|e| self.broken(&e))?;
            if response.status().is_success() {
                return Ok((wire, response.into_body()));
            }
            Err(self.refusal(wire, response).await)
        };
        let opened = tokio::time::timeout(ANSWER_PATIENCE, opening).await;
        let (mut wire, mut body) = opened.map_err(|_| self.silent(ANSWER_PATIENCE))??;
        loop {
            let next = tokio::time::timeout(ANSWER_PATIENCE, wire.alongside(body.frame())).await;
            match next.map_err(|_| self.silent(ANSWER_PATIENCE))? {
                None => return Ok(()),
                Some(Err(error)) => return Err(self.broken(&error)),
                Some(Ok(frame)) => {
                    if let Ok(piece) = frame.into_data() {
                        take(&piece)?;
                    }
                }
            }
        }
    }
}
