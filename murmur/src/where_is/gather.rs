//! Asking everybody. The services are asked first and the stream afterwards: what a service has done about an event by
//! then stands in its answer, or in the stream.

use std::{collections::BTreeMap, time::Duration};

use chassis::{Client, Refusal, Start, Stored, Waits, ambient, graph::Graph};
use events::{DEAD_LETTERS, EVENTS, Key};
use serde_json::json;
use tokio::{task::JoinSet, time::timeout};

use super::facts::{Asked, Facts};
use crate::{Error, dead::letter::Letter, shop::shop};

/// How long a service may take to answer. They are asked all at once.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

/// How many events of one kind are looked through for one that its owner took.
const LOOKED_AT: usize = 20;

/// Everything that can be found out about `order` now.
pub(super) async fn gather(client: &Client, order: &Key) -> Result<Facts, Error> {
    let graph = Graph::of(&shop());
    let services = ask(client, &graph, order).await?;
    let mut facts = Facts {
        order: order.clone(),
        events: client.events_about(order).await?,
        letters: letters(client, order).await?,
        now: ambient::now(),
        graph,
        services,
    };
    add_those_before(client, &mut facts).await?;
    Ok(facts)
}

async fn ask(client: &Client, graph: &Graph, order: &Key) -> Result<BTreeMap<&'static str, Asked>, Error> {
    let mut asking = JoinSet::new();
    for service in graph.services.iter().map(|it| it.name) {
        let (client, body) = (client.clone(), json!({ "key": order }).to_string());
        asking.spawn(async move {
            let waits = waits(&client, service, body).await;
            let consumer = client.consumer(EVENTS, service).await;
            consumer.map(|consumer| (service, Asked { waits, consumer }))
        });
    }
    let mut services = BTreeMap::new();
    while let Some(asked) = asking.join_next().await {
        let (service, asked) = asked.expect("asking does not panic")?;
        services.insert(service, asked);
    }
    Ok(services)
}

async fn waits(client: &Client, service: &str, body: String) -> Result<Waits, String> {
    let subject = format!("svc.{service}.waits");
    match timeout(ANSWER_WITHIN, client.command(&subject, body.into_bytes())).await {
        Ok(Ok(answer)) => serde_json::from_slice(&answer)
            .map_err(|_| format!("its answer to {subject} cannot be read, it is of another version perhaps")),
        Ok(Err(Refusal { code: 503, .. })) => Err("nobody answers its commands".to_owned()),
        Ok(Err(refusal)) => Err(refusal.message),
        Err(_) => Err(format!("no answer within {} s", ANSWER_WITHIN.as_secs())),
    }
}

/// The dead letters about the order: those of events under its key, and of what was typed without one.
async fn letters(client: &Client, order: &Key) -> Result<Vec<Letter>, Error> {
    let mut letters = Vec::new();
    for subjects in [format!("dead.*.*.*.{order}"), "dead.*.*.*".to_owned()] {
        let mut pages = client.pages(DEAD_LETTERS, &subjects, Start::Sequence(1)).await?;
        while let Some(page) = pages.next().await? {
            letters.extend(page.iter().map(Letter::read).filter(|it| it.is_about(order.as_str())));
        }
    }
    letters.sort_by_key(|it| it.number);
    Ok(letters)
}

/// Where the last event of a kind was refused by its owner, the one before it counts.
async fn add_those_before(client: &Client, facts: &mut Facts) -> Result<(), Error> {
    let refused = facts.events.iter().filter(|it| facts.is_refused(it));
    let mut open: Vec<(String, u64)> = refused.map(|it| (it.subject.clone(), it.sequence)).collect();
    for _ in 0..LOOKED_AT {
        let Some((subject, sequence)) = open.pop() else { break };
        let before: Vec<Stored> = client.last_of(EVENTS, &[subject], Some(sequence.saturating_sub(1))).await?;
        for event in before.into_iter().filter(|it| it.sequence < sequence) {
            if facts.is_refused(&event) {
                open.push((event.subject.clone(), event.sequence));
            }
            facts.events.push(event);
        }
    }
    facts.events.sort_by_key(|it| it.sequence);
    Ok(())
}
