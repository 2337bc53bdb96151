//! Customers: who they are, and where mail reaches them.

mod adopted;
mod commands;
mod rows;
mod run;

pub use run::run;

use chassis::Service;
use events::{CustomerRegistered, CustomerUpdated};

/// The service: what it answers, and what it then says.
pub fn customer() -> Service {
    Service::new("customer")
        .answers("register", commands::register)
        .says::<CustomerRegistered>()
        .answers("update", commands::update)
        .says::<CustomerUpdated>()
        .answers("get", commands::get)
        // Its own facts, said by somebody else
        .adopts::<CustomerRegistered>(adopted::registered)
        .adopts::<CustomerUpdated>(adopted::updated)
}
