//! The broker's questions to the gate: who comes, what he publishes, what he subscribes to.

use std::collections::HashMap;
use std::future::{Future, ready};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use mainstem_model::{Topic, TopicFilter, TopicRights};
use mqtt5::broker::DynamicStorage;
use mqtt5::broker::auth::{AuthProvider, AuthResult};
use mqtt5::broker::storage::StorageBackend;
use mqtt5::packet::connect::ConnectPacket;
use mqtt5::protocol::v5::reason_codes::ReasonCode;
use parking_lot::RwLock;

use super::census::Census;
use super::counters::Counters;
use super::gate::{Breach, Gate, Login, NotAdmitted, Refused};
use super::limits::{CLIENT_ID_BYTES_MAX, OWN_CLIENTS, RIGHTS_AGE};

/// Principals whose rights are remembered for [`RIGHTS_AGE`]; beyond them all are asked anew.
const REMEMBERED_MAX: usize = 4096;

type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a principal may do, and when it was so.
type Remembered = (Instant, Option<Arc<TopicRights>>);

/// Lets clients in and says what they may do.
pub(super) struct Door {
    gate: Arc<dyn Gate>,
    counters: Arc<Counters>,
    storage: Arc<DynamicStorage>,
    census: Arc<Census>,
    remembered: RwLock<HashMap<Arc<str>, Remembered>>,
}

impl Door {
    pub(super) fn new(
        gate: Arc<dyn Gate>,
        counters: Arc<Counters>,
        storage: Arc<DynamicStorage>,
        census: &Arc<Census>,
    ) -> Self {
        Self {
            gate,
            counters,
            storage,
            census: Arc::clone(census),
            remembered: RwLock::default(),
        }
    }

    /// What a principal may do, as it was a moment ago at the latest.
    pub(super) fn rights(&self, principal: &str) -> Option<Arc<TopicRights>> {
        let now = Instant::now();
        if let Some((at, rights)) = self.remembered.read().get(principal)
            && now.duration_since(*at) < RIGHTS_AGE
        {
            return rights.clone();
        }
        let rights = self.gate.rights(principal);
        let mut remembered = self.remembered.write();
        if remembered.len() >= REMEMBERED_MAX {
            remembered.clear();
        }
        remembered.insert(principal.into(), (now, rights.clone()));
        rights
    }

    /// Who comes, or why he is not let in.
    async fn admit(&self, connect: &ConnectPacket, address: SocketAddr) -> Result<String, Breach> {
        let client = connect.client_id.as_str();
        let is_odd = client.len() > CLIENT_ID_BYTES_MAX
            || client.starts_with(OWN_CLIENTS)
            || client
                .chars()
                .any(|c| c.is_control() || c == '/' || c == '\\')
            || matches!(client, "." | "..");
        if is_odd {
            return Err(Breach::ClientId);
        }
        let login = Login {
            user: connect.username.as_deref(),
            password: connect.password.as_deref(),
            address,
        };
        let guest = self.gate.admit(&login).map_err(|why| match why {
            NotAdmitted::Unknown => Breach::Login,
            NotAdmitted::Throttled => Breach::Throttled,
        })?;
        // The broker itself looks only when the session is to be resumed; a clean start would
        // throw another principal's session away.
        let stored = self.storage.get_session(client).await.ok().flatten();
        let owner = stored.and_then(|session| session.user_id);
        if owner.is_some_and(|owner| *owner != *guest.name) {
            return Err(Breach::Stolen);
        }
        match self.has_room_for(client).await {
            true => Ok(guest.name.to_string()),
            false => Err(Breach::Sessions),
        }
    }

    /// Whether a client may have a session. Those that ended with their connection are found out
    /// when it matters.
    async fn has_room_for(&self, client: &str) -> bool {
        if self.census.has_room_for(client) {
            return true;
        }
        if let Ok(ids) = self.storage.session_client_ids().await {
            self.census.set_sessions(ids);
        }
        self.census.has_room_for(client)
    }

    fn refuse(
        &self,
        client: &str,
        principal: Option<&str>,
        address: Option<SocketAddr>,
        breach: Breach,
    ) {
        let end = client.floor_char_boundary(CLIENT_ID_BYTES_MAX);
        self.counters.refuse(&Refused {
            principal: principal.map(Arc::from),
            address,
            client: client[..end].to_owned(),
            breach,
        });
    }

    fn may_publish(&self, user: Option<&str>, topic: &str) -> bool {
        // The broker writes what it says of itself by another way.
        let topic = Topic::new(topic).ok();
        let topic = topic.filter(|topic| !topic.as_str().starts_with('$'));
        let rights = user.and_then(|user| self.rights(user));
        let both = topic.zip(rights);
        both.is_some_and(|(topic, rights)| rights.publish.allows(&topic))
    }

    fn may_subscribe(&self, user: Option<&str>, filter: &str) -> bool {
        let filter = TopicFilter::new(filter).ok();
        let rights = user.and_then(|user| self.rights(user));
        let both = filter.zip(rights);
        both.is_some_and(|(filter, rights)| rights.subscribe.covers(&filter))
    }
}

fn code(breach: &Breach) -> ReasonCode {
    match breach {
        Breach::ClientId => ReasonCode::ClientIdentifierNotValid,
        Breach::Stolen => ReasonCode::NotAuthorized,
        Breach::Sessions => ReasonCode::QuotaExceeded,
        Breach::Throttled => ReasonCode::ConnectionRateExceeded,
        _ => ReasonCode::BadUsernameOrPassword,
    }
}

/// As much of a text as is worth telling.
fn cut(text: &str) -> String {
    text[..text.floor_char_boundary(256)].to_owned()
}

impl AuthProvider for Door {
    fn authenticate<'a>(
        &'a self,
        connect: &'a ConnectPacket,
        address: SocketAddr,
    ) -> Later<'a, mqtt5::Result<AuthResult>> {
        Box::pin(async move {
            Ok(match self.admit(connect, address).await {
                Ok(name) => AuthResult::success_with_user(name),
                Err(breach) => {
                    let code = code(&breach);
                    let user = connect.username.as_deref().map(cut);
                    let client = &connect.client_id;
                    self.refuse(client, user.as_deref(), Some(address), breach);
                    AuthResult::fail(code)
                }
            })
        })
    }

    fn authorize_publish<'a>(
        &'a self,
        client: &str,
        user: Option<&'a str>,
        topic: &'a str,
    ) -> Later<'a, bool> {
        let may = self.may_publish(user, topic);
        if !may {
            self.refuse(client, user, None, Breach::Publish(cut(topic)));
        }
        Box::pin(ready(may))
    }

    fn authorize_subscribe<'a>(
        &'a self,
        client: &str,
        user: Option<&'a str>,
        filter: &'a str,
    ) -> Later<'a, bool> {
        let may = self.may_subscribe(user, filter);
        if !may {
            self.refuse(client, user, None, Breach::Subscribe(cut(filter)));
        }
        Box::pin(ready(may))
    }
}
