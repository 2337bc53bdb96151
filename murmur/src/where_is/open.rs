//! Whose turn it is: which services have something left to say about what was said so far. Pure, and from the graph
//! alone, so a service that is added to the shop is known here without a change.
//!
//! The graph says what *may* follow, and some of it needs several facts: a payment is made when the order is known and
//! stock is held. So it is a service's turn when everything that leads to one of its answers was said.

use std::collections::{BTreeMap, BTreeSet};

use chassis::graph::Graph;
use events::Role;

/// What a service may say because of something that was said, and has not said.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Open<'g> {
    /// Who.
    pub service: &'g str,
    /// Because of which of the events.
    pub event: usize,
    /// What has to be said before it can; nothing where it is its turn.
    pub missing: Vec<&'g str>,
}

impl Open<'_> {
    /// Whether the service has all that it needs.
    pub fn is_its_turn(&self) -> bool {
        self.missing.is_empty()
    }
}

/// What may be said next because of each event.
type Next<'g> = BTreeMap<&'g str, BTreeSet<&'g str>>;

/// The graph, as this question needs it.
pub(super) struct Way<'g> {
    graph: &'g Graph,
    next: Next<'g>,
    /// What is said of an order that goes well.
    forward: BTreeSet<&'g str>,
}

impl<'g> Way<'g> {
    pub fn of(graph: &'g Graph) -> Way<'g> {
        let next = graph.next_events();
        let forward = forward(graph, &next);
        Way { graph, next, forward }
    }

    /// Whether an order of which this was said is on its way back.
    pub fn is_backward(&self, said: &[&str]) -> bool {
        said.iter().fold(false, |back, kind| match self.graph.role(kind) {
            Role::Failure | Role::Undo => true,
            // The way back was refused.
            Role::Answer if !self.forward.contains(kind) => false,
            _ => back,
        })
    }

    /// Everything that is left to say, in the order of what it follows from.
    pub fn open(&self, said: &[&str]) -> Vec<Open<'g>> {
        let backward = self.is_backward(said);
        let mut open: Vec<Open<'g>> = Vec::new();
        for (at, kind) in said.iter().enumerate() {
            let counts = self.graph.role(kind).is_backward() == backward;
            let Some(answers) = self.next.get(kind).filter(|_| counts) else { continue };
            for service in self.graph.services.iter().map(|it| it.name) {
                let own = |answer: &&str| self.graph.said_by(answer).any(|it| it.service == service);
                let fits = |answer: &&str| fits(self.graph.role(answer), backward);
                let own: Vec<_> = answers.iter().copied().filter(own).filter(fits).collect();
                if own.iter().any(|answer| said.contains(answer)) {
                    continue;
                }
                let missing = own.iter().map(|answer| self.missing(answer, said, backward)).min_by_key(Vec::len);
                open.extend(missing.map(|missing| Open { service, event: at, missing }));
            }
        }
        open
    }

    /// Whether one of those who have something left to say may say `kind`.
    pub fn may_come(&self, kind: &str, open: &[Open<'_>], said: &[&str]) -> bool {
        let says = |it: &Open<'_>| {
            self.next.get(said[it.event]).is_some_and(|next| next.contains(kind))
                && self.graph.said_by(kind).any(|reaction| reaction.service == it.service)
        };
        open.iter().any(says)
    }

    /// What has to be said before `answer` can be. On the way back one thing is enough; on the way forward all of them.
    fn missing(&self, answer: &str, said: &[&str], backward: bool) -> Vec<&'g str> {
        if backward {
            return Vec::new();
        }
        let leads = |kind: &&str| self.next.get(kind).is_some_and(|next| next.contains(answer));
        self.forward.iter().copied().filter(leads).filter(|kind| !said.contains(kind)).collect()
    }
}

/// Whether something is said on this way.
fn fits(role: Role, backward: bool) -> bool {
    match role {
        Role::News => false,
        Role::Step => !backward,
        Role::Undo => backward,
        Role::Answer | Role::Failure | Role::End => true,
    }
}

/// What may be said of an order as long as nothing goes wrong, from what nobody says because of something else.
fn forward<'g>(graph: &'g Graph, next: &Next<'g>) -> BTreeSet<&'g str> {
    let goes_on = |kind: &str| matches!(graph.role(kind), Role::Step | Role::Answer);
    let follows = |kind: &str| next.values().any(|it| it.contains(kind));
    let mut open: Vec<_> = next.keys().copied().filter(|it| goes_on(it) && !follows(it)).collect();
    let mut seen = BTreeSet::new();
    while let Some(kind) = open.pop() {
        if seen.insert(kind) {
            open.extend(next.get(kind).into_iter().flatten().copied().filter(|it| goes_on(it)));
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shop::shop;

    /// Whose turn it is when this was said of an order, and because of what.
    #[track_caller]
    fn check(said: &[&str], turns: &[(&str, &str)]) {
        let graph = Graph::of(&shop());
        let open = Way::of(&graph).open(said);
        let mut found: Vec<_> =
            open.iter().filter(|it| it.is_its_turn()).map(|it| (it.service, said[it.event])).collect();
        found.dedup_by_key(|(service, _)| *service);
        assert_eq!(found, turns, "after {said:?}: {open:?}");
    }

    const FULFILLED: &[&str] = &[
        "order.created",
        "inventory.reserved",
        "payment.completed",
        "order.paid",
        "shipping.scheduled",
        "order.completed",
    ];

    #[test]
    fn on_the_way_forward_it_is_the_turn_of_whoever_has_all_that_it_needs() {
        check(&FULFILLED[..1], &[("inventory", "order.created")]);
        check(&FULFILLED[..2], &[("payment", "order.created")]);
        check(&FULFILLED[..3], &[("order", "inventory.reserved")]);
        check(&FULFILLED[..4], &[("shipping", "order.created")]);
        check(&FULFILLED[..5], &[("order", "shipping.scheduled")]);
        check(FULFILLED, &[]);
        check(&[FULFILLED, &["shipping.dispatched", "shipping.delivered"]].concat(), &[]);
    }

    #[test]
    fn on_the_way_back_it_is_the_turn_of_the_next_one_in_the_chain() {
        check(&["order.created", "inventory.reservation_failed"], &[("order", "inventory.reservation_failed")]);
        check(&["order.created", "inventory.reserved", "payment.failed"], &[("inventory", "payment.failed")]);
        let failed = [&FULFILLED[..4], &["shipping.failed"]].concat();
        check(&failed, &[("payment", "shipping.failed")]);
        check(&[&failed[..], &["payment.refund_stuck"]].concat(), &[("payment", "shipping.failed")]);
        check(&[&failed[..], &["payment.refunded"]].concat(), &[("inventory", "payment.refunded")]);
        check(&[&failed[..], &["payment.refunded", "inventory.released"]].concat(), &[("order", "inventory.released")]);
    }

    #[test]
    fn a_cancellation_goes_all_the_way_back_or_is_refused() {
        let asked = ["order.created", "order.cancel_requested"];
        check(&asked, &[("shipping", "order.cancel_requested")]);
        check(&[&asked[..], &["shipping.cancelled"]].concat(), &[("payment", "shipping.cancelled")]);
        let voided = [&asked[..], &["shipping.cancelled", "payment.voided"]].concat();
        check(&voided, &[("inventory", "payment.voided")]);
        // What comes late changes nothing.
        check(&[&voided[..], &["inventory.reserved"]].concat(), &[("inventory", "payment.voided")]);
        let refused = [&FULFILLED[..5], &["order.cancel_requested", "shipping.cancel_refused"]].concat();
        check(&refused, &[("order", "shipping.scheduled")]);
    }

    #[test]
    fn a_charge_that_came_before_its_void_is_refunded() {
        let said = ["order.created", "inventory.reserved", "order.cancel_requested", "shipping.cancelled"];
        check(&said, &[("payment", "shipping.cancelled")]);
        check(&[&said[..], &["payment.completed"]].concat(), &[("payment", "shipping.cancelled")]);
    }

    #[test]
    fn what_is_missing_is_named() {
        let graph = Graph::of(&shop());
        let open = Way::of(&graph).open(&["inventory.reserved"]);
        let missing: Vec<_> = open.iter().map(|it| (it.service, it.missing.clone())).collect();
        assert_eq!(missing, [("order", vec!["payment.completed"]), ("payment", vec!["order.created"])]);
    }

    #[test]
    fn what_is_no_order_has_nothing_to_follow() {
        check(&["inventory.stocked"], &[]);
        check(&["order.exploded"], &[]);
    }
}
