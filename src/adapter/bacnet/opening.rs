//! Finding the device, and the first question to it.

use std::net::SocketAddrV4;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use mainstem_adapter::{AdapterIo, SessionEnd, Statistics, Trace};
use tokio::time::Instant;

use crate::address;
use crate::codec::apdu::{self, Apdu};
use crate::codec::network::{self, Station, Way};
use crate::codec::service;
use crate::codec::{DEVICE, ObjectId};
use crate::config::ConnectionConfig;
use crate::identity;
use crate::line::{Ends, Line};
use crate::port::{Heard, Interest, Peer, Port, Seat};

/// Every session numbers its subscriptions apart, so that changes which an earlier one asked for
/// are not taken for its own.
static PROCESSES: AtomicU32 = AtomicU32::new(1);

/// What opening needs to know.
pub(crate) struct Opening<'a> {
    pub(crate) config: &'a ConnectionConfig,
    pub(crate) station: Option<&'a Station>,
    pub(crate) invoke: u8,
    pub(crate) statistics: Arc<Statistics>,
    pub(crate) trace: Trace,
}

impl<'a> Opening<'a> {
    pub(crate) fn of(
        config: &'a ConnectionConfig,
        station: Option<&'a Station>,
        invoke: u8,
        io: &AdapterIo,
    ) -> Self {
        Self {
            config,
            station,
            invoke,
            statistics: Arc::clone(io.statistics()),
            trace: io.trace().clone(),
        }
    }

    /// Opens the way to the device and makes sure that it is the one that was meant. Also says
    /// where the BBMD is, for its renewals.
    pub(crate) async fn open(self) -> Result<(Line, Option<SocketAddrV4>), SessionEnd> {
        let config = self.config;
        let mut seat = seat(config)?;
        let bbmd = match &config.bbmd {
            None => None,
            Some(bbmd) => Some(
                self.register(&mut seat, address::resolve(bbmd).await?)
                    .await?,
            ),
        };
        let peer = self.peer(&mut seat, bbmd).await?;
        let interest = Interest {
            peer: Some(peer.clone()),
            searching: false,
            bbmd,
        };
        if !seat.want(interest) {
            let message = format!(
                "another connection of this node talks to {} by UDP port {} already: put their \
                 endpoints into one connection, or leave `localPort` out",
                peer.address, config.local_port
            );
            return Err(SessionEnd::Misconfigured { message });
        }
        let mut line = Line::new(Ends {
            seat,
            peer,
            device: device(config.device_instance),
            timeout: config.answering(),
            retries: config.retries,
            apdu_max: config.max_apdu,
            segmented: config.takes_segments(),
            process: PROCESSES.fetch_add(1, Ordering::Relaxed),
            invoke: self.invoke,
            statistics: self.statistics,
            trace: self.trace,
        });
        identity::identify(&mut line, config).await?;
        Ok((line, bbmd))
    }

    /// Becomes a foreign device of a BBMD.
    async fn register(
        &self,
        seat: &mut Seat,
        bbmd: SocketAddrV4,
    ) -> Result<SocketAddrV4, SessionEnd> {
        seat.want(Interest {
            bbmd: Some(bbmd),
            ..Interest::default()
        });
        let request = network::register(self.config.bbmd_lifetime_seconds);
        for _ in 0..=self.config.retries {
            send(seat, bbmd, &request).await?;
            let answered = until(seat, self.config.answering(), |heard| match heard {
                Heard::Result(code) => Some(code),
                _ => None,
            });
            match answered.await? {
                Some(0) => return Ok(bbmd),
                Some(code) => {
                    let message = format!(
                        "the BBMD at {bbmd} refuses to register a foreign device (result \
                         {code:#06x}): allow foreign devices there, or leave `bbmd` out"
                    );
                    return Err(SessionEnd::Refused {
                        code: "bbmd_refused",
                        message,
                        retry_after: None,
                    });
                }
                None => {}
            }
        }
        let message = format!(
            "the BBMD at {bbmd} does not answer: check `bbmd`, and firewalls for UDP port {}",
            bbmd.port()
        );
        Err(SessionEnd::lost("bbmd_silent", message))
    }

    /// Where the device is: as configured, or as it says itself.
    async fn peer(&self, seat: &mut Seat, bbmd: Option<SocketAddrV4>) -> Result<Peer, SessionEnd> {
        let config = self.config;
        let router = match &config.device_address {
            Some(text) => Some(address::resolve(text).await?),
            None => None,
        };
        let station = self.station;
        let is_known = station.is_none_or(|station| !station.mac.is_empty());
        if let (Some(address), true) = (router, is_known) {
            let station = station.cloned();
            return Ok(Peer { address, station });
        }
        let (to, way) = match (router, bbmd) {
            (Some(router), _) => (router, Way::Unicast),
            (None, Some(bbmd)) => (bbmd, Way::Distribute),
            (None, None) => (
                address::resolve(&config.broadcast_address).await?,
                Way::Broadcast,
            ),
        };
        seat.want(Interest {
            peer: None,
            searching: true,
            bbmd,
        });
        let instance = config.device_instance;
        let question = service::who_is(Some((instance, instance)));
        let datagram = network::wrap(way, station, false, &question);
        for _ in 0..=config.retries {
            send(seat, to, &datagram).await?;
            let found = until(seat, config.answering(), |heard| said_by(&heard, instance));
            if let Some(peer) = found.await? {
                return Ok(peer);
            }
        }
        let message = format!(
            "no device {instance} has answered a Who-Is sent to {to}: check `deviceInstance`, or \
             give its `deviceAddress`; behind a router its `network` too, and without broadcasts \
             between networks a `bbmd`"
        );
        Err(SessionEnd::lost("device_not_found", message))
    }
}

fn said_by(heard: &Heard, instance: u32) -> Option<Peer> {
    let Heard::Message { from, apdu } = heard else {
        return None;
    };
    let Ok(Apdu::Told { body, .. }) = apdu::parse(apdu) else {
        return None;
    };
    let said = service::i_am(body).ok()?;
    (said.device.instance == instance).then(|| from.clone())
}

pub(crate) fn device(instance: u32) -> ObjectId {
    ObjectId {
        kind: DEVICE,
        instance,
    }
}

/// A place at the port that the configuration names.
pub(crate) fn seat(config: &ConnectionConfig) -> Result<Seat, SessionEnd> {
    let place = (config.local_interface.clone(), config.local_port);
    let port = Port::open(&place).map_err(|error| {
        let interface = config
            .local_interface
            .as_deref()
            .unwrap_or("all interfaces");
        let port = config.local_port;
        let message = format!(
            "cannot open UDP port {port} at {interface}: {error}: check `localInterface`, and that \
             no other program uses the port, or leave `localPort` out"
        );
        SessionEnd::lost("port_not_free", message)
    })?;
    port.sit().ok_or_else(|| SessionEnd::Misconfigured {
        message: "too many connections share one `localPort`: leave it out".to_owned(),
    })
}

pub(crate) async fn send(seat: &Seat, to: SocketAddrV4, datagram: &[u8]) -> Result<(), SessionEnd> {
    let sent = seat.send(to, datagram).await;
    sent.map_err(|error| {
        let message =
            format!("cannot send to {to}: {error}: check the address and the route to it");
        SessionEnd::lost("unreachable", message)
    })
}

/// Listens until something is what is waited for, or the time is over.
pub(crate) async fn until<T>(
    seat: &mut Seat,
    patience: Duration,
    wanted: impl Fn(Heard) -> Option<T>,
) -> Result<Option<T>, SessionEnd> {
    let end = Instant::now() + patience;
    while Instant::now() < end {
        match tokio::time::timeout_at(end, seat.receive()).await {
            Err(_) => break,
            Ok(Err(error)) => {
                return Err(SessionEnd::lost(
                    "receive_failed",
                    format!("cannot receive: {error}"),
                ));
            }
            Ok(Ok(heard)) => match wanted(heard) {
                Some(found) => return Ok(Some(found)),
                None => continue,
            },
        }
    }
    Ok(None)
}
