//! All resources of this room that a file declares.

use crate::{
    EndpointAddress, HttpNode, HttpServer, Mapping, ModbusNode, ModbusServer, OpcuaNode,
    OpcuaServer, ServiceAddress,
};

/// The resources of one file that the bus ties together, each list in the order of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Services {
    /// Where their topics stand.
    pub address: ServiceAddress,
    /// HTTP servers.
    pub http_servers: Vec<HttpServer>,
    /// The routes of HTTP servers.
    pub http_nodes: Vec<HttpNode>,
    /// The OPC UA server, of which a node has one at most.
    pub opcua_server: Option<OpcuaServer>,
    /// Its nodes, a parent before what is below it.
    pub opcua_nodes: Vec<OpcuaNode>,
    /// Modbus servers.
    pub modbus_servers: Vec<ModbusServer>,
    /// Their nodes.
    pub modbus_nodes: Vec<ModbusNode>,
    /// Mappings, their references resolved to topics.
    pub mappings: Vec<Mapping>,
    /// The topics of all endpoints.
    pub endpoints: Vec<EndpointAddress>,
}

impl Services {
    /// No resources at all, at this address.
    #[must_use]
    pub fn none(address: ServiceAddress) -> Self {
        Self {
            address,
            http_servers: Vec::new(),
            http_nodes: Vec::new(),
            opcua_server: None,
            opcua_nodes: Vec::new(),
            modbus_servers: Vec::new(),
            modbus_nodes: Vec::new(),
            mappings: Vec::new(),
            endpoints: Vec::new(),
        }
    }
}
