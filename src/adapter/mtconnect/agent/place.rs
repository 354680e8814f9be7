//! The addresses of an agent's answers. Pure.

use reqwest::Url;

use super::config::ConnectionConfig;

/// Where an agent is.
#[derive(Clone, Debug)]
pub(super) struct Place {
    base: Url,
    device: Option<String>,
}

impl Place {
    pub(super) fn new(config: &ConnectionConfig) -> Result<Self, String> {
        let scheme = if config.tls.is_some() {
            "https"
        } else {
            "http"
        };
        // An IPv6 address stands in brackets.
        let host = match config.host.contains(':') && !config.host.starts_with('[') {
            true => format!("[{}]", config.host),
            false => config.host.clone(),
        };
        let prefix = config.prefix.trim_matches('/');
        let text = format!("{scheme}://{host}:{}/{prefix}", config.port);
        let base = Url::parse(&text).map_err(|error| format!("`{text}`: {error}"))?;
        match base.cannot_be_a_base() || base.host_str().is_none() {
            true => Err(format!("`{text}` is no address")),
            false => Ok(Self {
                base,
                device: config.device.clone(),
            }),
        }
    }

    /// An answer's address, of the one device if there is one.
    pub(super) fn of(&self, request: &str, query: &[(&str, String)]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(self.device.iter()).push(request);
        }
        if !query.is_empty() {
            let mut pairs = url.query_pairs_mut();
            for (key, value) in query {
                pairs.append_pair(key, value);
            }
        }
        url
    }

    /// For messages.
    pub(super) fn text(&self) -> String {
        self.base.to_string()
    }
}
