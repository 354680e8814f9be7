//! Stories told step by step: what once went wrong, or what a seed would rarely meet.

use mainstem_model::Status;

use crate::plan::Plan;
use crate::world::World;

const TOP: usize = 3;

#[test]
fn a_silent_cut_at_any_level_shows_in_time_and_a_resume_repeats_nothing() {
    for level in 0..3 {
        let mut world = World::new(1, Plan::four_levels());
        world.settle();
        let before = world.counters();
        world.cut(level, true);
        // Checks at each step that nothing stale is good; afterwards it is not good any more.
        world.run_ms(4_500);
        assert_ne!(world.at_top("p0"), Status::Good, "level {level}");
        world.run_ms(31_000);
        assert_eq!(world.at_top("p0"), Status::Bad, "level {level}");
        world.cut(level, false);
        world.settle();
        world.check_converged();
        let after = world.counters();
        for (link, (before, after)) in before.iter().zip(&after).enumerate() {
            assert_eq!(
                before.snapshots, after.snapshots,
                "link {link} needed no snapshot"
            );
            assert_eq!(after.missed, 0, "link {link} missed nothing");
        }
        world.check_nothing_repeated();
    }
}

#[test]
fn killing_the_plant_while_a_line_is_away_erases_nothing_above() {
    for keep_checkpoint in [true, false] {
        let mut world = World::new(3, Plan::four_levels());
        world.settle();
        let names = world.names_at(TOP);
        world.crash(0);
        world.run_ms(40_000);
        world.crash(1);
        if !keep_checkpoint {
            world.nodes[1].lose_checkpoint();
        }
        world.run_ms(5_000);
        world.restart(1);
        world.run_ms(20_000);
        assert_eq!(
            world.names_at(TOP),
            names,
            "checkpoint kept: {keep_checkpoint}"
        );
        assert_ne!(world.at_top("p0"), Status::Good);
        world.run_ms(15_000);
        assert_eq!(world.at_top("p0"), Status::Bad);
        world.restart(0);
        world.settle();
        world.check_converged();
    }
}

/// The epoch counter of the restored node is behind what every level above knows.
#[test]
fn a_node_restored_from_a_backup_is_believed_at_every_level() {
    for node in 0..4 {
        let mut world = World::new(5, Plan::four_levels());
        world.settle();
        world.nodes[node].save_checkpoint();
        world.nodes[node].back_up();
        for _ in 0..4 {
            world.crash(node);
            world.restart(node);
            world.run_ms(8_000);
        }
        let starts = world.nodes[node].starts();
        world.put_back(node);
        assert!(world.nodes[node].starts() < starts);
        world.settle();
        world.check_converged();
    }
}

/// A route that swallows everything must not keep the link from the one that works.
#[test]
fn a_dead_first_route_does_not_keep_a_link_from_the_second() {
    for dead in 0..2 {
        let mut world = World::new(7, Plan::two_routes());
        for wire in &mut world.wires {
            wire.routes[dead].cut(true);
        }
        world.settle();
        world.check_converged();
    }
}

#[test]
fn what_is_more_than_eight_links_away_is_left_out() {
    let mut world = World::new(11, Plan::too_deep());
    world.settle();
    world.settle();
    world.check_converged();
    world.check_still();
}

/// Seeds that found something, once.
#[test]
fn seeds_that_failed_once_pass() {
    // A link below was suspected when the checkpoint was saved, and nobody told it again.
    crate::run(2206, false);
    // A reader of the latest was told a sample of a new life ahead of that life, and dropped it.
    crate::run(118, false);
    // Who had fallen behind was told that a source is good before the samples that made it so.
    crate::run(948, false);
    // A node and its reader were put back, so that only the next level knew the later life.
    crate::run(276, true);
    crate::run(864, true);
}
