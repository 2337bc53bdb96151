//! Whether what a service asks for comes back to it: the outcomes of effects, and reminders.

use std::collections::BTreeSet;

use super::{Finding, Rule};
use crate::{
    Trigger,
    graph::{Graph, Reaction},
};

/// Effects that are asked for and not settled, and the other way round.
pub(super) fn effects(graph: &Graph) -> Vec<Finding> {
    let asked = names(graph, |it| it.declared.performs.iter().map(|it| (*it).to_owned()).collect());
    let settled = names(graph, |it| heard_as(it, &[Trigger::Outcome]));
    let awaited = names(graph, |it| heard_as(it, &[Trigger::Outcome, Trigger::Attempt]));
    let unsettled = asked.difference(&settled).map(|(service, effect)| Finding {
        rule: Rule::Settled,
        about: effect.clone(),
        service: Some(service),
        problem: format!("{service} asks for the effect {effect}, and does nothing with its outcome"),
        advice: "settle it with settles::<…>".to_owned(),
    });
    let unasked = awaited.difference(&asked).map(|(service, effect)| Finding {
        rule: Rule::Performed,
        about: effect.clone(),
        service: Some(service),
        problem: format!("{service} waits for the effect {effect}, and asks nobody for it"),
        advice: "declare it with performs::<…> behind the reaction that asks, or remove what waits".to_owned(),
    });
    unsettled.chain(unasked).collect()
}

/// Reminders that are asked for and not reacted to, and the other way round.
pub(super) fn reminders(graph: &Graph) -> Vec<Finding> {
    let asked = names(graph, |it| it.declared.reminds.iter().map(|it| (*it).to_owned()).collect());
    let awaited = names(graph, |it| heard_as(it, &[Trigger::Reminder]));
    let unanswered = asked.difference(&awaited).map(|(service, reminder)| Finding {
        rule: Rule::Answered,
        about: reminder.clone(),
        service: Some(service),
        problem: format!("{service} asks for the reminder {reminder}, and does nothing when its time has come"),
        advice: format!("react to it with reminded({reminder:?}, …)"),
    });
    let unasked = awaited.difference(&asked).map(|(service, reminder)| Finding {
        rule: Rule::Asked,
        about: reminder.clone(),
        service: Some(service),
        problem: format!("{service} waits for the reminder {reminder}, and asks nobody for it"),
        advice: format!("declare it with reminds({reminder:?}) behind the reaction that asks, or remove what waits"),
    });
    unanswered.chain(unasked).collect()
}

fn names(graph: &Graph, of: impl Fn(&Reaction) -> Vec<String>) -> BTreeSet<(&'static str, String)> {
    graph.reactions.iter().flat_map(|it| of(it).into_iter().map(|name| (it.service, name))).collect()
}

fn heard_as(reaction: &Reaction, triggers: &[Trigger]) -> Vec<String> {
    triggers.contains(&reaction.declared.trigger).then(|| reaction.hears().to_owned()).into_iter().collect()
}
