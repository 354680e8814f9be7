//! The registry: every adapter kind there is, in the order in which people read it.

use mainstem_adapter::Kind;

/// Adding a protocol is one line here.
static KINDS: [Kind; 10] = [
    mainstem_adapter_connector::KIND,
    mainstem_adapter_http::KIND,
    mainstem_adapter_influxdb::KIND,
    mainstem_adapter_modbus::KIND,
    mainstem_adapter_mqtt::KIND,
    mainstem_adapter_opcua::KIND,
    mainstem_adapter_s7::KIND,
    mainstem_adapter_simulator::KIND,
    mainstem_adapter_sql::KIND,
    mainstem_adapter_system::KIND,
];

/// All adapter kinds.
pub fn kinds() -> &'static [Kind] {
    &KINDS
}
