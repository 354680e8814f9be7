//! The registry: every adapter kind there is, in the order in which people read it.

use mainstem_adapter::Kind;

/// Adding a protocol is one line here.
static KINDS: &[Kind] = &[
    mainstem_adapter_ads::KIND,
    mainstem_adapter_bacnet::KIND,
    mainstem_adapter_connector::KIND,
    mainstem_adapter_ethernetip::KIND,
    mainstem_adapter_http::KIND,
    mainstem_adapter_influxdb::KIND,
    mainstem_adapter_kafka::KIND,
    mainstem_adapter_modbus::KIND,
    mainstem_adapter_mqtt::KIND,
    mainstem_adapter_mtconnect::AGENT,
    mainstem_adapter_opcua::KIND,
    mainstem_adapter_s7::KIND,
    mainstem_adapter_mtconnect::SHDR,
    mainstem_adapter_simulator::KIND,
    mainstem_adapter_sql::KIND,
    mainstem_adapter_system::KIND,
    mainstem_adapter_systemstate::KIND,
];

/// All adapter kinds.
pub fn kinds() -> &'static [Kind] {
    KINDS
}
