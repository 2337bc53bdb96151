//! Whether what is taken stays level. The rule is in `soak --help`.

use std::collections::BTreeMap;

use bench::sample::Sample;

const MIB: f64 = 1024.0 * 1024.0;
const FACTOR: f64 = 1.25;
const SLACK: f64 = 8.0 * MIB;

/// They keep something of every order, by design.
const ARCHIVES: [&str; 2] = ["view", "sandbox-gateway"];

/// One thing that is taken, by program.
type Taken = fn(&Sample) -> &BTreeMap<&'static str, u64>;

/// What one program takes of one thing.
pub struct Verdict {
    program: &'static str,
    what: &'static str,
    /// The most of it in the first half, the first tenth aside, and in the second half; in bytes.
    early: f64,
    late: f64,
    /// Bytes that were added with each order between the two.
    per_order: f64,
}

impl Verdict {
    pub fn is_level(&self) -> bool {
        ARCHIVES.contains(&self.program) || self.late <= self.early * FACTOR + SLACK
    }

    pub fn line(&self) -> String {
        let verdict = match (ARCHIVES.contains(&self.program), self.is_level()) {
            (true, _) => format!("{:.0} bytes an order", self.per_order),
            (false, true) => "level".to_owned(),
            (false, false) => format!("NOT LEVEL: {:.0} bytes an order", self.per_order),
        };
        let (program, what, early, late) = (self.program, self.what, self.early / MIB, self.late / MIB);
        format!(
            "{program:<16} {what:<7} {early:>8.1} MiB at most in the first half, {late:>8.1} in the second: {verdict}\n"
        )
    }
}

/// A verdict for each program's disk and memory.
pub fn all(samples: &[Sample], orders: u64) -> Vec<Verdict> {
    let of = |what: &'static str, taken: Taken| {
        let programs = samples.last().map(|last| taken(last).keys().copied().collect::<Vec<_>>());
        programs.unwrap_or_default().into_iter().map(move |program| {
            let between = |from: f64, to: f64| {
                let place = |sample: &&Sample| (from..=to).contains(&(sample.ended as f64 / orders as f64));
                let there: Vec<_> = samples.iter().filter(place).collect();
                let mean = |sum: u64| sum as f64 / there.len().max(1) as f64;
                let bytes: Vec<_> = there.iter().filter_map(|sample| taken(sample).get(program)).copied().collect();
                let most = bytes.iter().max().copied().unwrap_or_default() as f64;
                (most, mean(bytes.iter().sum()), mean(there.iter().map(|sample| sample.ended).sum()))
            };
            let ((early, mean_then, then), (late, mean_now, now)) = (between(0.1, 0.5), between(0.5, 1.0));
            let per_order = (mean_now - mean_then) / (now - then).max(1.0);
            Verdict { program, what, early, late, per_order }
        })
    };
    of("disk", |it| &it.disk).chain(of("memory", |it| &it.memory)).collect()
}

/// Whether as much is forgotten as comes by the end of the first tenth.
pub fn long_enough(samples: &[Sample], orders: u64, horizon: u64) -> Result<(), String> {
    let tenth = samples.iter().take_while(|sample| sample.ended * 10 < orders).count() as u64;
    match tenth > horizon * 2 {
        true => Ok(()),
        false => Err(format!(
            "the first tenth took {tenth} s, and is kept for {} s: nothing can be level before that. Use more --orders, or \
             a shorter --horizon",
            horizon * 2
        )),
    }
}

/// What stands in the scorecard.
pub fn figures(verdicts: &[Verdict]) -> BTreeMap<String, u64> {
    let mut figures = BTreeMap::new();
    for what in ["disk", "memory"] {
        let judged = || verdicts.iter().filter(|it| it.what == what && !ARCHIVES.contains(&it.program));
        let total = |taken: fn(&Verdict) -> f64| (judged().map(taken).sum::<f64>() / MIB) as u64;
        figures.insert(format!("MiB of {what} at most in the first half"), total(|it| it.early));
        figures.insert(format!("MiB of {what} at most in the second half"), total(|it| it.late));
        for archive in ARCHIVES {
            let its = verdicts.iter().find(|it| it.what == what && it.program == archive);
            let bytes = its.map_or(0, |it| it.per_order.max(0.0) as u64);
            figures.insert(format!("bytes of {what} an order in {archive}"), bytes);
        }
    }
    figures
}
