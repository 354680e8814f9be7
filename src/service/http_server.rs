//! `Server::Http`: a part of the paths below `/data`.

use crate::TargetState;

/// A server whose nodes answer below `/data/<basePath>` of the node's own HTTPS address.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct HttpServerSection {
    /// What stands between `/data` and the routes of its nodes.
    #[schemars(length(max = 512), extend("format" = "http-path"))]
    pub base_path: String,
    /// The largest body of a request, in bytes.
    #[schemars(range(min = 1, max = 512_000))]
    pub request_max_body_size: u32,
    /// Whether it is to work.
    pub target_state: TargetState,
}

impl Default for HttpServerSection {
    fn default() -> Self {
        Self {
            base_path: String::new(),
            request_max_body_size: 100_000,
            target_state: TargetState::Enabled,
        }
    }
}

/// A server of HTTP nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpServer {
    /// Its resource id.
    pub id: String,
    /// What every path of it begins with: `/data`, or `/data/<basePath>`. No `/` at the end.
    pub path: String,
    /// The largest body of a request, in bytes.
    pub request_max_body_size: usize,
    /// Whether it is to work.
    pub target_state: TargetState,
}

impl HttpServerSection {
    /// The server that is meant.
    #[must_use]
    pub fn resolve(self, id: &str) -> HttpServer {
        HttpServer {
            id: id.to_owned(),
            path: join_path("/data", &self.base_path),
            request_max_body_size: self.request_max_body_size as usize,
            target_state: self.target_state,
        }
    }
}

/// A path below another, each level once: no empty levels, no `/` at the end.
pub(crate) fn join_path(above: &str, below: &str) -> String {
    let levels = below.split('/').filter(|level| !level.is_empty());
    levels.fold(above.to_owned(), |mut path, level| {
        path.push('/');
        path.push_str(level);
        path
    })
}

#[cfg(test)]
mod tests {
    use super::join_path;

    #[test]
    fn paths_have_no_empty_levels() {
        assert_eq!(join_path("/data", ""), "/data");
        assert_eq!(join_path("/data", "/"), "/data");
        assert_eq!(join_path("/data", "/FlowSync/"), "/data/FlowSync");
        assert_eq!(join_path("/data", "a//b"), "/data/a/b");
    }
}
