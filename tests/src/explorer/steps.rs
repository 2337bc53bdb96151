//! What can happen next in a state, and what of it has to be tried.

use super::{Faults, Scenario, Seen};
use crate::world::{Step, World, saved::Stage};

/// How often an effect is tried that fails.
pub const ATTEMPTS: u32 = 2;

/// A move from one state to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// Something that happens by itself.
    Step(Step),
    /// The process of a service ends and starts again.
    Crash(usize),
    /// A service hears the message at this place again.
    Again(usize, usize),
    /// The scenario's command of this number is sent.
    Command(usize),
}

impl Move {
    /// Whether it is no accident: where no such move is left, every order has to have ended.
    pub(super) fn goes_on(&self) -> bool {
        match self {
            Move::Step(Step::Remind(..)) => false,
            Move::Step(Step::Hear(_, place)) => *place == 0,
            Move::Step(_) => true,
            Move::Crash(_) | Move::Again(..) | Move::Command(_) => false,
        }
    }

    /// Whether a dead letter may come of it.
    pub(super) fn may_refuse(&self) -> bool {
        matches!(self, Move::Step(Step::Publish(_)))
    }

    /// Which service it is a move of.
    pub(super) fn service(&self, world: &World, scenario: &Scenario) -> usize {
        match *self {
            Move::Step(
                Step::Hear(at, _)
                | Step::Publish(at)
                | Step::Perform(at, _)
                | Step::Settle(at, _)
                | Step::Remind(at, _),
            )
            | Move::Crash(at)
            | Move::Again(at, _) => at,
            Move::Command(number) => {
                let named = |at: &usize| world.service(*at).name() == scenario.commands[number].0;
                (0..world.services()).find(named).expect("a command is for a service of the shop")
            }
        }
    }

    pub(super) fn take(self, stage: &mut Stage, scenario: &Scenario) {
        let at = self.service(&stage.world, scenario);
        stage.act(at, |world| {
            match self {
                Move::Step(step) => world.take(step),
                Move::Crash(at) => world.restart(at),
                Move::Again(at, message) => world.hear_again(at, message),
                Move::Command(number) => {
                    let (service, command) = scenario.commands[number];
                    // A refusal is an answer: it may be too early, or too late.
                    drop(world.command(service, command, r#"{"order_id":"o-1"}"#));
                }
            }
            let forgetful = |world: &World| world.effects(at).position(|(name, _)| remembers_nothing(name));
            while let Some(place) = forgetful(world) {
                world.take(Step::Perform(at, place));
            }
        });
    }

    pub(super) fn count(&self, seen: &mut Seen) {
        match self {
            Move::Crash(_) => seen.crashes += 1,
            Move::Again(..) => seen.duplicates += 1,
            Move::Step(Step::Hear(_, 1..)) => seen.overtakings += 1,
            _ => {}
        }
    }

    /// What is left of the faults, and which commands are sent, after it.
    pub(super) fn spent(&self, mut left: Faults, mut sent: u32) -> (Faults, u32) {
        match self {
            Move::Crash(_) => left.crashes -= 1,
            Move::Again(..) => left.duplicates -= 1,
            Move::Step(Step::Hear(_, 1..)) => left.overtakings -= 1,
            Move::Step(Step::Remind(..)) => left.deadlines -= 1,
            Move::Command(number) => sent |= 1 << number,
            Move::Step(_) => {}
        }
        (left, sent)
    }
}

/// Performed twice, or performed and forgotten, it is as if it was performed once or never.
fn remembers_nothing(effect: &str) -> bool {
    matches!(effect, "booking" | "mail")
}

/// All moves.
pub(super) fn moves(world: &World, scenario: &Scenario, left: Faults, sent: u32) -> Vec<Move> {
    let possible = |step: &Step| match *step {
        Step::Hear(_, place) => place == 0 || left.overtakings > 0,
        Step::Perform(at, place) => world.effects(at).nth(place).is_some_and(|(_, attempts)| attempts < ATTEMPTS),
        Step::Remind(..) => left.deadlines > 0,
        Step::Publish(_) | Step::Settle(..) => true,
    };
    let mut moves: Vec<_> = world.steps().into_iter().filter(possible).map(Move::Step).collect();
    let unsent = (0..scenario.commands.len()).filter(|number| sent & (1 << number) == 0);
    moves.extend(unsent.map(Move::Command));
    for at in 0..world.services() {
        if left.crashes > 0 {
            moves.push(Move::Crash(at));
        }
        if left.duplicates > 0 {
            let heard = (0..world.stream().len()).filter(|place| world.has_heard(at, *place));
            moves.extend(heard.map(|place| Move::Again(at, place)));
        }
    }
    moves
}

/// Those of them that have to be tried: the moves of one service where that is enough, see [the module](super).
pub(super) fn enough(world: &World, scenario: &Scenario, left: Faults, moves: Vec<Move>) -> Vec<Move> {
    if left.overtakings > 0 {
        return moves;
    }
    let publishes = |at: usize| moves.contains(&Move::Step(Step::Publish(at)));
    let alone = |at: &usize| !world.unheard(*at).is_empty() && !publishes(*at);
    match (0..world.services()).find(alone) {
        Some(alone) => moves.into_iter().filter(|it| it.service(world, scenario) == alone).collect(),
        None => moves,
    }
}
