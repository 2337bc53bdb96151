//! What orders leave behind, as it was recorded from the system: the messages, who hears them, what is written about
//! them. The limits do the same again.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{anyhow, ensure};
use async_nats::{
    HeaderMap, HeaderName, HeaderValue,
    jetstream::{
        self,
        consumer::{AckPolicy, DeliverPolicy, pull},
    },
};
use chassis::{Stored, listens};
use events::{EVENTS, EventId, Key, header};

use crate::{
    phase::{Phase, Work},
    system::{SERVICES, System},
};

/// The messages of some orders, and those who hear them.
pub struct Shape {
    /// The messages of an order each, with its id.
    orders: Vec<(String, Vec<Stored>)>,
    /// Who hears them.
    pub hearers: Vec<Hearer>,
}

/// Somebody who hears messages, and writes about them.
pub struct Hearer {
    /// Its name.
    pub service: &'static str,
    /// What it is sent; nothing named is everything.
    pub subjects: Vec<String>,
    /// What it does for one order.
    pub work: Work,
}

/// A message that is ready to be published.
pub struct Ready {
    /// The subject.
    pub subject: String,
    /// All headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Shape {
    /// What the orders of this phase left behind.
    pub async fn of(system: &System, phase: &Phase) -> anyhow::Result<Shape> {
        let (client, nats) = system.connection();
        let mut orders = Vec::new();
        for order_id in &phase.examples {
            let key = Key::try_from(order_id.clone()).map_err(anyhow::Error::msg)?;
            orders.push((order_id.clone(), client.events_about(&key).await?));
        }
        ensure!(!orders.is_empty(), "no order was completed whose messages could be recorded");
        let stream = jetstream::new(nats).get_stream(EVENTS).await?;
        let mut hearers = Vec::new();
        for service in SERVICES {
            let consumer = stream.get_consumer::<pull::Config>(service).await.map_err(|why| anyhow!(why))?;
            let subjects = consumer.cached_info().config.filter_subjects.clone();
            hearers.push(Hearer { service, subjects, work: phase.work.get(service).copied().unwrap_or_default() });
        }
        Ok(Shape { orders, hearers })
    }

    /// The messages of `orders` new orders, by who says them, in their order.
    pub fn messages(&self, orders: u64) -> anyhow::Result<BTreeMap<String, Vec<Ready>>> {
        let mut by_producer: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (number, (old, messages)) in (0..orders).zip(self.orders.iter().cycle()) {
            let new = EventId::derived(&["bench", &number.to_string()]).to_string();
            for message in messages {
                let producer = message.subject.split('.').next().unwrap_or_default().to_owned();
                by_producer.entry(producer).or_default().push(renewed(message, old, &new)?);
            }
        }
        Ok(by_producer)
    }
}

impl Hearer {
    /// A consumer as the service has one, from the beginning of the stream.
    pub fn consumer(&self) -> pull::Config {
        pull::Config {
            durable_name: Some(self.service.to_owned()),
            deliver_policy: DeliverPolicy::All,
            ack_policy: AckPolicy::All,
            ack_wait: Duration::from_secs(30),
            max_ack_pending: 10_000,
            filter_subjects: self.subjects.clone(),
            ..Default::default()
        }
    }

    /// How many of these messages are for it.
    pub fn hears<'a>(&self, messages: impl Iterator<Item = &'a Ready>) -> u64 {
        messages.filter(|it| listens(&self.subjects, &it.subject)).count() as u64
    }
}

/// The message as one about another order: nothing else about it changes, nor does its size.
fn renewed(message: &Stored, old: &str, new: &str) -> anyhow::Result<Ready> {
    let id = EventId::derived(&["bench", new, &message.subject]).to_string();
    let mut headers = HeaderMap::new();
    for (name, value) in &message.headers {
        // What the broker adds when it is asked for a message says where it stands.
        let of_the_broker = name.starts_with("Nats-") && name != header::MESSAGE_ID;
        let value = match name {
            header::MESSAGE_ID | header::ID => id.clone(),
            _ => value.replace(old, new),
        };
        if !of_the_broker {
            headers.insert(name.parse::<HeaderName>()?, value.parse::<HeaderValue>()?);
        }
    }
    let body = String::from_utf8_lossy(&message.body).replace(old, new).into_bytes();
    Ok(Ready { subject: message.subject.replace(old, new), headers, body })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_renewed_message_is_as_large_and_about_another_order() {
        let (old, new) = (EventId::derived(&["a"]).to_string(), EventId::derived(&["b"]).to_string());
        let headers = [(header::MESSAGE_ID, old.as_str()), (header::CORRELATION, &old), ("Nats-Sequence", "7")];
        let message = Stored {
            sequence: 7,
            subject: format!("order.paid.{old}"),
            headers: headers.into(),
            body: format!(r#"{{"order_id":"{old}"}}"#).into_bytes(),
        };
        let ready = renewed(&message, &old, &new).unwrap();
        assert_eq!(ready.subject, format!("order.paid.{new}"));
        assert_eq!(String::from_utf8(ready.body).unwrap(), format!(r#"{{"order_id":"{new}"}}"#));
        let header = |name: &str| ready.headers.get(name).map(|it| it.as_str().to_owned());
        assert_eq!(header(header::CORRELATION), Some(new.clone()));
        assert_eq!(header(header::MESSAGE_ID).map(|it| it.len()), Some(old.len()));
        assert!(![Some(old), Some(new)].contains(&header(header::MESSAGE_ID)));
        assert_eq!(header("Nats-Sequence"), None);
    }

    #[test]
    fn who_has_no_filter_is_sent_everything() {
        let message =
            |subject: &str| Ready { subject: subject.to_owned(), headers: HeaderMap::new(), body: Vec::new() };
        let messages = ["order.paid.o-1", "payment.completed.o-1"].map(message);
        for (filters, expected) in [(vec![], 2), (vec!["order.paid.*"], 1), (vec!["payment.>", "order.paid.*"], 2)] {
            let subjects = filters.into_iter().map(str::to_owned).collect();
            let hearer = Hearer { service: "anybody", subjects, work: Work::default() };
            assert_eq!(hearer.hears(messages.iter()), expected, "{:?}", hearer.subjects);
        }
    }
}
