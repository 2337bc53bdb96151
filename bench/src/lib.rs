//! `murmur bench`: how fast the whole dance is, durable on both sides, against what the machine and the broker could do
//! at best.
//!
//! A run starts real processes ([`system`]), places orders as customers would (`customers`), reads what each process
//! took from the system itself (`sample`, [`chassis::Figures`]), then does the same to the broker and the stores without any
//! service (`limit`).
//!
//! Invariant: nothing that is measured knows that it is: the system runs as `murmur up` runs it, and every figure comes
//! from outside of it or from a command that every service answers.

mod arguments;
mod customers;
mod error;
mod growth;
mod limit;
pub mod machine;
mod phase;
mod plan;
pub mod progress;
mod report;
mod run;
pub mod sample;
mod schedule;
mod shape;
pub mod system;
mod tally;

pub use arguments::Arguments;
pub use error::Error;
pub use run::run;
