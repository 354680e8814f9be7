//! Adapters in the store: each has a source, its devices sources below it, and writes come back.

use std::collections::HashMap;
use std::sync::Arc;

use mainstem_adapter::{
    AdapterState, Installation, Outlet, Outlets, PointId as AdapterPoint, Site, SiteAdapter,
    Standing,
};
use mainstem_model::{Definition, GlobSet, Name, Quality, Reason, Role, Sample, Scalar, Value};
use mainstem_store::{PointId, SourceId, Store};
use mainstem_telemetry::{Health, Problem, Severity};
use parking_lot::Mutex;

use super::outlet::StoreOutlet;
use super::states::ResourceStates;

/// Where adapters are installed.
pub(super) struct StoreSite {
    pub(super) states: Arc<ResourceStates>,
    pub(super) store: Arc<Store>,
    pub(super) health: Health,
    pub(super) seats: Mutex<HashMap<String, Arc<Seat>>>,
}

/// One adapter in the store.
pub(super) struct Seat {
    states: Arc<ResourceStates>,
    store: Arc<Store>,
    health: Health,
    name: String,
    pub(super) source: SourceId,
    devices: Vec<SourceId>,
    /// Per datapoint of the adapter: its number in the store and its source. `None` where the
    /// store refused it.
    points: Vec<Option<(PointId, SourceId)>>,
    /// `<adapter>.connection`, which belongs to the node and stays good.
    connection: Option<(SourceId, PointId)>,
    batch: Mutex<Vec<(PointId, Sample)>>,
    /// What was logged last.
    logged: Mutex<Option<(AdapterState, String)>>,
}

impl Site for StoreSite {
    fn define(&self, installation: &Installation<'_>) -> Arc<dyn SiteAdapter> {
        let seat = Arc::new(self.seat(installation));
        self.seats
            .lock()
            .insert(installation.adapter.to_owned(), Arc::clone(&seat));
        seat
    }

    fn outlets(&self) -> Option<&dyn Outlets> {
        Some(self)
    }
}

impl Outlets for StoreSite {
    fn open(&self, patterns: &GlobSet) -> Box<dyn Outlet> {
        Box::new(StoreOutlet::new(Arc::clone(&self.store), patterns))
    }
}

impl StoreSite {
    fn seat(&self, installation: &Installation<'_>) -> Seat {
        let (store, name) = (&self.store, installation.adapter);
        let waiting = Quality::of(Reason::Restarted);
        let source = store.put_own_source(None, name, Role::Adapter, waiting, true);
        let device = |device: &String| {
            store.put_own_source(Some(source), device, Role::Device, waiting, true)
        };
        let devices: Vec<SourceId> = installation.devices.iter().map(device).collect();
        let mut refused = Vec::new();
        let points: Vec<_> = installation
            .points
            .iter()
            .map(|point| {
                let of = point.device.and_then(|device| devices.get(device).copied());
                let of = of.unwrap_or(source);
                let defined = Name::local(&format!("{name}.{}", point.name))
                    .map_err(|error| error.to_string())
                    .and_then(|full| {
                        let definition = point.definition.clone();
                        store
                            .define(of, &full, definition)
                            .map_err(|error| error.to_string())
                    });
                defined
                    .map(|id| (id, of))
                    .map_err(|error| refused.push(error))
                    .ok()
            })
            .collect();
        self.retain(source, &devices, &points);
        self.report(name, &refused);
        Seat {
            states: Arc::clone(&self.states),
            store: Arc::clone(store),
            health: self.health.clone(),
            name: name.to_owned(),
            source,
            devices,
            points,
            connection: self.connection(name),
            batch: Mutex::new(Vec::new()),
            logged: Mutex::new(None),
        }
    }

    /// What an earlier configuration had and this one has not is removed.
    fn retain(
        &self,
        source: SourceId,
        devices: &[SourceId],
        points: &[Option<(PointId, SourceId)>],
    ) {
        let keep: Vec<PointId> = points.iter().flatten().map(|(id, _)| *id).collect();
        for below in self.store.subtree(source) {
            if below == source || devices.contains(&below) {
                self.store.retain_points(below, &keep);
            } else {
                self.store.remove_source(below);
            }
        }
    }

    fn report(&self, name: &str, refused: &[String]) {
        let id = format!("adapter.{name}.points");
        let Some(first) = refused.first() else {
            self.health.clear(&id);
            return;
        };
        self.health.raise(Problem {
            id,
            severity: Severity::Warning,
            source: name.to_owned(),
            text: format!(
                "{} datapoints of {name} are left out: {first}",
                refused.len()
            ),
            action: "Rename them in the node file.".into(),
        });
    }

    fn connection(&self, name: &str) -> Option<(SourceId, PointId)> {
        let node = Arc::clone(&self.store.setup().name);
        let source = self
            .store
            .put_own_source(None, &node, Role::Node, Quality::GOOD, true);
        let full = Name::new(&format!("{name}.connection")).ok()?;
        let definition = Definition::new(Scalar::Text).description("online or offline");
        Some((source, self.store.define(source, &full, definition).ok()?))
    }

    /// Takes an adapter out, with its datapoints.
    pub(super) fn remove(&self, name: &str) {
        let Some(seat) = self.seats.lock().remove(name) else {
            return;
        };
        self.store.remove_source(seat.source);
        self.store.remove_points(
            &seat
                .connection
                .map(|(_, id)| id)
                .into_iter()
                .collect::<Vec<_>>(),
        );
        self.health.clear(&format!("adapter.{name}"));
        self.health.clear(&format!("adapter.{name}.points"));
    }

    pub(super) fn get(&self, name: &str) -> Option<Arc<Seat>> {
        self.seats.lock().get(name).cloned()
    }
}

impl Seat {
    /// The adapter's number of a datapoint of the store.
    pub(super) fn adapter_point(&self, id: PointId) -> Option<AdapterPoint> {
        let index = self
            .points
            .iter()
            .position(|p| p.is_some_and(|(point, _)| point == id))?;
        Some(AdapterPoint(u32::try_from(index).ok()?))
    }

    fn source_of(&self, device: Option<usize>) -> SourceId {
        device
            .and_then(|device| self.devices.get(device).copied())
            .unwrap_or(self.source)
    }
}

impl SiteAdapter for Seat {
    fn apply(&self, batch: &mut Vec<(AdapterPoint, Sample)>) {
        let mut out = self.batch.lock();
        let mut of = None;
        for (point, sample) in batch.drain(..) {
            let Some(Some((id, source))) = self.points.get(point.0 as usize).copied() else {
                continue;
            };
            // Samples of one device stand together; each run of them is one batch.
            if let Some(before) = of.replace(source).filter(|before| *before != source) {
                self.store.apply(before, &mut out);
            }
            out.push((id, sample));
        }
        if let Some(source) = of {
            self.store.apply(source, &mut out);
        }
    }

    fn status(&self, device: Option<usize>, quality: Quality) {
        self.store.set_status(self.source_of(device), quality);
    }

    fn confirm(&self, device: Option<usize>) {
        self.store.confirm(self.source_of(device));
    }

    fn standing(&self, standing: &Standing) {
        self.states.adapter(&self.name, standing.state);
        let is_online = standing.state == AdapterState::Online;
        if let Some((source, id)) = self.connection {
            let word = if is_online { "online" } else { "offline" };
            let sample = Sample::good(Value::text(word), None);
            self.store.apply(source, &mut vec![(id, sample)]);
        }
        let id = format!("adapter.{}", self.name);
        let cause = match (&standing.cause, standing.state) {
            (Some(cause), state) if !is_healthy(state) => cause,
            (_, AdapterState::Connecting) => return,
            _ => {
                self.logged.lock().take();
                self.health.clear(&id);
                return;
            }
        };
        // The same cause at the next try is no news.
        let news = (standing.state, cause.message.clone());
        if standing.state == AdapterState::Connecting
            || self.logged.lock().replace(news.clone()) == Some(news)
        {
            return;
        }
        tracing::warn!(
            adapter = self.name,
            state = standing.state.as_str(),
            code = cause.code,
            cause = cause.message,
            "no session with the device"
        );
        self.health.raise(Problem {
            id,
            severity: Severity::High,
            source: self.name.clone(),
            text: format!(
                "No communication with the device of {}: {}",
                self.name, cause.message
            ),
            action: format!("`mainstem adapters show {}` has the details.", self.name),
        });
    }
}

/// Whether a state needs nobody.
fn is_healthy(state: AdapterState) -> bool {
    matches!(
        state,
        AdapterState::Online | AdapterState::Paused | AdapterState::Stopped
    )
}
