//! The first question to a device, and what becomes of a session without an answer.

use mainstem_adapter::SessionEnd;

use crate::codec::service::{self, READ, Target};
use crate::codec::value::Raw;
use crate::codec::{DEVICE, INSTANCE_MAX, ObjectId};
use crate::config::ConnectionConfig;
use crate::fault::Refusal;
use crate::line::{CallError, Line};
use crate::names;
use crate::opening::device;

/// The shortest message that every device takes.
const APDU_MIN: u16 = 50;

/// Asks the device how long its messages may be, which tells also that it is there.
pub(crate) async fn identify(line: &mut Line, config: &ConnectionConfig) -> Result<(), SessionEnd> {
    let own = device(config.device_instance);
    if own.instance == INSTANCE_MAX {
        return match whoever(line).await? {
            Some(device) => {
                line.is_device(device);
                Ok(())
            }
            None => {
                let message = format!(
                    "{} does not say which device it is: give its `deviceInstance`",
                    line.place()
                );
                Err(SessionEnd::lost("device_not_found", message))
            }
        };
    }
    match read(line, own, names::APDU_MAX).await? {
        Ok(values) => {
            if let [Raw::Unsigned(length)] = values.as_slice() {
                let length = u16::try_from(*length).unwrap_or(u16::MAX).max(APDU_MIN);
                line.apdu_max = line.apdu_max.min(length);
            }
            Ok(())
        }
        Err(Refusal::Error(_, 31)) => {
            let is = match whoever(line).await? {
                Some(is) => format!("device {}", is.instance),
                None => "another device".to_owned(),
            };
            let place = line.place();
            Err(SessionEnd::Refused {
                code: "wrong_device",
                message: format!("{place}: {is} answers there: check `deviceInstance` and address"),
                retry_after: None,
            })
        }
        // It is there, and tells little about itself.
        Err(_) => Ok(()),
    }
}

/// Which device is at the other end: it is asked for its own object, and by Who-Is where it does
/// not know that question.
async fn whoever(line: &mut Line) -> Result<Option<ObjectId>, SessionEnd> {
    let told = read(line, device(INSTANCE_MAX), names::OBJECT_IDENTIFIER).await?;
    match told.as_deref() {
        Ok([Raw::Object(is)]) if is.kind == DEVICE && is.instance < INSTANCE_MAX => Ok(Some(*is)),
        _ => line.introduced().await.map_err(|error| lost(line, error)),
    }
}

async fn read(
    line: &mut Line,
    object: ObjectId,
    property: u32,
) -> Result<Result<Vec<Raw>, Refusal>, SessionEnd> {
    let target = Target {
        object,
        property,
        index: None,
    };
    let mut body = Vec::new();
    service::read(&mut body, &target);
    let answer = line.ask(READ, &body).await;
    let answer = answer.map_err(|error| lost(line, error))?;
    Ok(answer.and_then(|body| match service::read_answer(&body) {
        Ok((_, values)) => Ok(values),
        Err(_) => Err(Refusal::Nonsense),
    }))
}

/// The end of a session whose device is away.
pub(crate) fn lost(line: &Line, error: CallError) -> SessionEnd {
    let place = line.place();
    match error {
        CallError::Timeout => {
            let after = line.patience();
            let message = format!(
                "{place} does not answer within {after:?}: check address, power and cabling, \
                 firewalls for UDP, and whether `timeout` suffices"
            );
            SessionEnd::lost("timeout", message)
        }
        CallError::Unreachable => SessionEnd::lost(
            "network_unreachable",
            format!("{place}: the router cannot reach that network: check `network`"),
        ),
        CallError::Io(error) => SessionEnd::lost(
            "unreachable",
            format!("cannot talk to {place}: {error}: check the route and the interface"),
        ),
    }
}
