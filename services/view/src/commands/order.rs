//! `svc.view.order`: one order, with its timeline.

use std::collections::HashMap;

use chassis::{Refusal, Turn};
use events::{CancelReason, Currency, CustomerId, MinorUnits, OrderId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::up_to;
use crate::{
    rows::{Order, Stuck},
    standing::{SagaStatus, Status, whose},
    timeline::{self, Told},
};

/// How many events an answer shows at most; `after` asks for those behind.
const SHOWN_AT_MOST: usize = 200;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Show {
    order_id: OrderId,
    /// Shows the timeline behind this place in the stream.
    after: Option<u64>,
}

/// An order as a list shows it.
#[derive(Serialize)]
pub struct Short {
    order_id: OrderId,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_id: Option<CustomerId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<MinorUnits>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<Currency>,
    #[serde(skip_serializing_if = "Option::is_none")]
    placed_at: Option<Timestamp>,
    status: Status,
    saga_status: SagaStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<CancelReason>,
    /// The service that should say something next.
    #[serde(skip_serializing_if = "Option::is_none")]
    whose_turn: Option<String>,
    /// What it should say.
    #[serde(skip_serializing_if = "Option::is_none")]
    waits_for: Option<String>,
    since: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    stuck: Option<Stuck>,
}

#[derive(Serialize)]
pub struct Shown {
    #[serde(flatten)]
    order: Short,
    /// How many events were heard about it.
    events: u64,
    last_sequence: u64,
    timeline: Vec<Line>,
    /// There are more: ask again with this as `after`.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
    up_to: u64,
}

/// An event with the number of the one that caused it, where the answer shows that one too.
#[derive(Serialize)]
struct Line {
    #[serde(flatten)]
    told: Told,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<u64>,
}

impl Short {
    pub fn of(order_id: OrderId, order: &Order) -> Short {
        let placed = order.placed.as_ref();
        Short {
            order_id,
            customer_id: placed.map(|it| it.customer_id.clone()),
            total: placed.map(|it| it.total),
            currency: placed.map(|it| it.currency),
            placed_at: placed.map(|it| it.at),
            status: order.status(),
            saga_status: order.status().saga(),
            reason: order.reason(),
            whose_turn: order.waits_for.as_deref().map(|kind| whose(kind).to_owned()),
            waits_for: order.waits_for.clone(),
            since: order.since,
            stuck: order.stuck.clone(),
        }
    }
}

/// Where an order stands, and how it came there.
pub fn show(turn: &mut Turn<'_>, command: Show) -> Result<Shown, Refusal> {
    let Show { order_id, after } = command;
    let up_to = up_to(turn);
    let order: Order = turn.row(&order_id).ok_or_else(|| {
        Refusal::not_found(format!("nothing was heard of an order {order_id}, up to message {up_to}: check the id"))
    })?;
    let mut told = timeline::lines(turn, &order_id, order.events, after, SHOWN_AT_MOST + 1);
    let more = told.len() > SHOWN_AT_MOST;
    told.truncate(SHOWN_AT_MOST);
    let numbers: HashMap<_, _> = told.iter().map(|told| (told.id, told.number)).collect();
    let next = told.last().map(|told| told.sequence).filter(|_| more);
    let line = |told: Told| Line { cause: told.causation.and_then(|id| numbers.get(&id).copied()), told };
    Ok(Shown {
        events: order.events,
        last_sequence: order.last_sequence,
        timeline: told.into_iter().map(line).collect(),
        next,
        up_to,
        order: Short::of(order_id, &order),
    })
}
