use fastrand::Rng;

use super::{Faults, SCENARIOS, digest, steps};
use crate::world::saved::{Saved, Stage};

const FAULTS: Faults = Faults { crashes: 3, duplicates: 3, overtakings: 3, deadlines: 1 };

fn digest_of(stage: &Stage) -> u128 {
    stage.save().digest(digest::log(&stage.world))
}

/// Random moves until none is left, with something done between them; the state after each.
fn walk(seed: u64, mut between: impl FnMut(&mut Stage, &[Saved])) -> Vec<u128> {
    let mut rng = Rng::with_seed(seed);
    let scenario = rng.choice(SCENARIOS).unwrap();
    let mut stage = Stage::new(scenario.begin());
    let mut been = vec![stage.save()];
    let (mut left, mut sent) = (FAULTS, 0);
    let mut digests = Vec::new();
    loop {
        let moves = steps::moves(&stage.world, scenario, left, sent);
        let Some(next) = rng.choice(moves) else { return digests };
        between(&mut stage, &been);
        next.take(&mut stage, scenario);
        (left, sent) = next.spent(left, sent);
        digests.push(digest_of(&stage));
        been.push(stage.save());
    }
}

#[test]
fn a_state_that_is_come_back_to_is_the_one_that_was_left() {
    let mut moves = 0;
    for seed in 0..60 {
        let stayed = walk(seed, |_, _| {});
        let left = walk(seed, |stage, been| {
            let here = stage.save();
            let before = digest_of(stage);
            // The first one, some, and the one before.
            stage.load(&been[0]);
            stage.load(&been[been.len() / 2]);
            stage.load(&been[been.len().saturating_sub(2)]);
            stage.load(&here);
            assert_eq!(digest_of(stage), before);
        });
        assert_eq!(stayed, left, "seed {seed}");
        moves += stayed.len();
    }
    assert!(moves > 1000, "{moves} moves");
}

#[test]
fn what_happens_in_another_order_and_comes_to_the_same_is_one_state() {
    let scenario = &SCENARIOS[0];
    let mut stage = Stage::new(scenario.begin());
    let take = |stage: &mut Stage, number: usize| {
        let moves = steps::moves(&stage.world, scenario, Faults::default(), 0);
        moves[number].take(stage, scenario);
    };
    // The order service hears what was typed, and says it with its key: then everybody has something to hear.
    take(&mut stage, 0);
    take(&mut stage, 0);
    let fork = stage.save();
    let moves = steps::moves(&stage.world, scenario, Faults::default(), 0);
    let (one, other) = (moves[0], moves[1]);
    one.take(&mut stage, scenario);
    other.take(&mut stage, scenario);
    let digest = digest_of(&stage);
    stage.load(&fork);
    other.take(&mut stage, scenario);
    assert_ne!(digest_of(&stage), digest);
    one.take(&mut stage, scenario);
    assert_eq!(digest_of(&stage), digest);
}
