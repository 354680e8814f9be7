//! Who a node is and who may do what: identities and TLS, tokens and roles, the audit trail, and
//! secrets that never show.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod addresses;
mod audit;
mod data;
mod identity;
mod password;
mod role;
mod tls;
mod token;

pub use addresses::{ADDRESS_RULES_MAX, AddressList, AddressRule, AddressRuleError};
pub use audit::{
    Audit, AuditError, AuditLimits, AuditRecord, Chain, ChainError, QUEUE_RECORDS_MAX,
    verify as verify_audit,
};
pub use data::{DATA_PATTERN_BYTES_MAX, DataPattern, DataPatternError, DataRights};
pub use identity::{FeedEpoch, Identity, IdentityError, NAMES_MAX};
pub use password::Password;
pub use role::{Decision, EventRights, Principal, Role, Roles, VariableRights};
pub use tls::{
    Credentials, Pin, PinError, PinMismatch, TlsError, Trust, client_config, device_config,
    foreign_server_config, peer_pin, server_config,
};
pub use token::{
    ADMIN_TOKEN_FILE, Address, DeclaredToken, NewToken, Refusal, TOKENS_FILE, TOKENS_MAX,
    TokenError, TokenInfo, TokenOrigin, Tokens, Verified,
};
