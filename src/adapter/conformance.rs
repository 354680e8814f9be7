//! What every kind must do, whatever its protocol: the rules that a kind's tests run against a
//! peer of its own. `README.md` says how a kind joins.
//!
//! Only for tests: compiled with the feature `conformance`, which no shipped crate switches on.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a broken rule ends the test with its name"
)]

mod fixture;
mod links;
mod program;
mod relay;
mod rig;
mod rules;
mod sessions;
mod tokio_clock;
mod witness;

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
/// ahead; kinds with a peer behind a socket run in real time.
#[macro_export]
macro_rules! conformance_suite {
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
}

#[cfg(test)]
mod tests;
