//! From what is known to why: a pure function, so every cause is a line of a table in the tests.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use chassis::WaitingEffect;
use events::{Event, OrderCancelled, OrderCompleted, PaymentRefundStuck, PaymentRefunded, Role};
use serde_json::Value;

use super::{
    cause::Cause,
    facts::{Asked, Facts, taken},
    open::{Open, Way},
};
use crate::{dead::letter::Letter, timeline::kind};

/// Why the order is where it is, the most specific cause of whoever should act next first; never empty.
pub(super) fn decide(facts: &Facts) -> Vec<Cause> {
    let letters = || facts.letters.iter().rev().map(letter);
    if let Some(end) = end(facts) {
        return std::iter::once(end).chain(letters()).collect();
    }
    if facts.events.is_empty() {
        let down = facts.services.keys().flat_map(|service| down(facts, service, None));
        let known: Vec<_> = letters().collect();
        let unknown = known.is_empty().then_some(Cause::Unknown);
        return known.into_iter().chain(unknown).chain(down).collect();
    }
    let said: Vec<&str> = facts.believed().into_iter().map(kind).collect();
    let way = Way::of(&facts.graph);
    let open = way.open(&said);
    let mut found: Vec<(Urgency, Cause)> = Vec::new();
    for service in facts.graph.services.iter().filter(|it| !it.only_reads).map(|it| it.name) {
        found.extend(of_service(facts, service, &open, &said));
    }
    found.extend(nobody_listens(facts, &said).map(|cause| (Urgency::Now, cause)));
    found.extend(nothing_left(&way, &open, &said).map(|cause| (Urgency::Otherwise, cause)));
    found.extend(reminders(facts, way.is_backward(&said)));
    found.sort_by_key(|(urgency, cause)| (*urgency, cause.rank()));
    found.into_iter().map(|(_, cause)| cause).collect()
}

/// How much a cause has to do with what should happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Urgency {
    /// It is in the way of what should happen next.
    Now,
    /// It is why, where nothing is in the way.
    Otherwise,
    /// It is good to know, and will be in the way later perhaps.
    Later,
}

/// How the order ended, where it did.
fn end(facts: &Facts) -> Option<Cause> {
    let believed = facts.believed();
    let last = believed.iter().find(|it| facts.graph.role(kind(it)) == Role::End)?;
    let then = believed.iter().filter(|it| it.sequence > last.sequence && it.subject.starts_with("shipping."));
    match kind(last) {
        OrderCancelled::TYPE => {
            let body: Value = serde_json::from_slice(&last.body).unwrap_or_default();
            Some(Cause::Cancelled { reason: body["reason"].as_str().unwrap_or("no reason is said").to_owned() })
        }
        OrderCompleted::TYPE => Some(Cause::Completed { then: then.map(|it| kind(it).to_owned()).collect() }),
        _ => None,
    }
}

/// What is to be said of one service.
fn of_service(facts: &Facts, service: &str, open: &[Open<'_>], said: &[&str]) -> Vec<(Urgency, Cause)> {
    let open: Vec<_> = open.iter().filter(|it| it.service == service).collect();
    let turn = open.iter().find(|it| it.is_its_turn());
    let urgency = if turn.is_some() { Urgency::Now } else { Urgency::Later };
    let mut found = parked(facts, service, &open, said);
    found.extend(down(facts, service, turn.map(|it| said[it.event])).map(|cause| (urgency, cause)));
    if let Some(Ok(waits)) = facts.services.get(service).map(|it| &it.waits) {
        found.extend(stuck(facts, service, said, &waits.effects).map(|cause| (Urgency::Now, cause)));
        found.extend(waits.effects.iter().map(|it| (Urgency::Now, effect(service, it))));
        if !waits.outbox.is_empty() {
            let (service, subjects, rows) = (service.to_owned(), waits.outbox.clone(), waits.outbox_rows);
            found.push((Urgency::Now, Cause::OutboxWaits { service, subjects, rows }));
        }
        found.extend(behind(facts, service).map(|cause| (urgency, cause)));
    }
    if let Some(turn) = turn.filter(|_| found.iter().all(|(urgency, _)| *urgency != Urgency::Now)) {
        let silent = Cause::Silent { service: service.to_owned(), event: said[turn.event].to_owned() };
        found.push((Urgency::Otherwise, silent));
    }
    found
}

/// What it could not take. It is in the way where the service should say something because of it, and where nothing else
/// is known of the order.
fn parked(facts: &Facts, service: &str, open: &[&Open<'_>], said: &[&str]) -> Vec<(Urgency, Cause)> {
    let believed = facts.believed();
    let needed = |it: &Open<'_>| it.is_its_turn().then(|| believed[it.event].sequence);
    let needed: Vec<_> = open.iter().filter_map(|it| needed(it)).collect();
    let own = facts.letters.iter().filter(|it| it.letter.service == service);
    own.map(|it| {
        let in_the_way = it.letter.sequence.is_some_and(|at| needed.contains(&at)) || said.is_empty();
        (if in_the_way { Urgency::Now } else { Urgency::Later }, letter(it))
    })
    .collect()
}

fn letter(letter: &Letter) -> Cause {
    let chassis::DeadLetter { service, subject, reason, detail, .. } = letter.letter.clone();
    Cause::DeadLetter { service, number: letter.number, event: subject, reason, detail }
}

/// That it does not answer; `event` is what it should do something about.
fn down(facts: &Facts, service: &str, event: Option<&str>) -> Option<Cause> {
    let Asked { waits: Err(why), consumer } = facts.services.get(service)? else { return None };
    let unheard = facts.unheard(service);
    let service = service.to_owned();
    let Some(consumer) = consumer else {
        let event = event.or_else(|| unheard.first().map(|it| kind(it)))?.to_owned();
        return Some(Cause::NobodyListens { event, service: Some(service) });
    };
    let since = unheard.first().and_then(|it| taken(it));
    let unheard = unheard.iter().map(|it| kind(it).to_owned()).collect();
    Some(Cause::ServiceDown { service, unheard, behind: consumer.behind, since, why: why.clone() })
}

fn behind(facts: &Facts, service: &str) -> Option<Cause> {
    let unheard = facts.unheard(service);
    let since = unheard.first().and_then(|it| taken(it));
    let known = facts.services.get(service).and_then(|it| it.consumer).map_or(0, |it| it.behind);
    let behind = known.max(unheard.len() as u64);
    let unheard: Vec<_> = unheard.iter().map(|it| kind(it).to_owned()).collect();
    (!unheard.is_empty()).then(|| Cause::Behind { service: service.to_owned(), unheard, behind, since })
}

fn effect(service: &str, effect: &WaitingEffect) -> Cause {
    let (service, name, attempts) = (service.to_owned(), effect.name.clone(), effect.attempts);
    let last_error = effect.last_error.clone();
    match effect.breaker_open_until {
        Some(until) => {
            let last_error = last_error.unwrap_or_else(|| "it failed for others".to_owned());
            Cause::BreakerOpen { service, effect: name, attempts, last_error, until }
        }
        None => Cause::EffectWaits { service, effect: name, attempts, last_error, since: effect.asked },
    }
}

/// A refund of which it was said that it is stuck. The service knows its latest attempts; the event those at that time.
fn stuck(facts: &Facts, service: &str, said: &[&str], effects: &[WaitingEffect]) -> Option<Cause> {
    let owner = PaymentRefundStuck::TYPE.split('.').next();
    if owner != Some(service) || !said.contains(&PaymentRefundStuck::TYPE) || said.contains(&PaymentRefunded::TYPE) {
        return None;
    }
    let event = facts.believed().into_iter().find(|it| kind(it) == PaymentRefundStuck::TYPE)?;
    let body: Value = serde_json::from_slice(&event.body).unwrap_or_default();
    let waiting = effects.iter().find(|it| it.name == "refund");
    let attempts = waiting.map_or(0, |it| it.attempts.into()).max(body["attempts"].as_u64().unwrap_or(0));
    let latest = waiting.and_then(|it| it.last_error.as_deref()).or(body["reason"].as_str());
    Some(Cause::RefundStuck { attempts, reason: latest.unwrap_or_default().to_owned() })
}

/// What was said and that no service does anything about, though something should follow.
fn nobody_listens<'a>(facts: &'a Facts, said: &'a [&str]) -> impl Iterator<Item = Cause> + 'a {
    let graph = &facts.graph;
    let lost = |it: &&&str| match graph.events.get(**it) {
        Some(node) => !node.role.is_terminal() && !graph.is_answered(it),
        None => true,
    };
    said.iter().filter(lost).map(|it| Cause::NobodyListens { event: (*it).to_owned(), service: None })
}

/// Where it is nobody's turn: what is missing, unless somebody else who waits would say it.
fn nothing_left(way: &Way<'_>, open: &[Open<'_>], said: &[&str]) -> Option<Cause> {
    if open.iter().any(Open::is_its_turn) || said.is_empty() {
        return None;
    }
    let lacks = |it: &&Open<'_>| it.missing.iter().any(|event| !way.may_come(event, open, said));
    let services: Vec<_> = open.iter().filter(lacks).map(|it| it.service.to_owned()).collect();
    let missing = open.iter().flat_map(|it| it.missing.iter().copied());
    let events: BTreeSet<_> = missing.filter(|event| !way.may_come(event, open, said)).map(str::to_owned).collect();
    Some(match events.is_empty() {
        true => Cause::NothingDue,
        false => Cause::Missing { events: events.into_iter().collect(), services },
    })
}

fn reminders(facts: &Facts, on_its_way_back: bool) -> Vec<(Urgency, Cause)> {
    let answered = facts.services.values().filter_map(|it| it.waits.as_ref().ok());
    let standing = answered.flat_map(|waits| waits.reminders.iter().map(|it| (waits.service.clone(), it.clone())));
    let urgency = if on_its_way_back { Urgency::Later } else { Urgency::Otherwise };
    let cause = |(service, it): (String, chassis::Reminder)| {
        let runs = Cause::ReminderStands { service, reminder: it.name, at: it.at, on_its_way_back };
        (urgency, runs)
    };
    standing.map(cause).collect()
}
