//! `Node::Http`: one route of an HTTP server.

use crate::http_server::join_path;
use crate::{HttpServer, NodeHead, NodeHeadSection, Operation};

/// The method of the requests that a node answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum HttpMethod {
    /// Brings a body.
    Post,
    /// Brings a body.
    Put,
    /// Brings only its query.
    Get,
}

impl HttpMethod {
    /// The method's own word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Get => "GET",
        }
    }
}

/// A route of an HTTP server.
#[derive(Clone, Debug, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
pub struct HttpNodeSection {
    /// What every node has.
    #[serde(flatten)]
    pub head: NodeHeadSection,
    /// The method of its requests.
    pub method: HttpMethod,
    /// What stands behind the server's path.
    #[schemars(length(min = 1, max = 512), extend("format" = "http-path"))]
    pub route: String,
}

/// A route of an HTTP server, ready to be served.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpNode {
    /// What every node has.
    pub head: NodeHead,
    /// The method of its requests.
    pub method: HttpMethod,
    /// The whole path of its requests, such as `/data/FlowSync/example3`: compared without regard
    /// to case, and the same with or without a `/` at its end.
    pub path: String,
}

impl HttpNodeSection {
    /// The node that is meant.
    #[must_use]
    pub fn resolve(self, id: &str, server: &HttpServer, topic: String) -> HttpNode {
        let usual = match self.method {
            HttpMethod::Get => Operation::ServerProvides,
            HttpMethod::Post | HttpMethod::Put => Operation::ServerReceives,
        };
        HttpNode {
            path: join_path(&server.path, &self.route),
            head: self.head.resolve(id, &server.id, topic, usual),
            method: self.method,
        }
    }
}
