//! mainstem: a hierarchical server-to-server replication hub for industry. The rooms are crates of
//! their own; here they are put together (`app`) and given a command line (`cli`).

pub mod app;
