//! The way to a state, for people.

use super::{Bad, Move, Scenario};
use crate::world::{Step, World, saved::Stage};

/// A bad state, with the way there from the beginning.
pub(super) fn bad(
    scenario: &Scenario,
    why: Vec<String>,
    ways: &[(u32, Option<Move>)],
    from: u32,
    last: Option<Move>,
) -> Box<Bad> {
    let mut moves: Vec<_> = last.into_iter().collect();
    let mut at = from;
    while let (before, Some(by)) = ways[at as usize] {
        moves.push(by);
        at = before;
    }
    let mut stage = Stage::new(scenario.begin());
    let mut timeline = Vec::new();
    for it in moves.into_iter().rev() {
        timeline.push(format!("{:3} {}", timeline.len() + 1, said(&stage.world, scenario, it)));
        it.take(&mut stage, scenario);
    }
    Box::new(Bad { why, timeline })
}

fn said(world: &World, scenario: &Scenario, it: Move) -> String {
    let name = world.service(it.service(world, scenario)).name();
    let subject = |place: usize| world.stream()[place].subject.as_str();
    match it {
        Move::Step(Step::Hear(at, 0)) => format!("{name:12} hears {}", subject(world.unheard(at)[0])),
        Move::Step(Step::Hear(at, place)) => {
            let waiting = subject(world.unheard(at)[0]);
            format!("{name:12} hears {}   overtaking {waiting}", subject(world.unheard(at)[place]))
        }
        Move::Step(Step::Publish(at)) => format!("{name:12} says {}", world.next_said(at).unwrap_or_default()),
        Move::Step(Step::Perform(at, place)) => {
            let effect = world.effects(at).nth(place).map_or("", |(name, _)| name);
            format!("{name:12} performs {effect}")
        }
        Move::Step(Step::Settle(..)) => format!("{name:12} hears the outcome"),
        Move::Step(Step::Remind(..)) => format!("{name:12} is late"),
        Move::Crash(_) => format!("{name:12} is killed, and starts again"),
        Move::Again(_, place) => format!("{name:12} hears {}   again", subject(place)),
        Move::Command(number) => format!("{name:12} is told to {}", scenario.commands[number].1),
    }
}
