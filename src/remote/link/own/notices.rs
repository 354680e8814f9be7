//! What a person has to know of the remote's identity. These alarms end when somebody has seen
//! them, since nothing else can end what has happened.

use mainstem_telemetry::{Problem, Severity};

use super::Own;
use crate::mirror::PutBack;

impl Own {
    /// The remote was put back to an earlier state, or has got beyond it.
    pub(crate) fn tell_put_back(&mut self, put_back: Option<PutBack>) {
        if self.put_back == put_back {
            return;
        }
        self.put_back = put_back;
        let (name, id) = (&self.name, format!("link.{}.restored", self.name));
        let Some(PutBack { known, told }) = put_back else {
            self.health.clear(&id);
            return;
        };
        self.health.raise(Problem {
            id,
            severity: Severity::High,
            source: name.clone(),
            text: format!(
                "{name} was put back to an earlier state: it says that this is its start number \
                 {told}, and {known} was known here."
            ),
            action: format!(
                "If somebody restored a backup there, check what was changed after it was made: \
                 settings, tokens, values without a device. Newer values are kept here, as \
                 uncertain, until {name} has read its devices again. Then acknowledge this alarm."
            ),
        });
    }

    /// Two copies of the remote are running.
    pub(crate) fn tell_twin(&mut self, has_twin: bool) {
        if self.has_twin == has_twin {
            return;
        }
        self.has_twin = has_twin;
        let (name, id) = (&self.name, format!("link.{}.twin", self.name));
        if !has_twin {
            self.health.clear(&id);
            return;
        }
        self.health.raise(Problem {
            id,
            severity: Severity::High,
            source: name.clone(),
            text: format!(
                "Two copies of {name} are running behind its addresses; the one that came later is \
                 refused."
            ),
            action: format!(
                "Stop the copy that should not be, or give the fingerprints of both as a list to \
                 `pin` of the remote {name} if they are a pair. Then acknowledge this alarm."
            ),
        });
    }
}
