//! Aliases: an old name, or an old beginning of names, that still leads to the new one.

use crate::Name;

/// Aliases that one name may lead through; more are a circle or a mess.
pub const ALIAS_CHAIN_MAX: usize = 8;
/// Aliases in one node file, and that one remote may tell.
pub const ALIASES_MAX: usize = 1024;

/// An old name and what it is called now. Both may be whole names or leading parts of names:
/// `plc` to `press` makes `press.temp` of `plc.temp`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Alias {
    /// The old name.
    pub from: Name,
    /// The new one.
    pub to: Name,
}

impl Name {
    /// Whether this name is another one, or a leading part of it.
    pub fn covers(&self, other: &Name) -> bool {
        other == self || other.strip(self.as_str()).is_some()
    }

    /// This name with its leading part replaced; `None` if it does not begin so, or if the name
    /// would not be valid.
    pub fn moved(&self, from: &Name, to: &Name) -> Option<Name> {
        if self == from {
            return Some(to.clone());
        }
        let rest = self.strip(from.as_str())?;
        Name::new(&format!("{to}.{rest}")).ok()
    }

    /// This name and its leading parts, the longest first.
    pub fn leading(&self) -> impl Iterator<Item = &str> {
        let whole = self.as_str();
        let dots = whole.rmatch_indices('.').map(|(at, _)| &whole[..at]);
        std::iter::once(whole).chain(dots)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_move_by_their_beginning() {
        let name = |text: &str| Name::new(text).unwrap();
        let moved = |a: &str, from: &str, to: &str| {
            let moved = name(a).moved(&name(from), &name(to));
            moved.map(|name| name.to_string())
        };
        assert_eq!(moved("plc.t", "plc", "press").as_deref(), Some("press.t"));
        assert_eq!(moved("plc.t", "plc.t", "x").as_deref(), Some("x"));
        assert_eq!(moved("plcs.t", "plc", "press"), None);
        let long = ["a"; 16].join(".");
        assert_eq!(moved(&long, "a", "b.c"), None, "too many segments");
        let leading: Vec<String> = name("a.b.c").leading().map(str::to_owned).collect();
        assert_eq!(leading, ["a.b.c", "a.b", "a"]);
    }
}
