//! Keeping a service from hearing: what `nats consumer pause` does. It answers commands and says what it has to say; what
//! is published meanwhile it hears afterwards, in its order. So a test decides who is how far when something happens.

use serde_json::{Value, json};

use crate::stack::Stack;

/// Longer than any test.
const FOR_GOOD: &str = "2999-01-01T00:00:00Z";

impl Stack {
    /// From now on `service` hears nothing new.
    pub async fn hold_back(&self, service: &str) {
        let answer = self.pause_until(service, json!({"pause_until": FOR_GOOD})).await;
        assert_eq!(answer["paused"], json!(true), "{answer}");
    }

    /// `service` hears what was kept from it.
    pub async fn let_go(&self, service: &str) {
        let answer = self.pause_until(service, json!({})).await;
        assert_eq!(answer["paused"], json!(false), "{answer}");
    }

    async fn pause_until(&self, service: &str, body: Value) -> Value {
        let subject = format!("$JS.API.CONSUMER.PAUSE.{}.{service}", events::EVENTS);
        let answer = self.nats.request(subject, body.to_string().into()).await.unwrap();
        serde_json::from_slice(&answer.payload).unwrap()
    }
}
