//! The shortest list of operations that still shows a disagreement, as far as a minute's looking finds it.

use std::time::{Duration, Instant};

use super::{
    operation::Operation,
    run::{Disagreement, run},
};

const LOOKING: Duration = Duration::from_secs(60);

pub async fn shortest(operations: &[Operation], found: Disagreement) -> String {
    let began = Instant::now();
    let mut kept = operations[..=found.at].to_vec();
    let mut said = found.said;
    let mut size = kept.len() / 2;
    while size > 0 && began.elapsed() < LOOKING {
        let mut at = 0;
        while at < kept.len() && began.elapsed() < LOOKING {
            let mut fewer = kept.clone();
            fewer.drain(at..(at + size).min(kept.len()));
            match run(&fewer).await {
                Err(found) => {
                    fewer.truncate(found.at + 1);
                    (kept, said) = (fewer, found.said);
                }
                Ok(_) => at += size,
            }
        }
        size /= 2;
    }
    let steps: Vec<_> = kept.iter().map(|it| format!("  {it:?}\n")).collect();
    format!("{}{said}", steps.concat())
}
