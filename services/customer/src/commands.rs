//! What a person asks of the customer service.

use chassis::{Refusal, Turn};
use events::{CustomerId, CustomerRegistered, CustomerUpdated, Event};
use serde::{Deserialize, Serialize};

use crate::rows::Customer;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Register {
    customer_id: CustomerId,
    name: String,
    email: String,
}

#[derive(Serialize)]
pub struct Shown {
    customer_id: CustomerId,
    #[serde(flatten)]
    customer: Customer,
}

/// Makes a customer known. Again with the same values it gives the same answer, and nothing is said.
pub fn register(turn: &mut Turn<'_>, command: Register) -> Result<Shown, Refusal> {
    let Register { customer_id, name, email } = command;
    let registered = CustomerRegistered { customer_id, name, email };
    registered.check().map_err(Refusal::unprocessable)?;
    let CustomerRegistered { customer_id, name, email } = registered.clone();
    let customer = Customer { name, email };
    match turn.row::<Customer>(&customer_id) {
        None => {
            turn.put(&customer_id, &customer);
            turn.emit(&registered);
        }
        Some(known) if known == customer => {}
        Some(_) => {
            let message = format!("the customer {customer_id} is registered with another name or email: use update");
            return Err(Refusal::conflict(message));
        }
    }
    Ok(Shown { customer_id, customer })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Update {
    customer_id: CustomerId,
    name: Option<String>,
    email: Option<String>,
}

/// Changes what the command names; the rest stays as it is. Where nothing changes by that, nothing is said.
pub fn update(turn: &mut Turn<'_>, command: Update) -> Result<Shown, Refusal> {
    let Update { customer_id, name, email } = command;
    if name.is_none() && email.is_none() {
        return Err(Refusal::unprocessable("name what changes: a name, an email, or both"));
    }
    let known = known(turn, &customer_id)?;
    let customer = Customer { name: name.unwrap_or(known.name.clone()), email: email.unwrap_or(known.email.clone()) };
    let Customer { name, email } = customer.clone();
    let updated = CustomerUpdated { customer_id, name, email };
    updated.check().map_err(Refusal::unprocessable)?;
    if customer != known {
        turn.put(&updated.customer_id, &customer);
        turn.emit(&updated);
    }
    Ok(Shown { customer_id: updated.customer_id, customer })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Get {
    customer_id: CustomerId,
}

/// The customer as it is now.
pub fn get(turn: &mut Turn<'_>, command: Get) -> Result<Shown, Refusal> {
    let customer = known(turn, &command.customer_id)?;
    Ok(Shown { customer_id: command.customer_id, customer })
}

fn known(turn: &Turn<'_>, customer_id: &CustomerId) -> Result<Customer, Refusal> {
    let missing = || Refusal::not_found(format!("there is no customer {customer_id}: register it first"));
    turn.row(customer_id).ok_or_else(missing)
}
