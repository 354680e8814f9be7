//! A connection through an HTTP proxy: `CONNECT`, and from then on it only carries bytes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

use super::tcp::{TcpWay, authority, connect};
use super::{DialError, Reached, Reaching, Way};
use crate::config::ProxyAddress;

/// Bytes of the head of a proxy's answer.
const HEAD_BYTES_MAX: usize = 8 * 1024;
/// Characters of a proxy's answer that are shown.
const SHOWN_MAX: usize = 120;
/// Answers that stay the same until somebody changes something: this is not allowed, or not to us.
const FINAL: [u16; 4] = [401, 403, 405, 407];

/// To a host through a proxy, which also resolves its name.
pub struct ProxyWay {
    /// The proxy.
    pub proxy: ProxyAddress,
    /// Where it is to connect to.
    pub target: TcpWay,
}

impl Way for ProxyWay {
    fn reach(&self) -> Reaching<'_> {
        Box::pin(self.through())
    }

    fn address(&self) -> String {
        self.target.address()
    }
}

impl ProxyWay {
    async fn through(&self) -> Result<Reached, DialError> {
        let (mut socket, from) = connect(&self.proxy.host, self.proxy.port).await?;
        let broken = |source| DialError::Connect {
            address: format!("{} through the proxy {}", self.address(), self.proxy),
            source,
        };
        let request = self.request();
        socket.write_all(request.as_bytes()).await.map_err(broken)?;
        let line = status_line(&mut socket).await.map_err(broken)?;
        let code = line
            .split_whitespace()
            .nth(1)
            .and_then(|code| code.parse::<u16>().ok());
        match code {
            Some(200..=299) if line.starts_with("HTTP/1.") => Ok((Box::new(socket), from)),
            code => Err(DialError::Proxy {
                proxy: self.proxy.to_string(),
                address: self.address(),
                answer: shown(&line),
                is_final: code.is_none_or(|code| FINAL.contains(&code)),
            }),
        }
    }

    fn request(&self) -> String {
        let target = authority(&self.target.host, self.target.port);
        let login = self
            .proxy
            .credentials
            .as_ref()
            .map_or(String::new(), |login| {
                let login = STANDARD.encode(login.expose());
                format!("Proxy-Authorization: Basic {login}\r\n")
            });
        format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{login}\r\n")
    }
}

/// The first line of an answer, read to the end of its head and not a byte further: what follows
/// belongs to the remote.
async fn status_line(socket: &mut (impl AsyncRead + Unpin)) -> std::io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= HEAD_BYTES_MAX {
            let why = "its answer has too long a head: it is no HTTP proxy";
            return Err(std::io::Error::other(why));
        }
        head.push(socket.read_u8().await?);
    }
    let text = String::from_utf8_lossy(&head);
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// What a proxy said, without the version in front.
fn shown(line: &str) -> String {
    let said = line.split_once(' ').map_or(line, |(_, said)| said);
    said.chars()
        .filter(|c| !c.is_control())
        .take(SHOWN_MAX)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(proxy: &str) -> ProxyWay {
        ProxyWay {
            proxy: proxy.parse().unwrap(),
            target: TcpWay {
                host: "::1".into(),
                port: 8443,
            },
        }
    }

    #[test]
    fn the_password_is_sent_and_never_shown() {
        let way = way("http://user:p%40ss@proxy:3128");
        let request = way.request();
        assert!(request.starts_with("CONNECT [::1]:8443 HTTP/1.1\r\n"));
        let login = STANDARD.encode("user:p@ss");
        assert!(
            request.contains(&format!("Basic {login}\r\n\r\n")),
            "{request}"
        );
        assert_eq!(way.proxy.to_string(), "http://proxy:3128");
        assert!(!format!("{:?}", way.proxy).contains("p@ss"));
    }

    #[tokio::test]
    async fn a_head_is_read_to_its_end_and_no_further() {
        let mut answer: &[u8] = b"HTTP/1.1 200 OK\r\nVia: x\r\n\r\n\x16\x03";
        assert_eq!(status_line(&mut answer).await.unwrap(), "HTTP/1.1 200 OK");
        assert_eq!(answer, b"\x16\x03");
        let endless = vec![b'x'; HEAD_BYTES_MAX + 1];
        assert!(status_line(&mut &*endless).await.is_err());
        assert!(status_line(&mut &b"HTTP/1.1 200"[..]).await.is_err());
    }
}
