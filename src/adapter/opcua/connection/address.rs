//! Where the server is, or the servers of a redundant set.

use mainstem_adapter::Problem;

use super::ConnectionConfig;

/// The port that IANA gave to OPC UA.
const PORT: u16 = 4840;
/// Servers of a redundant set: each of them costs a session.
const SERVERS_MAX: usize = 8;

impl ConnectionConfig {
    /// The URLs of all servers, the first one first.
    pub(super) fn urls(&self, problems: &mut Vec<Problem>) -> Option<Vec<String>> {
        let mut wrong = |pointer: &str, message: &str, expected: &str| {
            problems.push(Problem::new(pointer, message, expected));
            None
        };
        let given = [
            self.endpoints.as_ref().map(|_| "endpoints"),
            self.endpoint_url.as_ref().map(|_| "endpointUrl"),
            self.host.as_ref().map(|_| "host"),
        ];
        let mut given = given.into_iter().flatten();
        let Some(first) = given.next() else {
            return wrong(
                "/connection/host",
                "the server is missing",
                "host, endpointUrl or endpoints",
            );
        };
        if let Some(other) = given.next() {
            let message = format!("{first} and {other} exclude each other");
            return wrong(&format!("/connection/{first}"), &message, "one of the two");
        }
        if let Some(host) = &self.host {
            return match is_host(host) {
                true => Some(vec![format!(
                    "opc.tcp://{host}:{}/",
                    self.port.unwrap_or(PORT)
                )]),
                false => wrong(
                    "/connection/host",
                    "this is no host",
                    "a name or an IP address, no URL",
                ),
            };
        }
        if self.port.is_some() {
            let message = format!("the port belongs into {first}");
            return wrong("/connection/port", &message, "no port here");
        }
        match (&self.endpoints, &self.endpoint_url) {
            (Some(urls), _) => redundant(urls, problems),
            (None, Some(url)) if is_url(url) => Some(vec![url.clone()]),
            _ => wrong("/connection/endpointUrl", NO_URL, URL),
        }
    }
}

const NO_URL: &str = "this is no URL of an OPC UA server";
const URL: &str = "opc.tcp://host:4840/path";

fn redundant(urls: &[String], problems: &mut Vec<Problem>) -> Option<Vec<String>> {
    let before = problems.len();
    for (index, url) in urls.iter().enumerate() {
        let pointer = format!("/connection/endpoints/{index}");
        if !is_url(url) {
            problems.push(Problem::new(pointer, NO_URL, URL));
        } else if urls[..index].contains(url) {
            let message = "this server stands in the list already";
            problems.push(Problem::new(pointer, message, "each server once"));
        }
    }
    if !(2..=SERVERS_MAX).contains(&urls.len()) {
        let message = format!("{} servers are no redundant set", urls.len());
        let expected = format!("2 to {SERVERS_MAX} URLs, or endpointUrl for one server");
        problems.push(Problem::new("/connection/endpoints", message, expected));
    }
    (problems.len() == before).then(|| urls.to_vec())
}

fn is_url(url: &str) -> bool {
    let rest = url.strip_prefix("opc.tcp://");
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', ':']))
}

fn is_host(host: &str) -> bool {
    !host.is_empty()
        && host.len() <= 255
        && !host.contains(|c: char| c.is_whitespace() || c.is_control() || "/?#@".contains(c))
}
