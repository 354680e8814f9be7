//! UDP ports. Connections that name the same local port share it: whoever waits for a datagram
//! hands it to the one that it is for, so there is no task, and nobody who is slow holds others up.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use tokio::sync::mpsc;

use crate::codec::network::{self, DATAGRAM_MAX, Datagram, Station};
use crate::codec::service::I_AM;

/// Datagrams that may wait for one connection; what comes beyond is as lost as on the wire.
const WAITING_MAX: usize = 64;
/// Connections that may share one port.
const SEATS_MAX: usize = 1_024;

/// Ports with a number of their own, for as long as somebody uses them.
static SHARED: Mutex<BTreeMap<Place, Weak<Port>>> = Mutex::new(BTreeMap::new());

/// Where a port is: interface and number.
pub(crate) type Place = (Option<String>, u16);

/// A device: its address, and where it is behind the router there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddrV4,
    pub(crate) station: Option<Station>,
}

/// What has arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// A message, from whom, and its datagram.
    Message { from: Peer, apdu: Vec<u8> },
    /// A BBMD has answered.
    Result(u16),
    /// The router cannot reach the network.
    Unreachable,
    /// Something that is not for anybody here.
    Foreign,
    /// Something that is no BACnet.
    Malformed,
}

/// A socket and those who use it.
pub(crate) struct Port {
    socket: UdpSocket,
    seats: Mutex<Seats>,
}

#[derive(Default)]
struct Seats {
    next: u64,
    taken: Vec<Taken>,
}

struct Taken {
    number: u64,
    interest: Interest,
    arrivals: mpsc::Sender<Heard>,
}

/// What a connection wants to hear.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interest {
    /// Messages of this device.
    pub(crate) peer: Option<Peer>,
    /// Who says that he is there.
    pub(crate) searching: bool,
    /// Answers of this BBMD.
    pub(crate) bbmd: Option<SocketAddrV4>,
}

impl Port {
    /// Opens a port, or joins those who have it open; 0 is always a new one.
    pub(crate) fn open(place: &Place) -> io::Result<Arc<Self>> {
        if place.1 == 0 {
            return Self::bind(place).map(Arc::new);
        }
        let mut shared = SHARED.lock();
        if let Some(port) = shared.get(place).and_then(Weak::upgrade) {
            return Ok(port);
        }
        shared.retain(|_, port| port.strong_count() > 0);
        let port = Arc::new(Self::bind(place)?);
        shared.insert(place.clone(), Arc::downgrade(&port));
        Ok(port)
    }

    fn bind(place: &Place) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_nonblocking(true)?;
        socket.set_broadcast(true)?;
        let interface = place.0.as_deref();
        let ip = interface.and_then(|text| text.parse::<Ipv4Addr>().ok());
        if let (Some(name), None) = (interface, ip) {
            socket.bind_device(Some(name.as_bytes()))?;
        }
        let address = SocketAddrV4::new(ip.unwrap_or(Ipv4Addr::UNSPECIFIED), place.1);
        socket.bind(&SocketAddr::V4(address).into())?;
        Ok(Self {
            socket: UdpSocket::from_std(socket.into())?,
            seats: Mutex::default(),
        })
    }

    /// A seat at this port, or `None` where all of them are taken.
    pub(crate) fn sit(self: &Arc<Self>) -> Option<Seat> {
        let (arrivals, waiting) = mpsc::channel(WAITING_MAX);
        let mut seats = self.seats.lock();
        if seats.taken.len() == SEATS_MAX {
            return None;
        }
        seats.next += 1;
        let number = seats.next;
        seats.taken.push(Taken {
            number,
            interest: Interest::default(),
            arrivals,
        });
        drop(seats);
        Some(Seat {
            port: Arc::clone(self),
            number,
            waiting,
            buffer: vec![0; DATAGRAM_MAX + 1],
        })
    }

    /// Gives a datagram to those whom it is for. Says what it is to whoever read it, if to nobody.
    fn hand_out(&self, from: SocketAddrV4, datagram: &[u8]) -> Option<Heard> {
        if datagram.len() > DATAGRAM_MAX {
            return Some(Heard::Malformed);
        }
        let (heard, to) = match network::unwrap(datagram) {
            Err(_) => return Some(Heard::Malformed),
            Ok(Datagram::Other) => return None,
            Ok(Datagram::Result(code)) => (Heard::Result(code), To::Bbmd(from)),
            Ok(Datagram::Unreachable { network }) => {
                (Heard::Unreachable, To::Behind(from, network))
            }
            Ok(Datagram::Message {
                origin,
                station,
                apdu,
            }) => {
                let address = origin.unwrap_or(from);
                let from = Peer { address, station };
                let apdu = apdu.to_vec();
                (
                    Heard::Message {
                        from: from.clone(),
                        apdu,
                    },
                    To::Of(from),
                )
            }
        };
        let is_i_am =
            matches!(&heard, Heard::Message { apdu, .. } if apdu.starts_with(&[0x10, I_AM]));
        let mut anybody = false;
        for taken in &self.seats.lock().taken {
            let wants = match &to {
                To::Bbmd(address) => taken.interest.bbmd == Some(*address),
                To::Behind(address, network) => taken.interest.is_behind(*address, *network),
                To::Of(peer) => {
                    taken.interest.peer.as_ref() == Some(peer)
                        || (is_i_am && taken.interest.searching)
                }
            };
            if wants {
                anybody = true;
                // Without room it is lost, as it would be on the wire.
                drop(taken.arrivals.try_send(heard.clone()));
            }
        }
        // I-Ams and other broadcasts are for everybody; nobody has to want them.
        let is_told = matches!(&heard, Heard::Message { apdu, .. } if apdu.first() == Some(&0x10));
        (!anybody && !is_told).then_some(Heard::Foreign)
    }
}

enum To {
    Of(Peer),
    Bbmd(SocketAddrV4),
    Behind(SocketAddrV4, u16),
}

impl Interest {
    fn is_behind(&self, router: SocketAddrV4, network: u16) -> bool {
        let Some(peer) = &self.peer else {
            return false;
        };
        let station = peer.station.as_ref();
        peer.address == router && station.is_some_and(|station| station.network == network)
    }
}

/// One connection's place at a port. Given up by being dropped.
pub(crate) struct Seat {
    port: Arc<Port>,
    number: u64,
    waiting: mpsc::Receiver<Heard>,
    buffer: Vec<u8>,
}

impl Seat {
    /// Says what is wanted from now on. `false` where another connection has this device already,
    /// for answers could not be told apart.
    pub(crate) fn want(&self, interest: Interest) -> bool {
        let mut seats = self.port.seats.lock();
        let is_other = |taken: &Taken| {
            taken.number != self.number
                && interest.peer.is_some()
                && taken.interest.peer == interest.peer
        };
        if seats.taken.iter().any(is_other) {
            return false;
        }
        let own = seats
            .taken
            .iter_mut()
            .find(|taken| taken.number == self.number);
        if let Some(own) = own {
            own.interest = interest;
        }
        true
    }

    /// Sends a datagram.
    pub(crate) async fn send(&self, to: SocketAddrV4, datagram: &[u8]) -> io::Result<()> {
        let sent = self.port.socket.send_to(datagram, to).await?;
        match sent == datagram.len() {
            true => Ok(()),
            false => Err(io::ErrorKind::WriteZero.into()),
        }
    }

    /// Sends a datagram if there is room for it at once.
    pub(crate) fn send_now(&self, to: SocketAddrV4, datagram: &[u8]) {
        // Only for what may get lost.
        drop(self.port.socket.try_send_to(datagram, SocketAddr::V4(to)));
    }

    /// The next thing for this connection. Cancel safe.
    pub(crate) async fn receive(&mut self) -> io::Result<Heard> {
        loop {
            let (length, from) = tokio::select! {
                biased;
                Some(heard) = self.waiting.recv() => return Ok(heard),
                read = self.port.socket.recv_from(&mut self.buffer) => read?,
            };
            let SocketAddr::V4(from) = from else {
                continue;
            };
            if let Some(heard) = self.port.hand_out(from, &self.buffer[..length]) {
                return Ok(heard);
            }
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = self.port.seats.lock();
        seats.taken.retain(|taken| taken.number != self.number);
    }
}
