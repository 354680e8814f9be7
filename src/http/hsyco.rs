//! The route that HSYCO's Remote API documents, `GET /x/rioget?1*<timestamp>*<password>`: off
//! unless the node file switches it on. `docs/HSYCO.md` says what it keeps to.

mod answer;
mod asked;
mod config;
mod gate;
mod stamps;
mod table;
mod text;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::Method;
use parking_lot::RwLock;

pub use config::HsycoConfig;

use crate::Api;
use crate::arrival::Arrival;
use crate::problem::{Problem, method_not_allowed, not_found};
use gate::Gate;

/// Where the route is.
pub(crate) const PATH: &str = "/x/rioget";

/// The gate that is in force, if the route is switched on.
#[derive(Default)]
pub(crate) struct Hsyco {
    current: RwLock<Switch>,
}

#[derive(Default)]
struct Switch {
    gate: Option<Arc<Gate>>,
    /// How many gates there were: their time stamps follow each other.
    generation: u64,
}

impl Hsyco {
    fn gate(&self) -> Option<Arc<Gate>> {
        self.current.read().gate.clone()
    }
}

impl Api {
    /// Switches the HSYCO-compatible route on or off. What waits at a gate that is no longer in
    /// force is dropped; a gate that did not change stays.
    pub fn set_hsyco(&self, config: Option<&HsycoConfig>) {
        let mut switch = self.hsyco.current.write();
        let running = switch.gate.as_ref().map(|gate| &gate.config);
        if running == config {
            return;
        }
        if let Some(old) = switch.gate.take() {
            old.replaced.cancel();
        }
        switch.generation += 1;
        let generation = switch.generation;
        switch.gate = config.map(|config| Arc::new(Gate::new(config.clone(), self, generation)));
    }
}

/// Whatever comes to the route.
pub(crate) async fn read(State(api): State<Arc<Api>>, request: Request) -> Response {
    let Some(gate) = api.hsyco.gate() else {
        return not_found(request.uri().clone()).await.into_response();
    };
    if request.method() != Method::GET {
        let problem = method_not_allowed(request.method().clone()).await;
        return problem.into_response();
    }
    let Some(arrival) = request.extensions().get::<Arrival>().copied() else {
        return Problem::internal(&"a request without an arrival").into_response();
    };
    let query = request.uri().query().unwrap_or_default();
    match gate.admit(arrival.peer, query) {
        Ok(since) => answer::hold(&api, &gate, since).await,
        Err(why) => gate.refuse(&api, arrival.peer, why).await,
    }
}
