//! The cards of the sandbox, and what each says to a charge.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard},
};

use axum::http::StatusCode;

use crate::refusal::Refusal;

/// How often `pm_gateway_flaky` fails under one key before it is approved.
const FLAKY_FAILURES: u32 = 2;

/// What a card says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Money moves.
    Approved,
    /// The card's bank says no.
    Declined,
}

/// The cards, and how often the flaky one has failed.
///
/// The failures are counted per idempotency key, and together for requests without one. They are kept in memory: after
/// a restart a key that was not approved yet fails twice again.
#[derive(Default)]
pub struct Cards {
    flaky_failures: Mutex<HashMap<Option<String>, u32>>,
}

impl Cards {
    /// Asks a card.
    ///
    /// # Errors
    /// 503 from the two cards whose bank cannot be reached; 400 for a card that does not exist.
    pub fn ask(&self, payment_method: &str, key: Option<&str>) -> Result<Verdict, Refusal> {
        match payment_method {
            "pm_card_visa" => Ok(Verdict::Approved),
            "pm_card_declined" | "pm_card_visa_chargeDeclined" => Ok(Verdict::Declined),
            "pm_gateway_down" => Err(Refusal::unavailable()),
            "pm_gateway_flaky" => self.ask_flaky(key),
            unknown => {
                let status = StatusCode::BAD_REQUEST;
                Err(Refusal::no_such(status, "PaymentMethod", "payment_method", unknown))
            }
        }
    }

    fn ask_flaky(&self, key: Option<&str>) -> Result<Verdict, Refusal> {
        let mut failures = self.flaky_failures();
        let key = key.map(str::to_owned);
        let failed = failures.entry(key.clone()).or_default();
        if *failed < FLAKY_FAILURES {
            *failed += 1;
            return Err(Refusal::unavailable());
        }
        failures.remove(&key);
        Ok(Verdict::Approved)
    }

    fn flaky_failures(&self) -> MutexGuard<'_, HashMap<Option<String>, u32>> {
        self.flaky_failures.lock().expect("counting does not panic")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(cards: &Cards, payment_method: &str, key: &str, expected: Option<Verdict>) {
        assert_eq!(cards.ask(payment_method, Some(key)).ok(), expected);
    }

    #[test]
    fn the_flaky_card_fails_twice_per_key() {
        let cards = Cards::default();
        for key in ["o-1", "o-2"] {
            check(&cards, "pm_gateway_flaky", key, None);
            check(&cards, "pm_gateway_flaky", key, None);
            check(&cards, "pm_gateway_flaky", key, Some(Verdict::Approved));
        }
    }

    #[test]
    fn every_other_card_says_the_same_every_time() {
        let cards = Cards::default();
        for _ in 0..3 {
            check(&cards, "pm_card_visa", "o-1", Some(Verdict::Approved));
            check(&cards, "pm_card_declined", "o-1", Some(Verdict::Declined));
            check(&cards, "pm_card_visa_chargeDeclined", "o-1", Some(Verdict::Declined));
            check(&cards, "pm_gateway_down", "o-1", None);
            check(&cards, "pm_card_unknown", "o-1", None);
        }
    }
}
