//! What the system tests share: an event log, the invariants of the contract, and the whole choreography in memory.

pub mod explorer;
pub mod invariants;
pub mod jetstream;
pub mod log;
pub mod outside;
pub mod proof;
pub mod simulation;
pub mod world;
