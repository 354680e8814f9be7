//! Which server of a redundant set is used (part 4, 6.6.2.4). Pure: levels come in as arguments.

/// From here on a server is healthy (part 4, 6.6.2.4.2): there is nothing to gain by leaving it.
pub(crate) const HEALTHY: u8 = 200;
/// Up to here a server has no data: 0 is maintenance, 1 is "no data".
const NO_DATA: u8 = 1;
/// How much better another one has to be where neither is healthy, so that two that are in the
/// same trouble do not pass us to and fro.
const LEAD: u8 = 20;

/// What is known about a server of the set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nothing yet.
    Unknown,
    /// It answers, with this ServiceLevel.
    Level(u8),
    /// There is no session with it, and why.
    Failed(&'static str, String),
}

impl Standing {
    /// The level of a server that answers.
    pub(crate) fn level(&self) -> Option<u8> {
        match self {
            Self::Level(level) => Some(*level),
            _ => None,
        }
    }
}

/// The server to begin with: the highest level, the first in the list where several have it.
pub(crate) fn best(standings: &[Standing]) -> Option<(usize, u8)> {
    let levels = standings.iter().enumerate();
    levels
        .filter_map(|(index, standing)| Some((index, standing.level()?)))
        .reduce(|best, other| if other.1 > best.1 { other } else { best })
}

/// The server to change over to, if it is worth it.
pub(crate) fn better(standings: &[Standing], active: usize) -> Option<usize> {
    let (index, level) = best(standings)?;
    let now = standings.get(active)?.level()?;
    let worth = if now >= HEALTHY {
        false
    } else if now <= NO_DATA || level >= HEALTHY {
        level > now && level > NO_DATA
    } else {
        level >= now.saturating_add(LEAD)
    };
    (index != active && worth).then_some(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn levels(levels: &[u8]) -> Vec<Standing> {
        levels.iter().copied().map(Standing::Level).collect()
    }

    #[test]
    fn the_highest_level_begins_and_the_list_decides_between_equals() {
        assert_eq!(best(&levels(&[100, 255, 255])), Some((1, 255)));
        let failed = Standing::Failed("timeout", String::new());
        assert_eq!(best(&[failed.clone(), Standing::Level(0)]), Some((1, 0)));
        assert_eq!(best(&[failed, Standing::Unknown]), None);
    }

    #[test]
    fn a_server_is_left_only_for_one_that_is_worth_it() {
        for (active, other, changes) in [
            (255, 255, false),
            (200, 255, false),
            (199, 200, true),
            (150, 169, false),
            (150, 170, true),
            (1, 2, true),
            (0, 1, false),
            (0, 0, false),
            (180, 100, false),
        ] {
            let found = better(&levels(&[active, other]), 0);
            assert_eq!(found, changes.then_some(1), "{active} and {other}");
        }
        // Nobody leaves a server whose level is not known: its link is what decides then.
        assert_eq!(better(&[Standing::Unknown, Standing::Level(255)], 0), None);
        assert_eq!(better(&levels(&[100, 50, 255]), 1), Some(2));
    }
}
