//! What every kind must do, whatever its protocol: the rules that a kind's tests run against a
//! peer of its own. `README.md` says how a kind joins.
//!
//! Only for tests: compiled with the feature `conformance`, which no shipped crate switches on.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a broken rule ends the test with its name"
)]

mod configuration;
mod fixture;
mod links;
mod program;
mod relay;
mod rig;
mod rules;
mod sessions;
mod tokio_clock;
mod witness;

pub use configuration::{connection_problems, derived_type, operation_problems, spec};
pub use fixture::Fixture;
pub use links::{
    closed_peer_is_found_and_found_again, garbage_does_no_harm, half_open_peer_hits_the_timeout,
    reconnects_leak_no_task, write_is_answered_when_the_link_is_lost,
};
pub use program::{Program, left_out, python};
pub use relay::Relay;
pub use rig::Rig;
pub use rules::{
    bad_address_is_one_bad_point, bad_configuration_reports_all_problems, comes_online_with_values,
    stop_is_prompt_and_final, write_is_answered_once,
};
pub use sessions::{PATIENCE, Seen, SessionRig, endpoint, with_options};
pub use tokio_clock::TokioClock;
pub use witness::{Observed, Witness};

/// Makes one test for each rule that is named. `in_process` kinds run on a clock that jumps
/// ahead; kinds `with_peer` behind a socket run in real time.
///
/// Where the peer is somebody else's program that a machine may lack, `with_foreign` takes a function
/// that is told the rule's name and gives a fixture, or says what is left out and gives none.
///
/// `with_peer(all) …` and `with_foreign(all) …` run every rule; a kind for which some rules have no
/// meaning names those that it keeps, after `;`.
#[macro_export]
macro_rules! conformance_suite {
    ($way:ident(all) $fixture:expr) => {
        $crate::conformance_suite! { $way $fixture;
            bad_configuration_reports_all_problems,
            comes_online_with_values,
            bad_address_is_one_bad_point,
            write_is_answered_once,
            write_is_answered_when_the_link_is_lost,
            closed_peer_is_found_and_found_again,
            half_open_peer_hits_the_timeout,
            garbage_does_no_harm,
            stop_is_prompt_and_final,
            reconnects_leak_no_task,
        }
    };
    (in_process $fixture:expr; $($rule:ident),+ $(,)?) => {
        $(#[tokio::test(start_paused = true)]
        async fn $rule() {
            $crate::conformance::$rule(Box::new($fixture)).await;
        })+
    };
    (with_peer $fixture:expr; $($rule:ident),+ $(,)?) => {
        $(#[tokio::test]
        async fn $rule() {
            $crate::conformance::$rule(Box::new($fixture)).await;
        })+
    };
    (with_foreign $fixture:expr; $($rule:ident),+ $(,)?) => {
        $(#[tokio::test]
        async fn $rule() {
            if let Some(fixture) = $fixture(stringify!($rule)) {
                $crate::conformance::$rule(Box::new(fixture)).await;
            }
        })+
    };
}

#[cfg(test)]
mod tests;
