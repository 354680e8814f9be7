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
    /// Datapoints of it that the device has not spoken of since the session began, or since the
    /// sub-source came back: the values from before are not vouched for.
    awaited: usize,
    told: Option<Quality>,
    has_vouched: bool,
}

impl SourceTrust {
    pub(crate) fn new(devices: usize) -> Self {
        let fresh = Source {
            reported: Quality::GOOD,
            is_frozen: false,
            awaited: 0,
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

    /// Whether a source is good as the connection or the adapter has it.
    pub(crate) fn is_reported_good(&self, device: Option<usize>) -> bool {
        let source = self.sources.get(place(device));
        source.is_none_or(|source| source.reported.is_good())
    }

    /// Forgets who was awaited; [`SourceTrust::expect`] follows, then [`SourceTrust::settle`].
    pub(crate) fn expect_nothing(&mut self) {
        for source in &mut self.sources {
            source.awaited = 0;
        }
    }

    /// Forgets who was awaited of a sub-source that comes back.
    pub(crate) fn expect_nothing_of(&mut self, device: usize) {
        if let Some(source) = self.sources.get_mut(place(Some(device))) {
            source.awaited = 0;
        }
    }

    /// One more datapoint of a source has to be spoken of before the source is good.
    pub(crate) fn expect(&mut self, device: Option<usize>) {
        if let Some(source) = self.sources.get_mut(place(device)) {
            source.awaited += 1;
        }
    }

    /// An awaited datapoint of a source was spoken of; told by [`SourceTrust::settle`].
    pub(crate) fn heard(&mut self, device: Option<usize>) {
        if let Some(source) = self.sources.get_mut(place(device)) {
            source.awaited = source.awaited.saturating_sub(1);
        }
    }

    /// Whether any datapoint is awaited.
    pub(crate) fn awaits(&self) -> bool {
        self.sources.iter().any(|source| source.awaited > 0)
    }

    /// Tells whose datapoints were all spoken of, and whose are awaited from now on. The
    /// sub-sources come first, so that nothing shows through an adapter that is good already.
    pub(crate) fn settle(&mut self, site: &dyn SiteAdapter) {
        for index in (0..self.sources.len()).rev() {
            self.tell(site, index);
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
        if let Some(source) = self.sources.get_mut(place(device)) {
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
        self.sources
            .get(place(device))
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
        let unless = |is_well: bool, reason: Reason| match is_well {
            true => Quality::GOOD,
            false => Quality::of(reason),
        };
        let catching = unless(self.awaited == 0, Reason::Catching);
        let frozen = unless(!self.is_frozen, Reason::Frozen);
        self.reported.worse(catching).worse(frozen)
    }
}

/// The adapter itself comes first.
fn place(device: Option<usize>) -> usize {
    device.map_or(0, |device| device + 1)
}
