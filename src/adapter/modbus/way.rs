//! The way to a device: TCP, TLS, RTU frames over TCP, or RTU on a serial line.

use std::fmt::Debug;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mainstem_adapter::{SessionEnd, TlsSection, Trace, Traced};
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_modbus::client::{Context, rtu, tcp};
use tokio_modbus::prelude::Slave;
use tokio_rustls::TlsConnector;
use tokio_serial::{ClearBuffer, SerialPort as _, SerialPortBuilderExt as _, SerialStream};

use crate::config::{ConnectionConfig, Parity, Transport};
use crate::frame_text;

/// The silence that ends an RTU frame, in characters (*Modbus over Serial Line* V1.02, 2.5.1.1).
const SILENCE_CHARACTERS: f64 = 3.5;
/// … and what it is at the least, which fast lines use.
const SILENCE_MIN: Duration = Duration::from_micros(1750);

/// Where the device is, and how to get there.
pub(crate) struct Way {
    config: ConnectionConfig,
    /// The folder that files are relative to.
    home: PathBuf,
    /// Where frames are told.
    trace: Trace,
}

impl Way {
    pub(crate) fn new(config: &ConnectionConfig, home: &Path, trace: &Trace) -> Self {
        Self {
            config: config.clone(),
            home: home.to_owned(),
            trace: trace.clone(),
        }
    }

    /// The place, for messages.
    pub(crate) fn place(&self) -> String {
        match self.config.transport {
            Transport::Rtu => self.config.device.clone(),
            _ => format!("{}:{}", self.config.host, self.config.port()),
        }
    }

    /// Whether bytes may be damaged on the way: then a frame that makes no sense is as good as
    /// none, and says nothing about the device.
    pub(crate) fn is_noisy(&self) -> bool {
        matches!(
            self.config.transport,
            Transport::Rtu | Transport::RtuOverTcp
        )
    }

    /// How long to be silent between an answer and the next request.
    pub(crate) fn gap(&self) -> Duration {
        let asked = Duration::from_millis(self.config.request_gap);
        match self.config.transport {
            Transport::Rtu => asked.max(self.frame_silence()),
            _ => asked,
        }
    }

    fn frame_silence(&self) -> Duration {
        // A start bit, eight data bits, parity or a second stop bit, and a stop bit.
        let character = 11.0 / f64::from(self.config.baud_rate.max(1));
        Duration::from_secs_f64(character * SILENCE_CHARACTERS).max(SILENCE_MIN)
    }

    /// Opens it.
    pub(crate) async fn open(&self) -> Result<Context, SessionEnd> {
        match self.config.transport {
            Transport::Tcp => Ok(self.framed(self.dial().await?)),
            Transport::RtuOverTcp => Ok(self.serial(self.dial().await?)),
            Transport::Tls => Ok(self.framed(self.secured().await?)),
            Transport::Rtu => {
                let port = self.port().map_err(|error| self.closed(&error))?;
                Ok(self.serial(port))
            }
        }
    }

    /// Frames of Modbus TCP, whatever carries them.
    fn framed<T: AsyncRead + AsyncWrite + Debug + Unpin + Send + 'static>(
        &self,
        stream: T,
    ) -> Context {
        tcp::attach(Traced::new(stream, self.trace.clone(), frame_text::tcp))
    }

    /// RTU frames, whatever carries them. The unit is set before each request.
    fn serial<T: AsyncRead + AsyncWrite + Debug + Unpin + Send + 'static>(
        &self,
        stream: T,
    ) -> Context {
        let stream = Traced::new(stream, self.trace.clone(), frame_text::serial);
        rtu::attach_slave(stream, Slave::broadcast())
    }

    async fn dial(&self) -> Result<TcpStream, SessionEnd> {
        let attempt = TcpStream::connect((self.config.host.as_str(), self.config.port()));
        let stream = match tokio::time::timeout(self.config.timeout(), attempt).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(self.refused(&error)),
            Err(_) => {
                let (place, after) = (self.place(), self.config.timeout());
                let message = format!(
                    "{place} did not accept a connection within {after:?}: check host, port, \
                     cabling and firewalls"
                );
                return Err(SessionEnd::lost("connect_timeout", message));
            }
        };
        // A request is one small segment; waiting to fill it would only add delay.
        stream
            .set_nodelay(true)
            .map_err(|error| self.refused(&error))?;
        Ok(stream)
    }

    async fn secured(&self) -> Result<tokio_rustls::client::TlsStream<TcpStream>, SessionEnd> {
        let misconfigured = |message: String| SessionEnd::Misconfigured { message };
        let none = || misconfigured("`tls` is missing".into());
        let section: &TlsSection = self.config.tls.as_ref().ok_or_else(none)?;
        // Read anew each time, so that renewed certificates count.
        let config = section.load(&self.home, &[]).map_err(misconfigured)?;
        let name = ServerName::try_from(self.config.host.clone())
            .map_err(|error| misconfigured(format!("{}: {error}", self.config.host)))?;
        let stream = self.dial().await?;
        let handshake = TlsConnector::from(config).connect(name, stream);
        let place = self.place();
        match tokio::time::timeout(self.config.timeout(), handshake).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(SessionEnd::Refused {
                code: "tls_failed",
                message: format!(
                    "no TLS with {place}: {error}: check `tls`, and that Modbus/TCP Security is \
                     what listens there"
                ),
                retry_after: None,
            }),
            Err(_) => {
                let message = format!("{place} did not finish the TLS handshake in time");
                Err(SessionEnd::lost("connect_timeout", message))
            }
        }
    }

    fn port(&self) -> io::Result<SerialStream> {
        let config = &self.config;
        let parity = match config.parity {
            Parity::None => tokio_serial::Parity::None,
            Parity::Even => tokio_serial::Parity::Even,
            Parity::Odd => tokio_serial::Parity::Odd,
        };
        let stop_bits = match config.stop_bits {
            2 => tokio_serial::StopBits::Two,
            _ => tokio_serial::StopBits::One,
        };
        let mut stream = tokio_serial::new(&config.device, config.baud_rate)
            .data_bits(tokio_serial::DataBits::Eight)
            .parity(parity)
            .stop_bits(stop_bits)
            .open_native_async()?;
        // Nobody else may speak on it meanwhile, and what is left of an old answer is no answer.
        stream.set_exclusive(true)?;
        stream.clear(ClearBuffer::All)?;
        Ok(stream)
    }

    fn closed(&self, error: &io::Error) -> SessionEnd {
        let place = self.place();
        SessionEnd::lost(
            "serial_port",
            format!(
                "the serial port {place} cannot be opened: {error}: check `device`, that this \
                 process may use it (group dialout), and that no other program has it open"
            ),
        )
    }

    fn refused(&self, error: &io::Error) -> SessionEnd {
        let place = self.place();
        let (code, advice) = match error.kind() {
            io::ErrorKind::ConnectionRefused => (
                "connection_refused",
                "nothing listens there: check the port and the device",
            ),
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
                ("unreachable", "check the address and the route to it")
            }
            // A resolver's failure has no kind of its own, but it is none of the system's errors.
            _ if error.raw_os_error().is_none() => {
                ("host_not_found", "check the name, or give an IP address")
            }
            _ => ("connect_failed", "check host and port"),
        };
        SessionEnd::lost(
            code,
            format!("cannot connect to {place}: {error}: {advice}"),
        )
    }
}
