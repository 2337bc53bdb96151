//! The operator's command, `murmur`: starts the shop, places orders, follows them.
//!
//! It is also the program of every service: `murmur serve NAME` (`docs/decisions/one-program.md`).
//!
//! One file a command. What a command prints is made by pure functions ([`timeline`] is one for others too); what it
//! asks and tells goes through [`chassis::Client`], the same way that any other program would take.

mod call;
mod cli;
mod dead;
mod demo;
mod docs;
mod error;
mod exit;
mod follow;
mod graph;
mod output;
mod parse;
mod place;
mod progress;
mod publish;
mod record;
pub mod replay;
mod serve;
mod shop;
mod streams;
mod table;
pub mod timeline;
mod tool;
mod up;
mod verify;
mod view;
mod watch;
mod when;
mod where_is;

pub use cli::{Cli, Command, Operate};
pub use docs::pages;
pub use error::Error;
pub use exit::Exit;
pub use serve::Serve;
pub use shop::shop;
pub use tool::nats_server;
