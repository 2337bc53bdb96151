//! A stand-in for Stripe's API, as a process of its own.
//!
//! To a client it looks like `api.stripe.com`: payment intents, refunds, idempotency keys and error objects are Stripe's.
//! What really happened is in a ledger on disk that the system under test cannot touch, so a double charge has a witness,
//! and stopping the process is a real outage.
//!
//! A request for money goes through these rooms:
//!
//! | room | subject |
//! |---|---|
//! | `line` | the TCP connection, which can be cut |
//! | `outage` | how `/v1` misbehaves on request |
//! | `auth` | the API key |
//! | `payment_intents`, `refunds` | the two endpoints |
//! | `idempotency` | one key, one request, one answer |
//! | `parameters`, `cards` | what was asked, and what the card says to it |
//! | `gateway` | what all requests share |
//! | `writing` | decide, write, remember, answer: in this order, and together for requests that come together |
//! | `ledger`, `book` | what happened: on disk, and in memory where it stands there |
//! | `entry`, `stripe`, `refusal` | one thing that happened; the answers made from it; the answers where nothing did |
//! | `witness` | `/sandbox`: the ledger, the health, the outages, whether refunds are taken |
//!
//! Invariants: nothing is answered as done before it is on disk; an answer is a function of its ledger line alone, so a
//! replay after a restart says the same; a request that was refused leaves no trace and may be tried again under its key.

mod ambient;
mod auth;
mod book;
mod cards;
mod entry;
mod error;
mod gateway;
mod idempotency;
mod ids;
mod ledger;
mod line;
mod outage;
mod parameters;
mod payment_intents;
mod refunds;
mod refusal;
mod routes;
mod server;
mod stripe;
mod witness;
mod writing;

pub use error::Error;
pub use server::Sandbox;
