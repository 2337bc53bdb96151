//! What the customer service says. The key is the customer id.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{CustomerId, event::event};

/// A customer is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustomerRegistered {
    /// The customer.
    pub customer_id: CustomerId,
    /// For people.
    pub name: String,
    /// Where mail goes.
    pub email: String,
}
event!(CustomerRegistered, "customer.registered", customer_id, News);

/// A customer's name or address changed; both are as they are now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustomerUpdated {
    /// The customer.
    pub customer_id: CustomerId,
    /// For people.
    pub name: String,
    /// Where mail goes.
    pub email: String,
}
event!(CustomerUpdated, "customer.updated", customer_id, News);
