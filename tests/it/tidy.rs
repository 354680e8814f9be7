//! The laws of the house that neither cargo nor clippy keeps.
//!
//! Each law has a function that returns every breach as a sentence with its place, a test that runs
//! it over the repository, and a test that it finds a breach: a law that cannot fail is no law.

mod commands;
mod files;
mod layers;
mod markdown;
mod sizes;
mod words;

/// Fails with all breaches at once, one a line.
fn assert_kept(law: &str, breaches: &[String]) {
    assert!(breaches.is_empty(), "{law}\n  {}\n", breaches.join("\n  "));
}
