//! The cards of the sandbox, and what each says to a charge and to a refund.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
};

use axum::http::StatusCode;

use crate::refusal::Refusal;

/// How often `pm_gateway_flaky` fails under one key before it is approved.
const FLAKY_FAILURES: u32 = 2;

/// The card that pays, and does not take the money back before it is told to.
const REFUSES_REFUNDS: &str = "pm_refund_refused";

/// What a card says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Money moves.
    Approved,
    /// The card's bank says no.
    Declined,
}

/// The cards, how often the flaky one has failed, and whether the one that refuses refunds was talked out of it.
///
/// The failures are counted per idempotency key, and together for requests without one. All of this is kept in memory:
/// after a restart a key that was not approved yet fails twice again, and refunds are refused again.
#[derive(Default)]
pub struct Cards {
    flaky_failures: Mutex<HashMap<Option<String>, u32>>,
    refunds_accepted: AtomicBool,
}

impl Cards {
    /// Asks a card to pay.
    ///
    /// # Errors
    /// 503 from the two cards whose bank cannot be reached; 400 for a card that does not exist.
    pub fn ask(&self, payment_method: &str, key: Option<&str>) -> Result<Verdict, Refusal> {
        match payment_method {
            "pm_card_visa" | REFUSES_REFUNDS => Ok(Verdict::Approved),
            "pm_card_declined" | "pm_card_visa_chargeDeclined" => Ok(Verdict::Declined),
            "pm_gateway_down" => Err(Refusal::unavailable()),
            "pm_gateway_flaky" => self.ask_flaky(key),
            unknown => {
                let status = StatusCode::BAD_REQUEST;
                Err(Refusal::no_such(status, "PaymentMethod", "payment_method", unknown))
            }
        }
    }

    /// Asks a card to take money back.
    ///
    /// # Errors
    /// 400 from the card that refuses refunds, until [`accept_refunds`](Self::accept_refunds).
    pub fn ask_to_take_back(&self, payment_method: &str, charge: &str) -> Result<(), Refusal> {
        if payment_method == REFUSES_REFUNDS && !self.refunds_accepted.load(Ordering::Relaxed) {
            return Err(Refusal::disputed(charge));
        }
        Ok(())
    }

    /// Whether the card that refuses refunds takes them from now on.
    pub fn accept_refunds(&self, accepted: bool) {
        self.refunds_accepted.store(accepted, Ordering::Relaxed);
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
            check(&cards, "pm_refund_refused", "o-1", Some(Verdict::Approved));
            check(&cards, "pm_card_declined", "o-1", Some(Verdict::Declined));
            check(&cards, "pm_card_visa_chargeDeclined", "o-1", Some(Verdict::Declined));
            check(&cards, "pm_gateway_down", "o-1", None);
            check(&cards, "pm_card_unknown", "o-1", None);
        }
    }

    #[test]
    fn one_card_refuses_refunds_until_it_is_told_to_take_them() {
        let cards = Cards::default();
        let takes_back = |card: &str| cards.ask_to_take_back(card, "ch_1").is_ok();
        assert!(takes_back("pm_card_visa"));
        for accepted in [false, true, false] {
            cards.accept_refunds(accepted);
            assert_eq!(takes_back("pm_refund_refused"), accepted);
        }
    }
}
