//! What the neighbour need not tell again: a snapshot for which it was sent digests leaves out what
//! is the same here.

use std::collections::HashMap;
use std::sync::Arc;

use mainstem_store::{MirrorPoint, SourceId, Store};
use mainstem_wire::{Digests, FEATURE_DIGEST, Same, SameFrame};

use super::{MappedPoint, Mirror, MirrorError};

#[derive(Default)]
pub(super) struct CommonGround {
    /// Whether the neighbour compares digests, as it said last.
    is_offered: bool,
    /// The next snapshot has to bring everything.
    wants_all: bool,
    /// What was sent for the stream that is open.
    sent: Option<Digests>,
    /// What the snapshot leaves out, until the sources that it hangs on are told.
    left_out: Vec<MirrorPoint>,
}

impl CommonGround {
    pub(super) fn begin(&mut self) {
        self.sent = None;
        self.left_out = Vec::new();
    }

    pub(super) fn take_all(&mut self) {
        self.wants_all = true;
    }
}

/// Digests to be worked out, when a connection is there to send them over.
pub struct DigestRequest {
    store: Arc<Store>,
    link: SourceId,
    prefix: String,
    buckets: usize,
}

impl DigestRequest {
    /// Works them out.
    pub fn digests(&self) -> Digests {
        let found = self
            .store
            .mirror_digests(self.link, &self.prefix, self.buckets);
        found.digests
    }
}

impl Mirror {
    /// What to send with the request for a snapshot, if that saves anything and the neighbour knows
    /// what to do with it.
    pub fn digest_request(&self) -> Option<DigestRequest> {
        if !self.common.is_offered || self.common.wants_all || self.cursor().is_some() {
            return None;
        }
        let below = self.store.subtree(self.link).into_iter();
        let points = below.filter_map(|id| Some(self.store.source(id)?.points as usize));
        let points = points.sum();
        (points > 0).then(|| DigestRequest {
            store: Arc::clone(&self.store),
            link: self.link,
            prefix: self.prefix.clone(),
            buckets: Digests::buckets_for(points),
        })
    }

    /// The stream that begins now was asked for with these digests.
    pub fn sent_digests(&mut self, digests: Option<Digests>) {
        self.common.sent = digests;
    }

    /// The neighbour compares digests, or does not, as it said without opening a stream.
    pub fn offers_digests(&mut self, is_offered: bool) {
        self.common.is_offered = is_offered;
    }

    /// Whether the stream ended because everything has to be told: another try needs no pause.
    pub fn wants_all(&self) -> bool {
        self.common.wants_all
    }

    pub(super) fn learn_features(&mut self, features: &[String]) {
        self.common.is_offered = features.iter().any(|feature| feature == FEATURE_DIGEST);
    }

    pub(super) fn count_snapshot(&mut self) {
        self.counters.snapshots += 1;
        match self.common.sent {
            Some(_) => self.counters.digest_resyncs += 1,
            None => self.common.wants_all = false,
        }
    }

    /// The neighbour says what it leaves out. It is looked at once more whether that is here: what
    /// was sent may be some seconds old.
    pub(super) fn same(&mut self, frame: &SameFrame) -> Result<(), MirrorError> {
        let (Some(sent), Some(_)) = (&self.common.sent, &self.seen) else {
            return self.tell_all(MirrorError::NotSame);
        };
        let buckets = sent.buckets();
        let same = match Same::from_frame(frame) {
            Ok(same) if same.define.len() == buckets => same,
            _ => return self.tell_all(MirrorError::NotSame),
        };
        let here = self.store.mirror_digests(self.link, &self.prefix, buckets);
        let unchanged = here.digests.same(sent);
        let holds = |claimed: &[bool], is: &[bool]| {
            let mut pairs = claimed.iter().zip(is);
            pairs.all(|(claimed, is)| !claimed || *is)
        };
        if !holds(&same.define, &unchanged.define) || !holds(&same.rows, &unchanged.rows) {
            return self.tell_all(MirrorError::NotSame);
        }
        let is_same = |bits: &[bool], point: &MirrorPoint| bits[point.bucket];
        self.common.left_out = here.points;
        self.common
            .left_out
            .retain(|point| is_same(&same.define, point));
        let untold = self.common.left_out.iter();
        let untold = untold.filter(|point| is_same(&same.rows, point));
        self.counters.same += untold.count() as u64;
        Ok(())
    }

    /// The sources are told, and what was left out takes its place below them.
    pub(super) fn keep_same(&mut self) {
        if self.common.left_out.is_empty() {
            return;
        }
        let sources = self.sources.iter();
        let numbers: HashMap<SourceId, u32> = sources
            .map(|(remote_id, mapped)| (mapped.id, *remote_id))
            .collect();
        for point in std::mem::take(&mut self.common.left_out) {
            let Some(&source) = numbers.get(&point.source) else {
                // Its source has no place here any more, and so it is with what hangs on it.
                continue;
            };
            if !self.is_wanted_still(&point) {
                continue;
            }
            let (id, value_type) = (point.id, point.value_type);
            self.keep(
                point.remote_id,
                MappedPoint {
                    id,
                    value_type,
                    source,
                },
            );
            if let Some(seen) = &mut self.seen {
                seen.point(id);
            }
        }
    }

    /// Whether the entry's `read` lets in what is here already: its patterns, or the names that they
    /// are about, may be others than when it came.
    fn is_wanted_still(&self, point: &MirrorPoint) -> bool {
        let Some(view) = self.store.point_by_id(point.id) else {
            return false;
        };
        let name = view.name.strip(&self.prefix);
        name.is_some_and(|name| self.is_wanted(name, &view.name))
    }

    /// A node that was put back to an earlier state may say the same as before and mean less.
    pub(super) fn distrust_same(&mut self) -> Result<(), MirrorError> {
        match self.common.sent {
            Some(_) => self.tell_all(MirrorError::Restored),
            None => Ok(()),
        }
    }

    pub(super) fn tell_all(&mut self, error: MirrorError) -> Result<(), MirrorError> {
        self.common.wants_all = true;
        Err(error)
    }
}
