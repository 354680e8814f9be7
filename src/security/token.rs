//! Tokens: how people, programs and concentrators show who they are.

mod error;
mod file;
mod form;
mod grant;
#[cfg(test)]
mod tests;
mod throttle;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mainstem_journal::atomic_write;
use mainstem_model::{Clock, Timestamp};
use parking_lot::{Mutex, RwLock};

use crate::AddressList;
use crate::role::{Principal, Roles};
pub use error::{Refusal, TokenError};
use file::Stored;
use form::{Hash, fresh, id_of};
pub use grant::{DeclaredToken, NewToken, TokenInfo, TokenOrigin};
pub use throttle::Address;
use throttle::Throttle;

/// Tokens in the file of one node, and as many declared in its configuration.
pub const TOKENS_MAX: usize = 1000;
/// The file in the data folder that holds the hashes of the tokens.
pub const TOKENS_FILE: &str = "tokens.json";
/// The file in the data folder that holds the first administrator's token until its first use.
pub const ADMIN_TOKEN_FILE: &str = "admin.token";

const NAME_BYTES_MAX: usize = 128;
const PRIVATE: u32 = 0o600;

/// Somebody who has shown a valid token.
#[derive(Clone, Debug)]
pub struct Verified {
    /// Who it is and what he may do.
    pub principal: Principal,
    /// Whether this was the first use of the administrator's first token; its file is gone now.
    pub first_login: bool,
}

/// The tokens of a node.
pub struct Tokens {
    path: PathBuf,
    admin_path: PathBuf,
    clock: Arc<dyn Clock>,
    state: RwLock<State>,
    /// Held while the file changes, so that readers wait for memory only.
    changing: Mutex<()>,
    last_used: Mutex<HashMap<String, Timestamp>>,
    throttle: Mutex<Throttle>,
}

struct State {
    roles: Arc<Roles>,
    stored: Vec<Stored>,
    declared: Vec<DeclaredToken>,
    /// The token whose file waits for its first use.
    first: Option<String>,
}

impl Tokens {
    /// Reads the tokens of a data folder. At the first start it makes the administrator's token
    /// and leaves it in a file that only the node's user may read.
    pub fn open(
        folder: &Path,
        roles: Arc<Roles>,
        declared: Vec<DeclaredToken>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, TokenError> {
        let (path, admin_path) = (folder.join(TOKENS_FILE), folder.join(ADMIN_TOKEN_FILE));
        let stored = match file::load(&path)? {
            Some(stored) => stored,
            None => {
                let admin = NewToken {
                    name: "admin".to_owned(),
                    role: "admin".to_owned(),
                    expires: None,
                    provide: None,
                    from: AddressList::default(),
                };
                let (token, text) = Stored::make(admin, clock.now());
                // The text first: interrupted here, the next start makes both again.
                let line = format!("{text}\n");
                atomic_write(&admin_path, line.as_bytes(), PRIVATE).map_err(|source| {
                    TokenError::Write {
                        path: admin_path.clone(),
                        source,
                    }
                })?;
                file::save(&path, std::slice::from_ref(&token))?;
                vec![token]
            }
        };
        let first = file::waiting(&admin_path)?;
        let state = RwLock::new(State {
            roles,
            stored,
            declared,
            first,
        });
        let (last_used, throttle) = (Mutex::default(), Mutex::default());
        Ok(Self {
            path,
            admin_path,
            clock,
            state,
            changing: Mutex::new(()),
            last_used,
            throttle,
        })
    }

    /// Takes over what a changed configuration declares.
    pub fn reload(&self, roles: Arc<Roles>, declared: Vec<DeclaredToken>) {
        let mut state = self.state.write();
        state.roles = roles;
        state.declared = declared;
        let known = |id: &str| {
            state.stored.iter().any(|token| token.id == id)
                || state.declared.iter().any(|declared| declared.id() == id)
        };
        self.last_used.lock().retain(|id, _| known(id));
    }

    /// Makes a token. The text is returned once and kept nowhere.
    pub fn create(&self, new: &NewToken) -> Result<(TokenInfo, String), TokenError> {
        let _changing = self.changing.lock();
        let mut next = self.state.read().acceptable(new)?;
        let (mut token, mut text) = Stored::make(new.clone(), self.clock.now());
        while next.iter().any(|known| known.id == token.id) {
            (token, text) = Stored::make(new.clone(), self.clock.now());
        }
        let info = self.info(&token);
        next.push(token);
        file::save(&self.path, &next)?;
        self.state.write().stored = next;
        Ok((info, text))
    }

    /// Every token, those of the configuration last.
    pub fn list(&self) -> Vec<TokenInfo> {
        let state = self.state.read();
        let stored = state.stored.iter().map(|token| self.info(token));
        let declared = state
            .declared
            .iter()
            .map(|declared| self.declared_info(declared));
        stored.chain(declared).collect()
    }

    /// Voids a token; `false` if the node made none with this id.
    pub fn revoke(&self, id: &str) -> Result<bool, TokenError> {
        let _changing = self.changing.lock();
        let mut next = self.state.read().stored.clone();
        let before = next.len();
        next.retain(|token| token.id != id);
        if next.len() == before {
            return Ok(false);
        }
        file::save(&self.path, &next)?;
        self.state.write().stored = next;
        self.last_used.lock().remove(id);
        Ok(true)
    }

    /// Says who holds a token. Failures are counted by address, and too many of them answered
    /// with [`Refusal::Throttled`]; a valid token is never refused for its neighbours' failures,
    /// and local callers, who have no address, are never throttled.
    pub fn verify(&self, text: &str, address: Option<Address>) -> Result<Verified, Refusal> {
        match self.recognise(text) {
            Ok((principal, id)) => {
                self.last_used.lock().insert(id.clone(), self.clock.now());
                Ok(Verified {
                    principal,
                    first_login: self.is_first_login(&id),
                })
            }
            Err(refusal) => {
                let Some(address) = address else {
                    return Err(refusal);
                };
                let now = self.clock.monotonic();
                let wait = self.throttle.lock().failed(address, now);
                Err(wait.map_or(refusal, Refusal::Throttled))
            }
        }
    }

    /// Who holds the token of a name now, if it is still good: for connections that outlast the
    /// login.
    pub fn holder(&self, name: &str) -> Option<Principal> {
        let state = self.state.read();
        let stored = state.stored.iter().map(|stored| &stored.token);
        let mut all = stored.chain(state.declared.iter().map(|declared| &declared.token));
        let token = all.find(|token| token.name == name)?;
        if token.expires.is_some_and(|end| end <= self.clock.now()) {
            return None;
        }
        state.principal(token)
    }

    /// Failed logins since the start.
    pub fn failures(&self) -> u64 {
        self.throttle.lock().total()
    }

    fn recognise(&self, text: &str) -> Result<(Principal, String), Refusal> {
        let state = self.state.read();
        let hash = Hash::of(text);
        let (id, token) = state.find(text, &hash).ok_or(Refusal::Unknown)?;
        if token.expires.is_some_and(|end| end <= self.clock.now()) {
            return Err(Refusal::Expired);
        }
        let principal = state.principal(token).ok_or(Refusal::NoRole)?;
        Ok((principal, id))
    }

    fn is_first_login(&self, id: &str) -> bool {
        if self.state.read().first.as_deref() != Some(id) {
            return false;
        }
        let first = self
            .state
            .write()
            .first
            .take_if(|first| first == id)
            .is_some();
        if first && let Err(error) = std::fs::remove_file(&self.admin_path) {
            let path = self.admin_path.display();
            tracing::error!(%error, "{path} could not be removed after its first use: remove it");
        }
        first
    }

    fn info(&self, token: &Stored) -> TokenInfo {
        TokenInfo {
            id: token.id.clone(),
            name: token.token.name.clone(),
            role: token.token.role.clone(),
            created: Some(token.created),
            expires: token.token.expires,
            provide: token.token.provide.clone(),
            from: token.token.from.clone(),
            last_used: self.last_used.lock().get(&token.id).copied(),
            origin: TokenOrigin::Node,
        }
    }

    fn declared_info(&self, declared: &DeclaredToken) -> TokenInfo {
        let id = declared.id();
        TokenInfo {
            last_used: self.last_used.lock().get(&id).copied(),
            id,
            name: declared.token.name.clone(),
            role: declared.token.role.clone(),
            created: None,
            expires: declared.token.expires,
            provide: declared.token.provide.clone(),
            from: declared.token.from.clone(),
            origin: TokenOrigin::Configuration,
        }
    }
}

impl State {
    /// The holder of a token; nothing if its role is gone.
    fn principal(&self, token: &NewToken) -> Option<Principal> {
        let rights = self.roles.get(&token.role)?;
        let provide = token.provide.clone().or_else(|| rights.provide.clone());
        Some(Principal {
            name: token.name.clone(),
            role: token.role.clone(),
            rights,
            provide,
            from: token.from.clone(),
        })
    }

    /// The tokens beside which a new one may stand.
    fn acceptable(&self, new: &NewToken) -> Result<Vec<Stored>, TokenError> {
        if self.roles.get(&new.role).is_none() {
            return Err(TokenError::Role(new.role.clone()));
        }
        let names = self.stored.iter().map(|stored| &stored.token.name);
        let mut names = names.chain(self.declared.iter().map(|declared| &declared.token.name));
        let fits = (1..=NAME_BYTES_MAX).contains(&new.name.len())
            && !new.name.chars().any(char::is_control);
        if !fits || names.any(|name| *name == new.name) {
            return Err(TokenError::Name(
                new.name.chars().take(NAME_BYTES_MAX).collect(),
            ));
        }
        match self.stored.len() < TOKENS_MAX {
            true => Ok(self.stored.clone()),
            false => Err(TokenError::Full),
        }
    }

    /// The token with a text. Its id is public and may be looked up; its hash is compared in
    /// constant time.
    fn find(&self, text: &str, hash: &Hash) -> Option<(String, &NewToken)> {
        if let Some(id) = id_of(text) {
            let stored = self.stored.iter().find(|stored| stored.id == id);
            if let Some(stored) = stored.filter(|stored| stored.hash.is(hash)) {
                return Some((stored.id.clone(), &stored.token));
            }
        }
        let declared = self
            .declared
            .iter()
            .find(|declared| declared.hash.is(hash))?;
        Some((declared.id(), &declared.token))
    }
}
