//! Tests of the PostgreSQL store that other stores do not share.

mod away;
mod layouts;
mod lost_answer;
mod protected;
