//! Records the declared loggers.

mod rolling;

#[cfg(test)]
mod tests;
