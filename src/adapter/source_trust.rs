//! The trust in an adapter's source and its sub-sources, and telling the site when it changes.

use mainstem_model::{Quality, Reason};

use crate::SiteAdapter;

/// Index 0 is the adapter itself, the devices follow.
pub(crate) struct SourceTrust {
    sources: Vec<Source>,
}

#[derive(Clone, Copy)]
struct Source {
    /// As the connection or the adapter has it.
    reported: Quality,
    /// Whether a life datapoint of it stands still.
    is_frozen: bool,
    told: Option<Quality>,
    has_vouched: bool,
}

impl SourceTrust {
    pub(crate) fn new(devices: usize) -> Self {
        let fresh = Source {
            reported: Quality::GOOD,
            is_frozen: false,
            told: None,
            has_vouched: false,
        };
        Self {
            sources: vec![fresh; devices + 1],
        }
    }

    pub(crate) fn connection(&mut self, site: &dyn SiteAdapter, quality: Quality) {
        self.sources[0].reported = quality;
        self.tell(site, 0);
    }

    pub(crate) fn device(&mut self, site: &dyn SiteAdapter, device: usize, quality: Quality) {
        if let Some(source) = self.sources.get_mut(device + 1) {
            source.reported = quality;
            self.tell(site, device + 1);
        }
    }

    pub(crate) fn freeze(&mut self, site: &dyn SiteAdapter, frozen: &[Option<usize>]) {
        for index in 0..self.sources.len() {
            self.sources[index].is_frozen = frozen.contains(&index.checked_sub(1));
            self.tell(site, index);
        }
    }

    pub(crate) fn thaw(&mut self, site: &dyn SiteAdapter) {
        for index in 1..self.sources.len() {
            self.sources[index].is_frozen = false;
            self.tell(site, index);
        }
        // The adapter's own status follows with the connection's.
        self.sources[0].is_frozen = false;
    }

    /// Notes that a source has just delivered; told by [`SourceTrust::confirm`].
    pub(crate) fn vouched(&mut self, device: Option<usize>) {
        let index = device.map_or(0, |device| device + 1);
        if let Some(source) = self.sources.get_mut(index) {
            source.has_vouched = true;
        }
    }

    pub(crate) fn confirm(&mut self, site: &dyn SiteAdapter) {
        for (index, source) in self.sources.iter_mut().enumerate() {
            if std::mem::take(&mut source.has_vouched) {
                site.confirm(index.checked_sub(1));
            }
        }
    }

    /// The trust in a source, for the adapter's page.
    pub(crate) fn quality(&self, device: Option<usize>) -> Quality {
        let index = device.map_or(0, |device| device + 1);
        self.sources
            .get(index)
            .map_or(Quality::GOOD, |source| source.effective())
    }

    fn tell(&mut self, site: &dyn SiteAdapter, index: usize) {
        let source = &mut self.sources[index];
        let quality = source.effective();
        // A device that never had another status than good needs no telling.
        let before = source.told.or((index > 0).then_some(Quality::GOOD));
        if before != Some(quality) {
            source.told = Some(quality);
            site.status(index.checked_sub(1), quality);
        }
    }
}

impl Source {
    fn effective(&self) -> Quality {
        let frozen = if self.is_frozen {
            Quality::of(Reason::Frozen)
        } else {
            Quality::GOOD
        };
        self.reported.worse(frozen)
    }
}
