//! From threads that may block to the client library, which is async: it runs on threads of its
//! own, so that nobody's runtime waits for the server.

use std::future::Future;
use std::sync::mpsc::{Receiver, sync_channel};

use tokio::runtime::{Builder, Runtime};

use crate::SinkError;

/// Threads of the client library. Encoding is done elsewhere, so they only move bytes.
const THREADS: usize = 2;

/// The runtime of one store.
pub(super) struct Link {
    runtime: Option<Runtime>,
}

impl Link {
    pub(super) fn new() -> std::io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("datalogger-pg")
            .enable_all()
            .build()?;
        Ok(Self {
            runtime: Some(runtime),
        })
    }

    /// Begins something; its answer comes by the channel.
    pub(super) fn begin<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Receiver<T> {
        let (sender, receiver) = sync_channel(1);
        if let Some(runtime) = &self.runtime {
            runtime.spawn(async move { drop(sender.send(work.await)) });
        }
        receiver
    }

    /// Does something and waits for it on this thread.
    pub(super) fn ask<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, SinkError>> + Send + 'static,
    ) -> Result<T, SinkError> {
        self.begin(work).recv().unwrap_or(Err(SinkError::Stopped))
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // In the background: this may be one of its own threads, or somebody's async one.
            runtime.shutdown_background();
        }
    }
}
