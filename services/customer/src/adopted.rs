//! Facts of this service's own kind that it did not say itself: typed by hand, or said before its store was lost.

use chassis::{Turn, Unacceptable};
use events::{CustomerId, CustomerRegistered, CustomerUpdated};

use crate::rows::Customer;

/// A customer is registered once: with other values than the known ones it contradicts.
pub fn registered(turn: &mut Turn<'_>, event: &CustomerRegistered) -> Result<(), Unacceptable> {
    let CustomerRegistered { customer_id, name, email } = event.clone();
    let customer = Customer { name, email };
    match turn.row::<Customer>(&customer_id) {
        Some(known) if known != customer && !turn.remembers() => {
            Err(contradicts(&customer_id, "is registered with another name or email"))
        }
        _ => {
            turn.put(&customer_id, &customer);
            Ok(())
        }
    }
}

pub fn updated(turn: &mut Turn<'_>, event: &CustomerUpdated) -> Result<(), Unacceptable> {
    let CustomerUpdated { customer_id, name, email } = event.clone();
    if turn.row::<Customer>(&customer_id).is_none() && !turn.remembers() {
        return Err(contradicts(&customer_id, "is not registered"));
    }
    turn.put(&customer_id, &Customer { name, email });
    Ok(())
}

fn contradicts(customer_id: &CustomerId, why: &str) -> Unacceptable {
    Unacceptable::contradicts(format!("the customer {customer_id} {why}"))
}

#[cfg(test)]
mod tests {
    use chassis::{Delivery, Engine, Input, MemoryStore, Request};
    use events::{Arrival, EventId};
    use jiff::Timestamp;
    use tokio::sync::oneshot;

    use crate::customer;

    const BY_ITSELF: &str = "/services/customer";

    /// A fact of the stream, said by `source`.
    fn fact(sequence: u64, source: &str, kind: &str, name: &str) -> Delivery {
        let body = format!(r#"{{"customer_id":"alice","name":"{name}","email":"alice@example.com"}}"#);
        let id = EventId::derived(&[&sequence.to_string()]);
        let headers = [("ce-id", id.to_string()), ("ce-source", source.to_owned())];
        Delivery {
            subject: format!("{kind}.alice"),
            headers: headers.into(),
            body: body.into_bytes(),
            arrival: Arrival { id, time: Timestamp::UNIX_EPOCH },
            stream: EventId::derived(&["stream"]),
            sequence,
            acknowledge: None,
        }
    }

    /// What the customer service says and shows after its store was lost, with `facts` in the stream.
    fn rebuilt(facts: &[Delivery]) -> (Vec<String>, String) {
        let store = Box::new(MemoryStore::default());
        let mut engine = Engine::open(customer(), store, EventId::derived(&["store"])).unwrap();
        let remembered = facts.iter().cloned().map(Input::Remembered);
        let heard = facts.iter().cloned().map(Input::Event);
        let inputs = remembered.chain([Input::AllRemembered { from: 1 }]).chain(heard).collect();
        let said = engine.take(inputs).unwrap().said.into_iter().map(|row| row.message.subject).collect();
        let (answer, _) = oneshot::channel();
        let body = br#"{"customer_id":"alice"}"#.to_vec();
        let id = EventId::derived(&["get"]);
        let get = Request { command: "get".to_owned(), body, id, time: Timestamp::UNIX_EPOCH, answer };
        let (_, shown) = engine.take(vec![Input::Command(get)]).unwrap().answers.remove(0);
        (said, String::from_utf8(shown.unwrap()).unwrap())
    }

    #[track_caller]
    fn check(facts: &[Delivery], name: &str, says: &[&str]) {
        let (said, shown) = rebuilt(facts);
        assert_eq!(said, says);
        assert!(shown.contains(&format!(r#""name":"{name}""#)), "{shown}");
    }

    #[test]
    fn a_lost_store_is_rebuilt_from_what_was_said() {
        let registered = fact(1, BY_ITSELF, "customer.registered", "Alice");
        let updated = fact(2, BY_ITSELF, "customer.updated", "Alice Bell");
        check(std::slice::from_ref(&registered), "Alice", &[]);
        check(&[registered, updated], "Alice Bell", &[]);
    }

    #[test]
    fn what_an_earlier_self_said_is_true_without_what_came_before_it() {
        check(&[fact(7, BY_ITSELF, "customer.updated", "Alice Bell")], "Alice Bell", &[]);
    }

    #[test]
    fn what_was_typed_and_contradicted_is_parked_again_and_changes_nothing() {
        let registered = fact(1, BY_ITSELF, "customer.registered", "Alice");
        let typed = fact(2, "/external", "customer.registered", "Mallory");
        check(&[registered, typed], "Alice", &["dead.customer.customer.registered.alice"]);
    }
}
