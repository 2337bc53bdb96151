//! The services on the real engine, without a broker: replays, the choreography as a whole, and what holds the
//! workspace together.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bad_input;
mod choreography;
mod commits;
mod exploration;
mod faults;
mod harnesses;
mod imports;
mod read_side;
mod replays;
mod simulation;
