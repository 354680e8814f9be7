//! Who comes: the user name is the name of a token, the password its text. Rights are those of the
//! token's role, looked at again while the session lasts.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use mainstem_model::Clock;
use mainstem_security::{AddressList, Audit, AuditRecord, Principal, Roles, Tokens};
use opcua::crypto::SecurityPolicy;
use opcua::server::authenticator::{
    AuthManager, Password, UserToken, user_pass_security_policy_id,
};
use opcua::server::{ANONYMOUS_USER_TOKEN_ID, ServerEndpoint};
use opcua::types::{Error, StatusCode, UAString, UserTokenPolicy, UserTokenType};
use parking_lot::{Mutex, RwLock};
use tokio::time::Instant;

use crate::gate::{Peers, Refused};
use crate::limits::{LOGIN_DELAY_MAX, USER_LOOK_INTERVAL, USERS_MAX};

/// What the library calls the policy of those without a name.
const ANONYMOUS_POLICY: &str = "anonymous";
/// The role of those without a name, where they are let in.
const ANONYMOUS_ROLE: &str = "viewer";
/// Bytes of a password that are looked at, as at the HTTPS server.
const PASSWORD_BYTES_MAX: usize = 512;
/// The delay of the answer to a first wrong password; it doubles with each.
const LOGIN_DELAY_MIN: Duration = Duration::from_millis(250);
/// After so long without a wrong password the delays begin anew.
const FORGIVEN_AFTER: Duration = Duration::from_secs(60);

/// Those who have come.
pub(crate) struct Users {
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) roles: RwLock<Arc<Roles>>,
    pub(crate) audit: Arc<Audit>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) peers: Arc<Peers>,
    pub(crate) refused: Refused,
    pub(crate) known: Mutex<HashMap<String, Known>>,
    pub(crate) failures: Mutex<(u32, Option<Instant>)>,
    /// Goes on with each change of somebody's rights.
    pub(crate) generation: AtomicU64,
}

/// Somebody with his rights.
pub(crate) struct Known {
    principal: Arc<Principal>,
    looked: Instant,
}

impl Users {
    /// The rights of a session's user; nothing once he has lost them.
    pub(crate) fn principal(&self, user: &UserToken) -> Option<Arc<Principal>> {
        let mut known = self.known.lock();
        let entry = known.get_mut(&user.0)?;
        if entry.looked.elapsed() >= USER_LOOK_INTERVAL {
            let now = self.look_again(&entry.principal, user.is_anonymous());
            let Some(now) = now else {
                known.remove(&user.0);
                self.generation.fetch_add(1, Ordering::Relaxed);
                return None;
            };
            if *now.rights != *entry.principal.rights {
                self.generation.fetch_add(1, Ordering::Relaxed);
            }
            *entry = Known {
                principal: now,
                looked: Instant::now(),
            };
        }
        Some(Arc::clone(&entry.principal))
    }

    /// Takes over changed roles.
    pub(crate) fn set_roles(&self, roles: Arc<Roles>) {
        *self.roles.write() = roles;
        let long_ago = Instant::now().checked_sub(USER_LOOK_INTERVAL);
        for known in self.known.lock().values_mut() {
            known.looked = long_ago.unwrap_or(known.looked);
        }
        self.generation.fetch_add(1, Ordering::Relaxed);
    }

    fn look_again(&self, before: &Principal, is_anonymous: bool) -> Option<Arc<Principal>> {
        if is_anonymous {
            return self.anonymous().map(Arc::new);
        }
        let now = self.clock.now();
        let tokens = self.tokens.list();
        let token = tokens.into_iter().find(|token| {
            token.name == before.name && token.expires.is_none_or(|expires| now < expires)
        })?;
        let rights = self.roles.read().get(&token.role)?;
        Some(Arc::new(Principal {
            name: token.name,
            role: token.role,
            rights,
            provide: None,
            from: token.from,
        }))
    }

    fn anonymous(&self) -> Option<Principal> {
        Some(Principal {
            name: "anonymous".to_owned(),
            role: ANONYMOUS_ROLE.to_owned(),
            rights: self.roles.read().get(ANONYMOUS_ROLE)?,
            provide: None,
            from: AddressList::default(),
        })
    }

    fn recognise(&self, name: &str, password: &str) -> Result<Principal, String> {
        if password.len() > PASSWORD_BYTES_MAX {
            return Err("the password is too long".to_owned());
        }
        let address = self.peers.only_address().map(Into::into);
        let verified = self.tokens.verify(password, address);
        let principal = verified.map_err(|refusal| refusal.to_string())?.principal;
        if principal.name != name {
            return Err("the token is somebody else's".to_owned());
        }
        // Behind the encryption nobody can tell who of those connected it is.
        if !self.peers.all(|ip| principal.may_come_from(ip)) {
            return Err("somebody is connected from where this token may not come".to_owned());
        }
        Ok(principal)
    }

    fn remember(&self, key: &str, principal: Principal) -> Result<UserToken, Error> {
        let mut known = self.known.lock();
        if known.len() >= USERS_MAX && !known.contains_key(key) {
            return Err(rejected("too many users"));
        }
        let entry = Known {
            principal: Arc::new(principal),
            looked: Instant::now(),
        };
        known.insert(key.to_owned(), entry);
        Ok(UserToken(key.to_owned()))
    }

    fn tell(&self, name: &str, outcome: &str, detail: &str) {
        self.audit.record(AuditRecord {
            at: self.clock.now(),
            principal: name.chars().take(128).collect(),
            address: self.peers.only_address().map(|ip| ip.to_string()),
            action: "login".to_owned(),
            target: "opcua-server".to_owned(),
            outcome: outcome.to_owned(),
            detail: detail.to_owned(),
        });
    }

    /// For how long the answer to a wrong password is kept back.
    fn delay(&self) -> Duration {
        let mut failures = self.failures.lock();
        let (count, last) = &mut *failures;
        if last.is_none_or(|last| last.elapsed() > FORGIVEN_AFTER) {
            *count = 0;
        }
        *last = Some(Instant::now());
        let delay = LOGIN_DELAY_MIN.saturating_mul(1_u32 << (*count).min(16));
        *count = count.saturating_add(1);
        delay.min(LOGIN_DELAY_MAX)
    }
}

fn rejected(why: &str) -> Error {
    Error::new(StatusCode::BadIdentityTokenRejected, why)
}

/// The library's view of the users.
pub(crate) struct Logins(pub(crate) Arc<Users>);

#[async_trait]
impl AuthManager for Logins {
    async fn authenticate_anonymous_token(&self, endpoint: &ServerEndpoint) -> Result<(), Error> {
        let may_come = endpoint.user_token_ids.contains(ANONYMOUS_USER_TOKEN_ID);
        match self.0.anonymous() {
            Some(principal) if may_come => self
                .0
                .remember(ANONYMOUS_USER_TOKEN_ID, principal)
                .map(|_| ()),
            _ => Err(rejected("a user name is needed")),
        }
    }

    async fn authenticate_username_identity_token(
        &self,
        _endpoint: &ServerEndpoint,
        username: &str,
        password: &Password,
    ) -> Result<UserToken, Error> {
        match self.0.recognise(username, password.get()) {
            Ok(principal) => {
                self.0
                    .tell(username, "accepted", &format!("role {}", principal.role));
                self.0.remember(username, principal)
            }
            Err(why) => {
                self.0.refused.count("login");
                self.0.tell(username, "denied", &why);
                // Only this client waits: it has a connection of its own.
                tokio::time::sleep(self.0.delay()).await;
                Err(rejected("user name or password is wrong"))
            }
        }
    }

    fn user_token_policies(&self, endpoint: &ServerEndpoint) -> Vec<UserTokenPolicy> {
        let policy = |id: UAString, token_type, uri: UAString| UserTokenPolicy {
            policy_id: id,
            token_type,
            issued_token_type: UAString::null(),
            issuer_endpoint_url: UAString::null(),
            security_policy_uri: uri,
        };
        // A password is encrypted by itself, so that it is safe on a channel without security too.
        let secret = match endpoint.password_security_policy() {
            SecurityPolicy::None => UAString::null(),
            secret => UAString::from(secret.to_uri()),
        };
        let name = user_pass_security_policy_id(endpoint);
        let mut policies = vec![policy(name, UserTokenType::UserName, secret)];
        if endpoint.user_token_ids.contains(ANONYMOUS_USER_TOKEN_ID) {
            let anonymous = UAString::from(ANONYMOUS_POLICY);
            policies.push(policy(
                anonymous,
                UserTokenType::Anonymous,
                UAString::null(),
            ));
        }
        policies
    }
}
