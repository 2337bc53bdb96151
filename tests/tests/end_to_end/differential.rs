//! The model of JetStream is honest: it and a real nats-server are given the same operations, and have to give the same
//! answers. What a simulation shows is worth as much as this test.
//!
//! Time is the model's own. The broker's is kept behind it: before a window or a wait could end by itself, both are told
//! to wait for its end.

mod operation;
mod run;
mod server;
mod shrink;

use std::collections::BTreeMap;

use fastrand::Rng;
use futures_util::{StreamExt, stream};
use tests::proof::{Proof, times};

use self::{operation::Operation, run::run};

/// How many operations one seed has.
const OPERATIONS: usize = 160;

/// How many brokers run side by side.
const SIDE_BY_SIDE: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_model_and_a_real_broker_give_the_same_answers() {
    let seeds = times(6, 300);
    let each = stream::iter(0..seeds).map(async |seed| {
        let mut rng = Rng::with_seed(seed);
        let operations: Vec<_> = (0..OPERATIONS).map(|_| Operation::any(&mut rng)).collect();
        match run(&operations).await {
            Ok(done) => done,
            Err(found) => {
                let said = shrink::shortest(&operations, found).await;
                panic!("seed {seed}: the model and the broker disagree\n{said}");
            }
        }
    });
    let mut figures = BTreeMap::new();
    let mut tried = 0;
    let mut each = each.buffer_unordered(SIDE_BY_SIDE);
    while let Some(done) = each.next().await {
        for (kind, count) in done {
            tried += count;
            *figures.entry(kind.to_owned()).or_default() += count;
        }
    }
    for needed in operation::KINDS {
        assert!(figures.contains_key(*needed), "never tried: {needed}; {figures:?}");
    }
    println!("{tried} operations: {figures:?}");
    let (part, fault) = ("differential".to_owned(), "the same operations on the model and on nats-server".to_owned());
    let repeat = "just prove differential".to_owned();
    Proof { part, fault, tried, figures, repeat, ..Proof::default() }.record();
}
