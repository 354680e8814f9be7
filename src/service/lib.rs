//! The resources of node file and service files that the bus ties together: servers, server nodes,
//! mappings, and the topics of endpoints. Definitions only: what is written (`…Section`, with its
//! schema), what it comes to, and on which topics it lives.
//!
//! Who runs them gets them from the loaded node file, `NodeConfig::services`, a [`Services`]:
//!
//! * the HTTP server takes [`Services::http_servers`] and [`Services::http_nodes`]: each node with
//!   the whole path of its requests ([`HttpNode::path`]), which is compared without regard to case;
//! * the OPC UA server takes [`Services::opcua_server`] and [`Services::opcua_nodes`], each node with
//!   its parent ([`NodeHead::parent`]);
//! * both find in [`NodeHead`] what all nodes have: [`NodeHead::operation`],
//!   [`NodeHead::transaction`] (there exactly if the operation is `transaction`), and the topics
//!   [`NodeHead::topic`], [`NodeHead::request_topic`] and [`NodeHead::reply_topic`];
//! * the Modbus server takes [`Services::modbus_servers`] and [`Services::modbus_nodes`], which name
//!   datapoints and have no topics;
//! * mappings are [`Services::mappings`], their references resolved to topics already;
//! * the topics of endpoints are [`Services::endpoints`].
//!
//! Everything was checked when it gets here: parents exist, end at a server and make no circle, no
//! two HTTP nodes share a route, arguments have names.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod address;
mod buffering;
mod circles;
mod endpoint;
mod http_node;
mod http_server;
mod mapping;
mod modbus_node;
mod modbus_server;
mod node_head;
mod opcua_node;
mod opcua_object;
mod opcua_server;
mod rule;
mod services;
mod target_state;
mod transaction;
mod wildcards;

pub use address::{ServiceAddress, TOPIC_BYTES_MAX, TOPIC_LEVELS_MAX, TopicProblem, service_id};
pub use buffering::InputBuffering;
pub use circles::{Way, feeding_circles, may_feed_themselves};
pub use endpoint::{EndpointAddress, EndpointOperation};
pub use http_node::{HttpMethod, HttpNode, HttpNodeSection};
pub use http_server::{HttpServer, HttpServerSection};
pub use mapping::{
    MAPPING_ITEMS_MAX, Mapping, MappingItem, MappingItemSection, MappingSection, OneOrMany,
    Publish, PublishSection, RULES_MAX, SUBSCRIPTIONS_MAX, Subscribe, SubscribeSection,
};
pub use modbus_node::{ModbusNode, ModbusNodeSection, NodeAccess, NodeScaling};
pub use modbus_server::{Gaps, ModbusServer, ModbusServerSection, NotGood};
pub use node_head::{NodeHead, NodeHeadSection, Operation, Qos};
pub use opcua_node::{
    Argument, Interpolation, OpcuaNode, OpcuaNodeSection, OpcuaNodeType, OpcuaType,
};
pub use opcua_object::OpcuaObjectSection;
pub use opcua_server::{OpcuaServer, OpcuaServerSection, SecurityMode, SecurityPolicy};
pub use rule::{
    BurstRule, CollectRule, CovRule, DeadbandMode, ExpressionRule, Format, ParseRule, Rule,
    RuleSection, SetContextVarsRule, StashRule,
};
pub use services::Services;
pub use target_state::TargetState;
pub use transaction::{AnsweredBy, DEFAULT_TIMEOUT_MESSAGE, Transaction};
pub use wildcards::{TopicPattern, TopicTemplate};
