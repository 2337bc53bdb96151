//! The choreography as a table for people: for each service what moves it, and what it then does.

use chassis::{
    Trigger,
    graph::{Graph, Reaction},
};

use crate::table::table;

/// Service by service: what it hears, says, performs and compensates; and the facts of its own kind that it takes back in.
pub(crate) fn text(graph: &Graph) -> String {
    let sections: Vec<_> = graph.services.iter().map(|service| section(graph, service.name)).collect();
    sections.join("\n\n")
}

fn section(graph: &Graph, service: &str) -> String {
    let (adopts, reacts): (Vec<_>, Vec<_>) =
        graph.reactions.iter().filter(|it| it.service == service).partition(|it| it.is_adoption());
    let rows: Vec<_> =
        reacts.iter().map(|it| [format!("  {}", it.cause()), "→".to_owned(), does(it).join("; ")]).collect();
    let mut lines = vec![service.to_owned(), table(&rows)];
    if !adopts.is_empty() {
        let adopted: Vec<_> = adopts.iter().map(|it| it.hears()).collect();
        lines.push(format!("  takes back in what it did not say itself: {}", adopted.join(", ")));
    }
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}

/// What a reaction may do, each kind of deed as one phrase.
pub(crate) fn does(reaction: &Reaction) -> Vec<String> {
    let it = &reaction.declared;
    let deeds = [
        ("says", &it.says),
        ("performs", &it.performs),
        ("asks to be reminded of", &it.reminds),
        ("takes back", &it.compensates),
    ];
    let phrases = deeds.into_iter().filter(|(_, what)| !what.is_empty());
    let phrases: Vec<_> = phrases.map(|(deed, what)| format!("{deed} {}", what.join(", "))).collect();
    match (phrases.is_empty(), it.trigger) {
        (false, _) => phrases,
        (true, Trigger::Command) => vec!["answers".to_owned()],
        (true, _) => vec!["takes note".to_owned()],
    }
}
