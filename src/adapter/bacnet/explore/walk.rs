//! Walks: the devices of a network, and the objects of a device. Only questions that read.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use mainstem_adapter::explore::{BrowseAsk, ExploreError, Finds, Found};
use mainstem_adapter::{SessionEnd, Statistics};
use mainstem_model::Access;
use serde_json::json;
use tokio::time::Instant;

use crate::codec::apdu::{self, Apdu};
use crate::codec::network::{self, Way};
use crate::codec::service::{self, READ, READ_MULTIPLE, Target};
use crate::codec::value::{self, Raw};
use crate::codec::{DEVICE, INSTANCE_MAX, ObjectId};
use crate::line::Line;
use crate::opening::{self, Opening};
use crate::port::{Heard, Interest};
use crate::{address, identity, kind, names};

/// Elements of the list of objects that one request asks for.
const PAGE: u32 = 20;
/// Devices that may answer.
const DEVICES_MAX: usize = 10_000;

/// Says which devices answer a Who-Is. Whoever answers late is not there.
pub(super) async fn devices(ask: &BrowseAsk, finds: &mut Finds) -> Result<(), ExploreError> {
    let (config, station) = kind::connection(&ask.spec.connection).map_err(ExploreError::Wrong)?;
    let to = config
        .device_address
        .as_ref()
        .unwrap_or(&config.broadcast_address);
    let to = address::resolve(to).await?;
    let mut seat = opening::seat(&config)?;
    seat.want(Interest {
        searching: true,
        ..Interest::default()
    });
    let question = service::who_is(None);
    let datagram = network::wrap(Way::Broadcast, station.as_ref(), false, &question);
    opening::send(&seat, to, &datagram).await?;
    let end = Instant::now() + ask.patience;
    let mut seen = BTreeSet::new();
    while seen.len() < DEVICES_MAX && Instant::now() < end {
        let left = end.duration_since(Instant::now());
        let heard = opening::until(&mut seat, left, |heard| match heard {
            Heard::Message { from, apdu } => Some((from, apdu)),
            _ => None,
        });
        let Some((from, apdu)) = heard.await? else {
            break;
        };
        let said = match apdu::parse(&apdu) {
            Ok(Apdu::Told { body, .. }) => service::i_am(body),
            _ => continue,
        };
        let Ok(said) = said else {
            continue;
        };
        let instance = said.device.instance;
        if !seen.insert(instance) {
            continue;
        }
        let place = match &from.station {
            None => format!("bacnet://{}/{instance}", from.address),
            Some(station) => format!(
                "bacnet://{}/{instance} --network {} --mac {}",
                from.address,
                station.network,
                hex::encode(&station.mac)
            ),
        };
        if finds.visit(&place).is_break() || finds.add(device(instance, &place)).is_break() {
            break;
        }
    }
    Ok(())
}

fn device(instance: u32, place: &str) -> Found {
    Found {
        path: vec![format!("device{instance}")],
        address: format!("device,{instance}"),
        operation: json!({ "objectType": "device", "objectInstance": instance }),
        value_type: None,
        access: Access::Read,
        unit: None,
        description: None,
        sample: None,
        obstacle: Some(format!("a device of its own: browse {place}")),
    }
}

/// Says which objects a device has, with names and units.
pub(super) async fn objects(ask: &BrowseAsk, finds: &mut Finds) -> Result<(), ExploreError> {
    let (mut config, station) =
        kind::connection(&ask.spec.connection).map_err(ExploreError::Wrong)?;
    config.timeout = u64::try_from(ask.patience.as_millis()).unwrap_or(config.timeout);
    // A look at a device must not take the place of the connection that serves it.
    config.local_port = 0;
    let opening = Opening {
        config: &config,
        station: station.as_ref(),
        invoke: 0,
        statistics: Arc::new(Statistics::default()),
        trace: ask.trace.clone(),
    };
    let (line, _) = opening.open().await?;
    Walk {
        device: line.device(),
        line,
        reads_multiple: config.max_batch > 1,
    }
    .run(finds)
    .await
}

struct Walk {
    line: Line,
    device: ObjectId,
    reads_multiple: bool,
}

type Values = BTreeMap<Target, Vec<Raw>>;

impl Walk {
    async fn run(&mut self, finds: &mut Finds) -> Result<(), ExploreError> {
        let list = |index| Target {
            object: self.device,
            property: names::OBJECT_LIST,
            index: Some(index),
        };
        let length = list(0);
        let count = match self
            .values(&[length])
            .await?
            .get(&length)
            .map(Vec::as_slice)
        {
            Some([Raw::Unsigned(count)]) => u32::try_from(*count).unwrap_or(u32::MAX),
            _ => {
                let message = "the device does not tell the list of its objects".to_owned();
                return Err(ExploreError::Session(SessionEnd::lost(
                    "no_object_list",
                    message,
                )));
            }
        };
        let device = self.device;
        let list = |index| Target {
            object: device,
            property: names::OBJECT_LIST,
            index: Some(index),
        };
        let mut next = 1;
        while next <= count {
            let end = next.saturating_add(PAGE - 1).min(count);
            let page: Vec<Target> = (next..=end).map(list).collect();
            let values = self.values(&page).await?;
            for target in &page {
                if let Some([Raw::Object(object)]) = values.get(target).map(Vec::as_slice)
                    && self.object(*object, finds).await?.is_break()
                {
                    return Ok(());
                }
            }
            next = end.saturating_add(1);
        }
        Ok(())
    }

    async fn object(
        &mut self,
        object: ObjectId,
        finds: &mut Finds,
    ) -> Result<ControlFlow<()>, ExploreError> {
        let place = names::object_text(object);
        if finds.visit(&place).is_break() {
            return Ok(ControlFlow::Break(()));
        }
        if object.kind == DEVICE {
            return Ok(ControlFlow::Continue(()));
        }
        let wanted = [
            names::OBJECT_NAME,
            names::PRESENT_VALUE,
            names::DESCRIPTION,
            names::UNITS_PROPERTY,
        ];
        let targets = wanted.map(|property| Target {
            object,
            property,
            index: None,
        });
        let values = self.values(&targets).await?;
        let part = |at: usize| values.get(&targets[at]).map(Vec::as_slice);
        let text = |at: usize| match part(at) {
            Some([Raw::Text(text)]) if !text.is_empty() => Some(text.clone()),
            _ => None,
        };
        let unit = match part(3) {
            Some([Raw::Enumerated(unit)]) => names::unit_text(*unit).map(str::to_owned),
            _ => None,
        };
        let sample = match part(1) {
            Some([value]) => Some(value::to_json(value).to_string()),
            _ => None,
        };
        let obstacle = sample.is_none().then(|| {
            "it has no present-value: name another of its properties by `property`".to_owned()
        });
        let kind = names::kind_text(object.kind);
        let operation = json!({ "objectType": kind, "objectInstance": object.instance });
        // Outputs and values take writes; inputs only while they are out of service.
        let is_set = matches!(object.kind, 1 | 2 | 4 | 5 | 14 | 19 | 39..=50 | 54 | 55);
        Ok(finds.add(Found {
            path: vec![text(0).unwrap_or_else(|| place.clone())],
            address: place,
            operation,
            value_type: Some(names::usual_type(object.kind, names::PRESENT_VALUE).value_type()),
            access: if is_set {
                Access::ReadWrite
            } else {
                Access::Read
            },
            unit,
            description: text(2),
            sample,
            obstacle,
        }))
    }

    /// What the device says about some properties; what it does not say is left out.
    async fn values(&mut self, targets: &[Target]) -> Result<Values, ExploreError> {
        if self.reads_multiple && targets.len() > 1 {
            let mut body = Vec::new();
            service::read_multiple(&mut body, targets);
            let answer = self.ask(READ_MULTIPLE, &body).await?;
            let read = answer.map(|body| service::read_multiple_answer(&body));
            if let Some(Ok(answers)) = read {
                let told = answers.into_iter();
                return Ok(told
                    .filter_map(|(target, told)| Some((target, told.ok()?)))
                    .collect());
            }
            self.reads_multiple = false;
        }
        let mut values = Values::new();
        for target in targets {
            let mut body = Vec::new();
            service::read(&mut body, target);
            let answer = self.ask(READ, &body).await?;
            if let Some(Ok((of, told))) = answer.map(|body| service::read_answer(&body))
                && of.object.instance <= INSTANCE_MAX
            {
                values.insert(*target, told);
            }
        }
        Ok(values)
    }

    async fn ask(&mut self, service: u8, body: &[u8]) -> Result<Option<Vec<u8>>, ExploreError> {
        match self.line.ask(service, body).await {
            Ok(answer) => Ok(answer.ok()),
            Err(error) => Err(identity::lost(&self.line, error).into()),
        }
    }
}
