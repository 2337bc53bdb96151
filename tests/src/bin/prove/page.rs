//! `docs/reliability.md`, made of the figures and of nothing else.

use std::fmt::Write;

use ::tests::proof::Proof;

use crate::{
    parts::{PARTS, Part},
    record::{Record, Run},
};

const HEAD: &str = "\
# Reliability

Each line is a fault that was caused on purpose, on one machine, while orders were placed through commands. *Acknowledged*
are the orders whose customer got an answer. *Lost* are those of them that nobody knew afterwards, *doubled* the charges,
refunds, mails and stock movements that happened twice (the payment gateway's own ledger is the witness), *unfinished* the
orders that came to no end.

This page is written by `just prove`, figures and dates included; `just prove --list` shows the parts.
";

/// The page.
pub fn of(record: &Record) -> String {
    let mut page = HEAD.to_owned();
    let runs = PARTS.iter().map(|part| (part, record.parts.get(part.name)));
    line(&mut page, "");
    line(&mut page, &sum(record));
    line(&mut page, "\n## Faults\n");
    line(&mut page, "| fault | tried | acknowledged | lost | doubled | unfinished | also counted | again with |");
    line(&mut page, "|---|--:|--:|--:|--:|--:|---|---|");
    for (part, run) in runs.clone().filter(|(part, _)| part.name != "mutations") {
        faults(&mut page, part, run);
    }
    mutations(&mut page, record.parts.get("mutations"));
    line(&mut page, "\n## Runs\n");
    line(&mut page, "| part | what it does | last run | took | of |");
    line(&mut page, "|---|---|---|--:|---|");
    for (part, run) in runs {
        let of = run.map_or(["not run", "", ""].map(str::to_owned), |run| {
            [format!("{} {}", run.verdict(), run.date), run.took(), format!("`{}`", run.commit)]
        });
        line(&mut page, &format!("| `{}` | {} | {} |", part.name, part.about, of.join(" | ")));
    }
    machines(&mut page, record);
    page
}

/// All figures in one sentence.
fn sum(record: &Record) -> String {
    let proofs = || record.parts.iter().filter(|(name, _)| *name != "mutations").flat_map(|(_, run)| &run.proofs);
    let total = |what: fn(&Proof) -> u64| number(proofs().map(what).sum());
    let simulated: u64 = proofs().filter(|it| it.part == "simulation").map(|it| it.acknowledged).sum();
    format!(
        "**{} orders were acknowledged, {} of them in simulation: {} lost, {} doubled, {} unfinished.**",
        total(|it| it.acknowledged),
        number(simulated),
        total(|it| it.lost),
        total(|it| it.doubled),
        total(|it| it.unfinished)
    )
}

fn faults(page: &mut String, part: &Part, run: Option<&Run>) {
    let Some(run) = run else {
        return line(page, &format!("| {}: not run | | | | | | | `just prove {}` |", part.about, part.name));
    };
    if !run.passed {
        line(page, &format!("| **{}: FAILED** | | | | | | | `just prove {}` |", part.about, part.name));
    }
    for proof in &run.proofs {
        let figures = [proof.tried, proof.acknowledged, proof.lost, proof.doubled, proof.unfinished].map(number);
        let [fault, also] = [proof.fault.clone(), also(proof)].map(|text| text.replace('|', "\\|"));
        line(page, &format!("| {fault} | {} | {also} | `{}` |", figures.join(" | "), proof.repeat));
    }
}

fn also(proof: &Proof) -> String {
    let mut also: Vec<_> = proof.figures.iter().map(|(name, count)| format!("{name} {}", number(*count))).collect();
    if proof.skipped > 0 {
        let why = proof.skipped_because.as_deref().unwrap_or("it does not say why");
        also.push(format!("skipped {}: {why}", number(proof.skipped)));
    }
    also.join(", ")
}

fn mutations(page: &mut String, run: Option<&Run>) {
    line(page, "\n## What would be noticed\n");
    let Some(run) = run else { return line(page, "Not run: `just prove mutations`.") };
    line(page, "Each guarantee was taken out of the code, one at a time, and the tests were run:\n");
    line(page, "| taken out | noticed by |");
    line(page, "|---|---|");
    for proof in &run.proofs {
        let by = proof.caught_by.as_deref().map_or("**NOTHING**".to_owned(), |by| format!("`{by}`"));
        line(page, &format!("| {} | {by} |", proof.fault));
    }
}

/// One sentence where all parts ran on the same machine; else one for each.
fn machines(page: &mut String, record: &Record) {
    let mut known: Vec<(String, Vec<&str>)> = Vec::new();
    for (name, run) in &record.parts {
        let machine = run.machine.sentence();
        match known.iter_mut().find(|(it, _)| *it == machine) {
            Some((_, parts)) => parts.push(name),
            None => known.push((machine, vec![name])),
        }
    }
    line(page, "");
    for (machine, parts) in &known {
        let whose = if known.len() == 1 { String::new() } else { format!(" ({})", parts.join(", ")) };
        line(page, &format!("Run on {machine}{whose}."));
    }
}

/// With a comma before each three digits.
fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn line(page: &mut String, text: &str) {
    writeln!(page, "{text}").expect("text can be added to text");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_a_comma_before_each_three_digits() {
        let numbers = [0, 12, 123, 1234, 123_456, 1_234_567];
        assert_eq!(numbers.map(number), ["0", "12", "123", "1,234", "123,456", "1,234,567"]);
    }

    #[test]
    fn what_was_not_run_failed_or_was_skipped_says_so() {
        let proof = |fault: &str| Proof { part: "kills".to_owned(), fault: fault.to_owned(), ..Proof::default() };
        let skipped = Proof { skipped: 3, skipped_because: Some("no root".to_owned()), ..proof("of payment") };
        let lost = Proof { tried: 1200, acknowledged: 7, lost: 1, ..proof("of order") };
        let machine = bench::machine::Machine {
            cores: 2,
            memory: Some(4),
            system: "a system".to_owned(),
            rustc: "a compiler".to_owned(),
            nats_server: "a broker".to_owned(),
        };
        let (date, commit, proofs) = ("2026-01-02".to_owned(), "abc".to_owned(), vec![skipped, lost]);
        let run = Run { date, commit, machine, seconds: 200, passed: false, proofs };
        let page = of(&Record { parts: [("kills".to_owned(), run)].into() });
        for said in [
            "**7 orders were acknowledged, 0 of them in simulation: 1 lost, 0 doubled, 0 unfinished.**",
            "| **kill -9 under load, again and again: FAILED** |",
            "| of payment | 0 | 0 | 0 | 0 | 0 | skipped 3: no root |",
            "| of order | 1,200 | 7 | 1 | 0 | 0 |",
            "the power goes, for stores, for the broker, or for all of it: not run",
            "| FAILED 2026-01-02 | 3 min | `abc` |",
            "Run on 2 cores, 4 GiB of memory, a system; a compiler; a broker.",
        ] {
            assert!(page.contains(said), "{said} is not in\n{page}");
        }
    }
}
