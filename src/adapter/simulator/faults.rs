//! Faults on demand: datapoints of the simulator itself.

use mainstem_adapter::Point;
use mainstem_model::{Definition, Limits, Scalar};

/// The longest simulated loss, in seconds.
pub(crate) const DISCONNECT_S_MAX: f64 = 86_400.0;

/// The fault datapoints, in this order, behind those of the endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Disconnect,
    Freeze,
    Bad,
}

impl Fault {
    pub(crate) const ALL: [Self; 3] = [Self::Disconnect, Self::Freeze, Self::Bad];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Disconnect => "faults.disconnect",
            Self::Freeze => "faults.freeze",
            Self::Bad => "faults.bad",
        }
    }

    pub(crate) fn point(self) -> Point {
        let definition = match self {
            Self::Disconnect => Definition::new(Scalar::F64)
                .unit("s")
                .limits(Limits {
                    min: Some(0.0),
                    max: Some(DISCONNECT_S_MAX),
                })
                .description("Write seconds: the connection is lost for that long."),
            Self::Freeze => Definition::new(Scalar::Bool)
                .description("While true, the device answers and none of its values moves."),
            Self::Bad => Definition::new(Scalar::Bool)
                .description("While true, the device calls all its values bad."),
        };
        Point {
            name: self.name().into(),
            definition: definition.writable(),
            endpoint: None,
            device: None,
        }
    }
}
