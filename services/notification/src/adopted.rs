//! Facts of this service's own kind that it did not say itself: typed by hand, or said before its store was lost. A
//! customer who was told is not told again.

use chassis::{Turn, Unacceptable};
use events::{NotificationFailed, NotificationSent, OrderId};

use crate::{
    forward::{Mail, REASON_CHARACTERS, key},
    letter::one_line,
    rows::{State, order},
    template::{CHANNEL, Template},
};

/// The customer was told by somebody else: there is no mail about it from here.
pub fn sent(turn: &mut Turn<'_>, event: &NotificationSent) -> Result<(), Unacceptable> {
    adopt(turn, &event.order_id, &event.channel, &event.template, State::Sent)
}

pub fn failed(turn: &mut Turn<'_>, event: &NotificationFailed) -> Result<(), Unacceptable> {
    let state = State::Failed { reason: one_line(&event.reason, REASON_CHARACTERS) };
    adopt(turn, &event.order_id, &event.channel, &event.template, state)
}

/// While a mail is on its way nobody but an earlier self knows how it ends, and what is decided stays.
fn adopt(turn: &mut Turn<'_>, order_id: &OrderId, channel: &str, name: &str, state: State) -> Result<(), Unacceptable> {
    let Some(template) = Template::named(name).filter(|_| channel == CHANNEL) else {
        // A newer self may have had one.
        return match turn.remembers() {
            true => Ok(()),
            false => Err(Unacceptable::contradicts(format!("nobody is told by {channel:?} with {name:?}"))),
        };
    };
    let mut order = order(turn, order_id);
    match order.mails.get(&template) {
        None => {}
        Some(_) if turn.remembers() => turn.withdraw::<Mail>(key(order_id, template)),
        Some(known) => {
            let is = match known {
                State::Sending => "on its way",
                State::Sent => "sent",
                State::Failed { .. } => "given up",
            };
            return Err(Unacceptable::contradicts(format!("the mail {template} of the order {order_id} is {is}")));
        }
    }
    order.mails.insert(template, state);
    turn.put(order_id, &order);
    Ok(())
}

#[cfg(test)]
mod tests {
    use chassis::{Delivery, Engine, Input, MemoryStore, Released};
    use events::{Arrival, EventId};
    use jiff::Timestamp;
    use serde_json::{Value, json};

    use crate::notification;

    const BY_ITSELF: &str = "/services/notification";

    /// A fact of the stream, said by `source`.
    fn fact(sequence: u64, source: &str, subject: &str, body: Value) -> Delivery {
        let id = EventId::derived(&[&sequence.to_string()]);
        let headers = [("ce-id", id.to_string()), ("ce-source", source.to_owned())];
        Delivery {
            subject: subject.to_owned(),
            headers: headers.into(),
            body: body.to_string().into_bytes(),
            arrival: Arrival { id, time: Timestamp::UNIX_EPOCH },
            stream: EventId::derived(&["stream"]),
            sequence,
            acknowledge: None,
        }
    }

    /// What is known of an order of a registered customer that is complete.
    fn completed() -> Vec<Delivery> {
        let items = json!([{"sku": "widget", "quantity": 2, "unit_price": 1999}]);
        let order = json!({"order_id": "o-1", "customer_id": "alice", "items": items});
        let customer = json!({"customer_id": "alice", "name": "Alice", "email": "alice@example.com"});
        vec![
            fact(1, "/services/customer", "customer.registered.alice", customer),
            fact(2, "/services/order", "order.created.o-1", order),
            fact(3, "/services/order", "order.completed.o-1", json!({"order_id": "o-1"})),
        ]
    }

    fn told(sequence: u64, source: &str, template: &str) -> Delivery {
        let body = json!({"order_id": "o-1", "channel": "email", "template": template});
        fact(sequence, source, "notification.sent.o-1", body)
    }

    fn engine() -> Engine {
        Engine::open(notification(), Box::new(MemoryStore::default()), EventId::derived(&["store"])).unwrap()
    }

    /// What the service asks for, and what it says, in this order.
    fn follows(released: Released) -> (Vec<String>, Vec<String>) {
        let asked = released.asked.into_iter().map(|effect| effect.key).collect();
        (asked, released.said.into_iter().map(|row| row.message.subject).collect())
    }

    /// What follows when the service, whose store is lost, remembers and then hears `stream`.
    fn rebuilt(mut engine: Engine, stream: &[Delivery]) -> (Vec<String>, Vec<String>) {
        let remembered = stream.iter().cloned().map(Input::Remembered);
        let heard = stream.iter().cloned().map(Input::Event);
        follows(engine.take(remembered.chain([Input::AllRemembered { from: 1 }]).chain(heard).collect()).unwrap())
    }

    #[test]
    fn a_service_whose_store_is_lost_tells_nobody_twice() {
        let told = told(4, BY_ITSELF, "order_completed");
        let stream = [completed(), vec![told]].concat();
        assert_eq!(rebuilt(engine(), &stream), (vec![], vec![]));
    }

    #[test]
    fn a_customer_who_could_not_be_told_is_not_told_by_a_later_self() {
        let body =
            json!({"order_id": "o-1", "channel": "email", "template": "order_completed", "reason": "no_address"});
        let failed = fact(4, BY_ITSELF, "notification.failed.o-1", body);
        let stream = [completed(), vec![failed]].concat();
        assert_eq!(rebuilt(engine(), &stream), (vec![], vec![]));
    }

    #[test]
    fn what_was_not_said_is_sent_again_under_the_same_key() {
        let key = vec!["o-1/order_completed".to_owned()];
        assert_eq!(rebuilt(engine(), &completed()), (key, vec![]));
    }

    #[test]
    fn a_mail_that_an_older_store_still_has_on_its_way_is_withdrawn() {
        let mut engine = engine();
        let heard = completed().into_iter().map(Input::Event);
        let lived = [Input::AllRemembered { from: 1 }].into_iter().chain(heard).collect();
        assert_eq!(follows(engine.take(lived).unwrap()).0.len(), 1);
        let stream = [told(4, BY_ITSELF, "order_completed")];
        assert_eq!(rebuilt(engine, &stream), (vec![], vec![]));
    }

    #[test]
    fn a_text_of_another_version_is_no_dead_letter_when_it_is_remembered() {
        let stream = [completed(), vec![told(4, BY_ITSELF, "order_delayed")]].concat();
        assert_eq!(rebuilt(engine(), &stream), (vec!["o-1/order_completed".to_owned()], vec![]));
    }
}
