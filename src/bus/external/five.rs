//! A connection in MQTT 5.

use mainstem_model::TopicFilter;
use rumqttc::Outgoing;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    ConnAck, Packet, PubAckReason, PubRecReason, Publish, PublishProperties, SubAck,
    SubscribeProperties, SubscribeReasonCode,
};
use rumqttc::v5::{AsyncClient, Event, EventLoop, MqttOptions, Request};
use rumqttc::{TlsConfiguration, Transport};
use uuid::Uuid;

use super::line::{Arrived, Full, Happening};
use super::table::{CHANNEL, IN_FLIGHT_MAX};
use super::{CONNECT_TIME, ExternalSetup, KEEP_ALIVE_MIN};
use crate::embedded::ORIGIN;
use crate::{Publication, Qos};

pub(crate) struct Line {
    events: EventLoop,
}

pub(crate) struct Remote {
    client: AsyncClient,
    node: String,
}

impl Line {
    pub(super) fn new(setup: &ExternalSetup) -> (Self, Remote) {
        let (client, mut events) = AsyncClient::new(options(setup), CHANNEL);
        let mut network = events.options.network_options();
        network.set_tcp_nodelay(true);
        events.options.set_network_options(network);
        let node = setup.node.to_string();
        (Self { events }, Remote { client, node })
    }

    pub(super) async fn poll(&mut self) -> Result<Happening, String> {
        let event = self.events.poll().await;
        let event = event.map_err(|error| error.to_string())?;
        Ok(match event {
            Event::Incoming(packet) => self.arrive(packet),
            Event::Outgoing(Outgoing::Publish(id)) => Happening::Sent(id),
            Event::Outgoing(Outgoing::Subscribe(id)) => Happening::Asked(id),
            Event::Outgoing(_) => Happening::Else,
        })
    }

    fn arrive(&mut self, packet: Packet) -> Happening {
        match packet {
            Packet::ConnAck(answer) => {
                // What waited for an earlier life of this node is not for this one.
                self.events.options.set_clean_start(false);
                up(&answer)
            }
            Packet::PubAck(ack) => {
                let outcome = match ack.reason {
                    PubAckReason::Success | PubAckReason::NoMatchingSubscribers => Ok(()),
                    reason => Err(format!("{reason:?}")),
                };
                Happening::Acknowledged(ack.pkid, outcome)
            }
            Packet::PubRec(ack) => match ack.reason {
                PubRecReason::Success | PubRecReason::NoMatchingSubscribers => Happening::Else,
                reason => Happening::Blocked(ack.pkid, format!("{reason:?}")),
            },
            Packet::PubComp(ack) => Happening::Acknowledged(ack.pkid, Ok(())),
            Packet::SubAck(ack) => granted(&ack),
            Packet::Publish(publish) => arrived(publish),
            _ => Happening::Else,
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
    options.set_clean_start(true);
    options.set_keep_alive(setup.keep_alive.max(KEEP_ALIVE_MIN));
    options.set_connection_timeout(CONNECT_TIME.as_secs());
    let session = u32::try_from(setup.session.as_secs()).unwrap_or(u32::MAX);
    options.set_session_expiry_interval(Some(session));
    let bytes = u32::try_from(setup.packet_bytes.saturating_add(4096)).unwrap_or(u32::MAX);
    options.set_max_packet_size(Some(bytes));
    options.set_receive_maximum(Some(IN_FLIGHT_MAX));
    options.set_outgoing_inflight_upper_limit(IN_FLIGHT_MAX);
    if let Some((user, password)) = &setup.login {
        options.set_credentials(user, password);
    }
    if let Some(tls) = &setup.tls {
        let tls = TlsConfiguration::Rustls(tls.clone());
        options.set_transport(Transport::tls_with_config(tls));
    }
    options
}

fn up(answer: &ConnAck) -> Happening {
    let said = answer.properties.as_ref();
    let most = said.and_then(|said| said.max_packet_size);
    Happening::Up {
        resumed: answer.session_present,
        tells_filters: said.and_then(|said| said.subscription_identifiers_available) != Some(0),
        in_flight: said
            .and_then(|said| said.receive_max)
            .unwrap_or(IN_FLIGHT_MAX),
        packet_bytes: most.and_then(|most| usize::try_from(most).ok()),
    }
}

fn granted(ack: &SubAck) -> Happening {
    let refused = ack.return_codes.iter().find_map(|code| match code {
        SubscribeReasonCode::Success(_) => None,
        code => Some(format!("{code:?}")),
    });
    Happening::Granted(ack.pkid, refused.map_or(Ok(()), Err))
}

fn arrived(publish: Publish) -> Happening {
    let Ok(topic) = String::from_utf8(publish.topic.to_vec()) else {
        return Happening::Else;
    };
    let properties = publish.properties.unwrap_or_default();
    let mut named = properties.user_properties.iter();
    let origin = named.find(|(name, _)| name == ORIGIN);
    Happening::Arrived(Arrived {
        topic,
        payload: publish.payload,
        qos: match publish.qos {
            QoS::AtMostOnce => Qos::AtMostOnce,
            QoS::AtLeastOnce => Qos::AtLeastOnce,
            QoS::ExactlyOnce => Qos::ExactlyOnce,
        },
        retained: publish.retain,
        filters: properties.subscription_identifiers,
        origin: origin.and_then(|(_, id)| Uuid::parse_str(id).ok()),
    })
}

impl Remote {
    pub(super) fn publish(&self, publication: Publication) -> Result<(), Full> {
        let Publication {
            topic,
            payload,
            qos,
            retain,
        } = publication;
        let qos = match qos {
            Qos::AtMostOnce => QoS::AtMostOnce,
            Qos::AtLeastOnce => QoS::AtLeastOnce,
            Qos::ExactlyOnce => QoS::ExactlyOnce,
        };
        let properties = PublishProperties {
            user_properties: vec![(ORIGIN.to_owned(), self.node.clone())],
            ..PublishProperties::default()
        };
        let topic = topic.as_str();
        self.client
            .try_publish_with_properties(topic, qos, retain, payload, properties)
            .map_err(|_| Full)
    }

    pub(super) fn subscribe(&self, filter: &TopicFilter, number: Option<u32>) -> Result<(), Full> {
        let properties = SubscribeProperties {
            id: number.and_then(|number| usize::try_from(number).ok()),
            user_properties: Vec::new(),
        };
        let filter = filter.as_str();
        self.client
            .try_subscribe_with_properties(filter, QoS::AtLeastOnce, properties)
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
