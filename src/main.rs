//! The program.

use std::process::ExitCode;

fn main() -> ExitCode {
    mainstem::cli::main()
}
