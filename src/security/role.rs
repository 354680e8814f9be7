//! What somebody may do.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use mainstem_model::{GlobSet, Name, TopicRights};

use crate::{AddressList, DataRights};

/// The role that may do everything.
const ADMIN: &str = "admin";
/// The role that may read everything.
const VIEWER: &str = "viewer";
/// The role of a node that reads this one over a link.
const CONCENTRATOR: &str = "concentrator";

/// The rights that come with a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// Names that may be read.
    pub read: GlobSet,
    /// Names that may be written; none unless they are listed.
    pub write: GlobSet,
    /// What may be done with GUI variables.
    pub variables: VariableRights,
    /// Series of data loggers that may be imported into and edited; none unless they are listed.
    pub loggers: GlobSet,
    /// The prefix below which samples may be provided.
    pub provide: Option<Name>,
    /// Whether the node itself may be administered: tokens, adapters, remotes.
    pub admin: bool,
    /// Whether a link may be opened, as a concentrator does.
    pub link: bool,
    /// Whether anything may be written at all, whatever `write` says.
    pub control: bool,
    /// From where its holders may come.
    pub from: AddressList,
    /// Whether links are for reading only: no write is taken over one, whatever `write` says.
    pub link_reads_only: bool,
    /// The remote entry that may be served by tunnels, by a node that dials up.
    pub dial_up: Option<Name>,
    /// Whether the API of the nodes behind this one's links may be used.
    pub remote_support: bool,
    /// What may be done with events.
    pub events: EventRights,
    /// What may be done at the paths of HTTP server nodes.
    pub data: DataRights,
    /// What may be done on the bus.
    pub topics: Arc<TopicRights>,
}

impl Default for Role {
    fn default() -> Self {
        Self {
            read: GlobSet::default(),
            write: GlobSet::default(),
            loggers: GlobSet::default(),
            provide: None,
            admin: false,
            link: false,
            link_reads_only: false,
            dial_up: None,
            remote_support: false,
            control: true,
            from: AddressList::default(),
            events: EventRights::default(),
            topics: Arc::default(),
            variables: VariableRights::default(),
            data: DataRights::default(),
        }
    }
}

/// Which kinds of events a role deals with; none unless they are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventRights {
    /// Those that it raises, waiting for an answer.
    pub raise: GlobSet,
    /// Those that it is told.
    pub see: GlobSet,
    /// Those that it answers.
    pub answer: GlobSet,
}

/// The rights over GUI variables. None unless they are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VariableRights {
    /// Names that may be read.
    pub read: GlobSet,
    /// Names that may be written.
    pub write: GlobSet,
}

/// What was decided, and by which rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether it is allowed.
    pub allowed: bool,
    /// The rule that decided, in the words of the node file.
    pub rule: String,
}

/// The roles of a node: those it is born with and those of its file.
#[derive(Clone, Debug)]
pub struct Roles {
    table: BTreeMap<String, Arc<Role>>,
}

/// Somebody who has been recognised.
#[derive(Clone, Debug)]
pub struct Principal {
    /// The name of the token.
    pub name: String,
    /// The name of the role.
    pub role: String,
    /// The rights of the role.
    pub rights: Arc<Role>,
    /// The prefix below which this principal provides samples, from its token or its role.
    pub provide: Option<Name>,
    /// From where its token may come, beside what the role says.
    pub from: AddressList,
}

impl Roles {
    /// The roles that every node has, and the given ones. A given role cannot replace one of the
    /// former: such a name is ignored here and reported by the check of the configuration.
    pub fn new(configured: impl IntoIterator<Item = (String, Role)>) -> Self {
        let mut table: BTreeMap<String, Arc<Role>> = configured
            .into_iter()
            .map(|(name, role)| (name, Arc::new(role)))
            .collect();
        let all = GlobSet::everything;
        let reading = Role {
            read: all(),
            variables: VariableRights {
                read: all(),
                write: GlobSet::default(),
            },
            ..Role::default()
        };
        let admin = Role {
            write: all(),
            loggers: all(),
            variables: VariableRights {
                read: all(),
                write: all(),
            },
            admin: true,
            link: true,
            remote_support: true,
            data: DataRights::everything(),
            events: EventRights {
                raise: all(),
                see: all(),
                answer: all(),
            },
            topics: Arc::new(TopicRights::everything()),
            ..reading.clone()
        };
        let concentrator = Role {
            link: true,
            events: EventRights {
                raise: GlobSet::default(),
                see: all(),
                answer: all(),
            },
            ..reading.clone()
        };
        for (name, role) in [
            (ADMIN, admin),
            (VIEWER, reading),
            (CONCENTRATOR, concentrator),
        ] {
            table.insert(name.to_owned(), Arc::new(role));
        }
        Self { table }
    }

    /// Whether a name belongs to a role that every node has.
    pub fn is_built_in(name: &str) -> bool {
        matches!(name, ADMIN | VIEWER | CONCENTRATOR)
    }

    /// The role with a name.
    pub fn get(&self, name: &str) -> Option<Arc<Role>> {
        self.table.get(name).cloned()
    }

    /// The names of all roles, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.table.keys().map(String::as_str)
    }
}

impl Principal {
    /// Whoever comes through the local socket: the operating system has let him in.
    pub fn local(roles: &Roles) -> Option<Self> {
        let rights = roles.get(ADMIN)?;
        Some(Self {
            name: "local".to_owned(),
            role: ADMIN.to_owned(),
            rights,
            provide: None,
            from: AddressList::default(),
        })
    }

    /// Whether a datapoint may be read.
    pub fn may_read(&self, name: &str) -> bool {
        self.rights.read.allows(name)
    }

    /// Whether this principal may come from an address. Both the role and the token have to allow it.
    pub fn may_come_from(&self, address: IpAddr) -> bool {
        self.rights.from.allows(address) && self.from.allows(address)
    }

    /// Whether a datapoint may be written, and which rule says so.
    pub fn may_write(&self, name: &str) -> Decision {
        self.decide(&self.rights.write, "write", name)
    }

    /// Whether a variable may be read, there or not.
    pub fn may_read_variable(&self, name: &str) -> bool {
        self.rights.variables.read.allows(name)
    }

    /// Whether a variable may be written, and which rule says so.
    pub fn may_write_variable(&self, name: &str) -> Decision {
        self.decide(&self.rights.variables.write, "variables, write", name)
    }

    /// Whether a series of a data logger may be imported into and edited, and which rule says so.
    pub fn may_write_logger(&self, name: &str) -> Decision {
        self.decide(&self.rights.loggers, "loggers, write", name)
    }

    fn decide(&self, patterns: &GlobSet, what: &str, name: &str) -> Decision {
        let role = &self.role;
        if !self.rights.control {
            return Decision {
                allowed: false,
                rule: format!("role {role}, control: false"),
            };
        }
        let allowed = patterns.allows(name);
        let rule = match patterns.deciding(name) {
            Some(pattern) => format!("role {role}, {what}, {pattern:?}"),
            None => format!("role {role}, {what}: no pattern fits"),
        };
        Decision { allowed, rule }
    }

    /// Whether a datapoint may be read by its name or one that it had.
    pub fn may_read_any<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> bool {
        self.rights.read.decide(names).allowed
    }

    /// Whether a datapoint may be written that has several names: a rule that denies one of them
    /// denies it.
    pub fn may_write_any<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Decision {
        let decided = self.rights.write.decide(names);
        let role = &self.role;
        let Some(by) = decided.by else {
            let rule = format!("role {role}, write: no pattern fits");
            return Decision {
                allowed: false,
                rule,
            };
        };
        self.may_write(by)
    }

    /// Whether samples of a datapoint may be provided, and which rule says so.
    pub fn may_provide(&self, name: &str) -> Decision {
        let Some(prefix) = &self.provide else {
            let rule = format!("{} (role {}) provides no prefix", self.name, self.role);
            return Decision {
                allowed: false,
                rule,
            };
        };
        let below = name
            .strip_prefix(prefix.as_str())
            .is_some_and(|rest| rest.starts_with('.'));
        Decision {
            allowed: below,
            rule: format!("{} provides below {prefix}", self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principal(role: &str) -> Principal {
        let write = GlobSet::new(&["!line1.safety.**", "line1.**"]).unwrap();
        let read = GlobSet::new(&["line1.**"]).unwrap();
        let operator = Role {
            read,
            write,
            ..Role::default()
        };
        let sneaky = Role {
            admin: true,
            ..Role::default()
        };
        let given = [
            ("operator".to_owned(), operator),
            ("viewer".to_owned(), sneaky),
        ];
        let rights = Roles::new(given).get(role).unwrap();
        Principal {
            name: "bob".into(),
            role: role.into(),
            rights,
            provide: None,
            from: AddressList::default(),
        }
    }

    #[test]
    fn roles_that_every_node_has() {
        let (admin, viewer, link) = (
            principal("admin"),
            principal("viewer"),
            principal("concentrator"),
        );
        for who in [&admin, &viewer, &link] {
            assert!(who.may_read("any.name"));
            assert!(!who.may_provide("any.name").allowed);
            assert!(who.may_read_variable("any.name"));
        }
        assert!(admin.may_write_variable("a.b").allowed);
        assert!(!viewer.may_write_variable("a.b").allowed);
        assert!(!link.may_write_variable("a.b").allowed);
        assert!(admin.may_write("a.b").allowed && admin.rights.admin && admin.rights.link);
        assert!(!viewer.may_write("a.b").allowed && !viewer.rights.admin && !viewer.rights.link);
        assert!(!link.may_write("a.b").allowed && !link.rights.admin && link.rights.link);
    }

    #[test]
    fn a_decision_names_its_rule() {
        let bob = principal("operator");
        assert!(bob.may_write("line1.pump").allowed);
        let denied = bob.may_write("line1.safety.stop");
        assert!(
            !denied.allowed && denied.rule.contains("!line1.safety.**"),
            "{denied:?}"
        );
        let unknown = bob.may_write("line2.pump");
        assert!(
            !unknown.allowed && unknown.rule.contains("no pattern fits"),
            "{unknown:?}"
        );
        // Rights over datapoints are none over variables.
        assert!(!bob.may_read_variable("line1.pump"));
        assert!(!bob.may_write_variable("line1.pump").allowed);
        assert!(!bob.may_read("line2.pump") && !bob.may_write("Line1.pump").allowed);
    }

    #[test]
    fn without_control_nothing_is_written() {
        let mut bob = principal("operator");
        let rights = Role {
            control: false,
            ..(*bob.rights).clone()
        };
        bob.rights = Arc::new(rights);
        let denied = bob.may_write("line1.pump");
        assert!(
            !denied.allowed && denied.rule.contains("control: false"),
            "{denied:?}"
        );
        assert!(bob.may_read("line1.pump"));
    }

    #[test]
    fn the_role_and_the_token_say_from_where() {
        let list = |text: &str| AddressList::new(vec![text.parse().unwrap()]);
        let mut bob = principal("operator");
        let from = |bob: &Principal, text: &str| bob.may_come_from(text.parse().unwrap());
        assert!(from(&bob, "192.0.2.1"));
        bob.from = list("10.1.0.0/16");
        assert!(from(&bob, "10.1.2.3") && from(&bob, "::ffff:10.1.2.3") && !from(&bob, "10.2.2.3"));
        let rights = Role {
            from: list("10.1.2.0/24"),
            ..(*bob.rights).clone()
        };
        bob.rights = Arc::new(rights);
        assert!(from(&bob, "10.1.2.3") && !from(&bob, "10.1.3.3"));
    }

    #[test]
    fn providers_stay_below_their_prefix() {
        let provide = Some(Name::new("mes").unwrap());
        let mes = Principal {
            provide,
            ..principal("viewer")
        };
        assert!(mes.may_provide("mes.orders.open").allowed);
        for name in ["mes", "mesa.x", "other.mes.x", "mes"] {
            assert!(!mes.may_provide(name).allowed, "{name}");
        }
    }
}
