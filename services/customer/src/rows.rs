//! What the customer service knows of a customer.

use chassis::Row;
use serde::{Deserialize, Serialize};

/// A customer as it is now, under its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    /// For people.
    pub name: String,
    /// Where mail goes.
    pub email: String,
}

impl Row for Customer {
    const TABLE: &'static str = "customer";
}
