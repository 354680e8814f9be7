//! A connection in MQTT 3.1.1.

use std::sync::Arc;

use mainstem_adapter::{Direction, SessionEnd, Trace};
use rumqttc::{
    AsyncClient, ConnectReturnCode, ConnectionError, Event, EventLoop, LastWill, MqttOptions,
    NetworkOptions, Outgoing, Packet, QoS, SubscribeReasonCode, TlsConfiguration, Transport,
};
use rustls::ClientConfig;

use crate::line::{Full, Happening, IN_FLIGHT_MAX, Letter, REQUESTS_MAX, lost, refused};
use crate::plan::BrokerPlan;
use crate::told;

pub(crate) struct Line {
    events: EventLoop,
    trace: Trace,
}

pub(crate) struct Remote {
    client: AsyncClient,
}

impl Line {
    pub(crate) fn new(
        plan: &BrokerPlan,
        tls: Option<Arc<ClientConfig>>,
        trace: &Trace,
    ) -> (Self, Remote) {
        let (client, mut events) = AsyncClient::new(options(plan, tls), REQUESTS_MAX);
        let mut network = NetworkOptions::new();
        network.set_tcp_nodelay(true);
        network.set_connection_timeout(plan.connect_timeout().as_secs().max(1));
        events.set_network_options(network);
        let trace = trace.clone();
        let remote = Remote { client };
        (Self { events, trace }, remote)
    }

    pub(crate) async fn poll(&mut self) -> Result<Happening, SessionEnd> {
        match Box::pin(self.events.poll()).await {
            Ok(Event::Incoming(packet)) => {
                self.tell(&packet);
                Ok(incoming(packet))
            }
            Ok(Event::Outgoing(Outgoing::Publish(id))) => Ok(Happening::Sent(id)),
            Ok(Event::Outgoing(Outgoing::Subscribe(id))) => Ok(Happening::Asked(id)),
            Ok(Event::Outgoing(packet)) => {
                self.trace
                    .frame(Direction::Sent, &[], || format!("{packet:?}"));
                Ok(Happening::Else)
            }
            Err(ConnectionError::ConnectionRefused(code)) if is_final(code) => {
                Err(refused(&format!("{code:?}")))
            }
            Err(error) => Err(lost(&error)),
        }
    }

    fn tell(&self, packet: &Packet) {
        match packet {
            Packet::Publish(publish) => {
                self.trace.frame(Direction::Received, &publish.payload, || {
                    told::published(
                        &publish.topic,
                        &publish.payload,
                        publish.qos as u8,
                        publish.retain,
                    )
                });
            }
            // None of the others that a broker sends holds a secret.
            other => self
                .trace
                .frame(Direction::Received, &[], || format!("{other:?}")),
        }
    }
}

/// Whether it makes no sense to ask again soon.
fn is_final(code: ConnectReturnCode) -> bool {
    use ConnectReturnCode as Code;
    matches!(
        code,
        Code::BadUserNamePassword
            | Code::NotAuthorized
            | Code::BadClientId
            | Code::RefusedProtocolVersion
    )
}

fn incoming(packet: Packet) -> Happening {
    match packet {
        Packet::ConnAck(_) => Happening::Up,
        Packet::PubAck(ack) => Happening::Acknowledged(ack.pkid, Ok(())),
        Packet::PubComp(ack) => Happening::Acknowledged(ack.pkid, Ok(())),
        Packet::SubAck(ack) => {
            let failed = ack.return_codes.contains(&SubscribeReasonCode::Failure);
            let outcome = match failed {
                true => Err("the broker does not say why".to_owned()),
                false => Ok(()),
            };
            Happening::Granted(ack.pkid, outcome)
        }
        Packet::Publish(publish) => Happening::Arrived {
            topic: publish.topic,
            payload: publish.payload,
        },
        _ => Happening::Else,
    }
}

fn options(plan: &BrokerPlan, tls: Option<Arc<ClientConfig>>) -> MqttOptions {
    let config = &plan.config;
    let mut options = MqttOptions::new(&plan.client_id, &config.host, plan.port);
    options.set_clean_session(config.clean);
    options.set_keep_alive(plan.keepalive());
    options.set_inflight(IN_FLIGHT_MAX);
    let bytes = usize::try_from(config.max_packet_bytes).unwrap_or(usize::MAX);
    options.set_max_packet_size(bytes, bytes);
    if let Some(user) = &config.username {
        options.set_credentials(user, config.password.clone().unwrap_or_default());
    }
    if let Some(will) = &config.will {
        let payload = will.payload.clone();
        let will = LastWill::new(&will.topic, payload, qos(will.qos), will.retain);
        options.set_last_will(will);
    }
    if let Some(tls) = tls {
        let tls = TlsConfiguration::Rustls(tls);
        options.set_transport(Transport::tls_with_config(tls));
    }
    options
}

fn qos(level: u8) -> QoS {
    match level {
        0 => QoS::AtMostOnce,
        1 => QoS::AtLeastOnce,
        _ => QoS::ExactlyOnce,
    }
}

impl Remote {
    pub(crate) fn publish(&self, letter: Letter<'_>) -> Result<(), Full> {
        let (topic, qos) = (letter.topic, qos(letter.qos));
        self.client
            .try_publish(topic, qos, letter.retain, letter.payload)
            .map_err(|_| Full)
    }

    pub(crate) fn subscribe(&self, filter: &str, level: u8) -> Result<(), Full> {
        self.client
            .try_subscribe(filter, qos(level))
            .map_err(|_| Full)
    }

    pub(crate) fn disconnect(&self) {
        drop(self.client.try_disconnect());
    }
}
