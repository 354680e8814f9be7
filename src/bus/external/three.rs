//! A connection in MQTT 3.1.1.

use mainstem_model::TopicFilter;
use rumqttc::{
    AsyncClient, Event, EventLoop, MqttOptions, NetworkOptions, Outgoing, Packet, QoS, Request,
    SubscribeReasonCode, TlsConfiguration, Transport,
};

use super::line::{Arrived, Full, Happening};
use super::table::{CHANNEL, IN_FLIGHT_MAX};
use super::{CONNECT_TIME, ExternalSetup, KEEP_ALIVE_MIN};
use crate::{Publication, Qos};

/// The longest packet that comes in: the broker cannot be told, and a longer one would come again
/// after each reconnect.
const INCOMING_BYTES_MAX: usize = 64 << 20;

pub(crate) struct Line {
    events: EventLoop,
    /// The first connection only throws away what waited for an earlier life of this node.
    is_swept: bool,
}

pub(crate) struct Remote {
    client: AsyncClient,
}

impl Line {
    pub(super) fn new(setup: &ExternalSetup) -> (Self, Remote) {
        let (client, mut events) = AsyncClient::new(options(setup), CHANNEL);
        let mut network = NetworkOptions::new();
        network.set_tcp_nodelay(true);
        network.set_connection_timeout(CONNECT_TIME.as_secs());
        events.set_network_options(network);
        let line = Self {
            events,
            is_swept: false,
        };
        (line, Remote { client })
    }

    pub(super) async fn poll(&mut self) -> Result<Happening, String> {
        loop {
            let event = self.events.poll().await;
            let event = event.map_err(|error| error.to_string())?;
            match event {
                Event::Incoming(Packet::ConnAck(_)) if !self.is_swept => {
                    self.is_swept = true;
                    self.events.mqtt_options.set_clean_session(false);
                    self.hang_up();
                }
                Event::Incoming(packet) => return Ok(arrive(packet)),
                Event::Outgoing(Outgoing::Publish(id)) => return Ok(Happening::Sent(id)),
                Event::Outgoing(Outgoing::Subscribe(id)) => return Ok(Happening::Asked(id)),
                Event::Outgoing(_) => return Ok(Happening::Else),
            }
        }
    }

    pub(super) fn hang_up(&mut self) {
        self.events.clean();
        self.events.state.collision = None;
        self.events.pending.retain(|request| match request {
            Request::Publish(publish) => publish.pkid != 0,
            Request::PubRel(_) => true,
            _ => false,
        });
    }

    pub(super) fn resends(&self) -> usize {
        let pending = self.events.pending.iter();
        let messages = pending.filter(|request| matches!(request, Request::Publish(_)));
        messages.count()
    }
}

fn options(setup: &ExternalSetup) -> MqttOptions {
    let mut options = MqttOptions::new(&setup.client_id, &setup.host, setup.port);
    options.set_clean_session(true);
    options.set_keep_alive(setup.keep_alive.max(KEEP_ALIVE_MIN));
    options.set_inflight(IN_FLIGHT_MAX);
    options.set_max_packet_size(INCOMING_BYTES_MAX, setup.packet_bytes.saturating_add(4096));
    if let Some((user, password)) = &setup.login {
        options.set_credentials(user, password);
    }
    if let Some(tls) = &setup.tls {
        let tls = TlsConfiguration::Rustls(tls.clone());
        options.set_transport(Transport::tls_with_config(tls));
    }
    options
}

fn arrive(packet: Packet) -> Happening {
    match packet {
        Packet::ConnAck(answer) => Happening::Up {
            resumed: answer.session_present,
            tells_filters: false,
            packet_bytes: None,
            in_flight: IN_FLIGHT_MAX,
        },
        Packet::PubAck(ack) => Happening::Acknowledged(ack.pkid, Ok(())),
        Packet::PubComp(ack) => Happening::Acknowledged(ack.pkid, Ok(())),
        Packet::SubAck(ack) => {
            let failed = ack.return_codes.contains(&SubscribeReasonCode::Failure);
            let outcome = match failed {
                true => Err("it does not say why".to_owned()),
                false => Ok(()),
            };
            Happening::Granted(ack.pkid, outcome)
        }
        Packet::Publish(publish) => Happening::Arrived(Arrived {
            topic: publish.topic,
            payload: publish.payload,
            qos: match publish.qos {
                QoS::AtMostOnce => Qos::AtMostOnce,
                QoS::AtLeastOnce => Qos::AtLeastOnce,
                QoS::ExactlyOnce => Qos::ExactlyOnce,
            },
            retained: publish.retain,
            filters: Vec::new(),
            origin: None,
        }),
        _ => Happening::Else,
    }
}

impl Remote {
    pub(super) fn publish(&self, publication: Publication) -> Result<(), Full> {
        let qos = match publication.qos {
            Qos::AtMostOnce => QoS::AtMostOnce,
            Qos::AtLeastOnce => QoS::AtLeastOnce,
            Qos::ExactlyOnce => QoS::ExactlyOnce,
        };
        let (topic, retain) = (publication.topic.as_str(), publication.retain);
        self.client
            .try_publish(topic, qos, retain, publication.payload)
            .map_err(|_| Full)
    }

    pub(super) fn subscribe(&self, filter: &TopicFilter) -> Result<(), Full> {
        self.client
            .try_subscribe(filter.as_str(), QoS::AtLeastOnce)
            .map_err(|_| Full)
    }

    pub(super) fn unsubscribe(&self, filter: &TopicFilter) -> Result<(), Full> {
        self.client
            .try_unsubscribe(filter.as_str())
            .map_err(|_| Full)
    }

    pub(super) fn disconnect(&self) -> Result<(), Full> {
        self.client.try_disconnect().map_err(|_| Full)
    }
}
