//! Connections on which nothing happens: found, so that silence holds no connection for ever.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};

/// The requests of one connection: how many are open, and how many there were.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    open: AtomicUsize,
    begun: AtomicU64,
}

/// One open request, until its answer was written or given up.
#[derive(Debug)]
pub(super) struct Open(Arc<Traffic>);

impl Traffic {
    pub(super) fn begin(self: &Arc<Self>) -> Open {
        self.open.fetch_add(1, Ordering::Relaxed);
        self.begun.fetch_add(1, Ordering::Relaxed);
        Open(Arc::clone(self))
    }

    /// Requests so far, if none is open now.
    pub(super) fn resting(&self) -> Option<u64> {
        let open = self.open.load(Ordering::Relaxed);
        (open == 0).then(|| self.begun.load(Ordering::Relaxed))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An answer's body that holds its request open.
pub(super) struct HeldBody {
    pub(super) body: Body,
    pub(super) _open: Open,
}

impl HttpBody for HeldBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
