//! Whole trees of nodes in one thread, driven by a seed: links that delay, reorder, stall, break in
//! one direction or both, and heal; several routes; nodes that crash and come back from old
//! checkpoints or from a backup; circles, and a node below two prefixes. The parts that are
//! simulated are the real ones; only sockets and clocks are not. A failing seed is printed and
//! repeats. Writes need tasks and sockets, so G4 and G5 are checked by whole nodes in `tests/it`.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, missing_docs)]

mod checks;
mod connection;
mod disturb;
mod known;
mod node;
mod plan;
mod wire;
mod witness;
mod world;

use plan::Plan;
use world::World;

/// Seeds without anybody asking, all tests together.
const SEEDS: u64 = 240;
/// The plans take turns.
const PLANS: [fn() -> Plan; 4] = [
    Plan::four_levels,
    Plan::two_routes,
    Plan::ring,
    Plan::below_two_prefixes,
];

fn seeds(part: u64) -> Vec<u64> {
    if let Ok(one) = std::env::var("MAINSTEM_SEED") {
        let one: u64 = one.parse().unwrap();
        return Vec::from_iter((one % 4 == part).then_some(one));
    }
    let count = std::env::var("MAINSTEM_SEEDS");
    let count = count.ok().and_then(|text| text.parse().ok());
    let seeds = 0..count.unwrap_or(SEEDS);
    seeds.filter(|seed| seed % 4 == part).collect()
}

fn run(seed: u64, restores: bool) {
    let plan = PLANS[usize::try_from(seed % 4).unwrap()]();
    let mut world = World::varied(seed, plan);
    world.settle();
    world.check_converged();
    if restores {
        world.back_up_all();
    }
    world.disturb(80, restores);
    world.heal();
    world.settle();
    world.check_converged();
    world.check_nothing_repeated();
    world.check_still();
}

/// In several tests, so that all cores share them.
fn run_part(part: u64, restores: bool) {
    let mut seeds = seeds(part);
    seeds.retain(|seed| std::panic::catch_unwind(|| run(*seed, restores)).is_err());
    assert!(
        seeds.is_empty(),
        "seeds {seeds:?} fail: repeat one with MAINSTEM_SEED"
    );
}

#[test]
fn four_levels_converge_and_never_lie() {
    run_part(0, false);
}

#[test]
fn links_with_two_routes_converge_and_never_lie() {
    run_part(1, false);
}

#[test]
fn a_circle_of_three_converges_and_never_lies() {
    run_part(2, false);
}

#[test]
fn a_node_below_two_prefixes_is_shown_once_and_never_lies() {
    run_part(3, false);
}

/// The same with backups that are put back, on the plan that has the most levels.
#[test]
fn backups_that_are_put_back_converge_and_never_lie() {
    run_part(0, true);
}
