//! The figures as tables, for people.

use super::{Measured, Report, ratio};
use crate::{
    growth::Growth,
    limit::Limit,
    phase::{How, Phase, Work},
    tally::Times,
};

const MIB: f64 = 1024.0 * 1024.0;

/// All of it.
pub fn table(report: &Report) -> String {
    let plan = &report.plan;
    let mut text = format!(
        "{}; commit {}\neach load {} s; {} articles, {} customers; {}\n",
        report.machine.sentence(),
        report.commit,
        plan.seconds,
        plan.skus,
        plan.customers,
        plan.system
    );
    let limits: Vec<_> = [("A  the broker alone", &report.limit_a), ("B  and the stores", &report.limit_b)]
        .into_iter()
        .filter_map(|(name, limit)| Some(of_limit(name, limit.as_ref()?)))
        .collect();
    if !limits.is_empty() {
        let head = [
            "limit",
            "orders/s",
            "CPU ms",
            "broker",
            "load",
            "messages",
            "said by",
            "heard by",
            "bytes, broker",
            "stores",
        ];
        text += &section(&head, limits);
    }
    for system in &report.systems {
        text += &of_system(report, system);
    }
    text += &report.growth.as_ref().map(of_growth).unwrap_or_default();
    text
}

fn of_limit(name: &str, limit: &Limit) -> Vec<String> {
    let of = |process: &str| limit.cpu_ms.get(process).copied().unwrap_or_default();
    let disk = |name: &str| limit.disk.get(name).copied().unwrap_or_default();
    vec![
        name.to_owned(),
        format!("{:.0}", limit.per_second),
        format!("{:.3}", limit.cpu()),
        format!("{:.3}", of("nats-server")),
        format!("{:.3}", of("load")),
        format!("{:.1}", limit.messages),
        format!("{:.0}", limit.batch_said),
        format!("{:.0}", limit.batch_heard),
        format!("{:.0}", disk("nats-server")),
        format!("{:.0}", disk("stores")),
    ]
}

fn of_system(report: &Report, system: &Measured) -> String {
    let title = format!("{} % fail", system.failing);
    let head = [
        title.as_str(),
        "orders/s",
        "to A",
        "to B",
        "answer p50",
        "p99",
        "p99.9",
        "completed p50",
        "p99",
        "p99.9",
        "cancelled p50",
        "p99",
        "CPU ms",
        "commits",
        "publishes",
        "batch",
        "busy",
        "unanswered",
    ];
    let phases: Vec<_> = system.closed.iter().chain(&system.open).collect();
    let mut text = section(&head, phases.iter().map(|phase| of_phase(report, phase)).collect());
    text += &cpu(&phases);
    text += &system.best().map(work).unwrap_or_default();
    let disk = system.disk.iter().map(|(name, bytes)| vec![name.clone(), format!("{bytes:.0}")]);
    text += &section(&["bytes an order on the disk of", ""], disk.collect());
    let memory = system.memory.iter().map(|(name, (now, most))| vec![name.clone(), mib(*now), mib(*most)]);
    text += &section(&["MiB of memory", "in the end", "at most"], memory.collect());
    if system.doubled + system.dead_letters > 0 {
        let Measured { doubled, dead_letters, .. } = system;
        text +=
            &format!("\nWRONG: {doubled} charges or refunds were doubled, {dead_letters} messages are dead letters\n");
    }
    text
}

fn of_phase(report: &Report, phase: &Phase) -> Vec<String> {
    let part = |limit| ratio(phase.per_second, limit).map_or("-".to_owned(), |it| format!("{it:.2}"));
    let ms = |times: &Times| {
        [times.p50, times.p99, times.p999].map(|it| if it > 0.0 { format!("{it:.1}") } else { "-".to_owned() })
    };
    let all = phase.all_work();
    let batch = all.turns / all.commits.max(f64::MIN_POSITIVE);
    let mut cells = vec![
        label(phase.how),
        format!("{:.0}", phase.per_second),
        part(report.limit_a.as_ref()),
        part(report.limit_b.as_ref()),
    ];
    cells.extend(ms(&phase.answer_ms));
    cells.extend(ms(&phase.completed_ms));
    cells.extend(ms(&phase.cancelled_ms).into_iter().take(2));
    cells.extend([
        format!("{:.3}", phase.cpu()),
        format!("{:.2}", all.commits),
        format!("{:.2}", all.publishes),
        format!("{batch:.1}"),
        phase.busy.to_string(),
        phase.unanswered.to_string(),
    ]);
    cells
}

/// How a load is called.
pub fn label(how: How) -> String {
    match how {
        How::Closed(together) => format!("closed, {together}"),
        How::Open(share, _) => format!("open, {share} %"),
    }
}

fn cpu(phases: &[&Phase]) -> String {
    let mut head = vec!["CPU ms an order".to_owned()];
    head.extend(phases.iter().map(|it| label(it.how)));
    let names: std::collections::BTreeSet<_> = phases.iter().flat_map(|it| it.cpu_ms.keys()).collect();
    let row = |name: &String| {
        let of = |phase: &&Phase| format!("{:.3}", phase.cpu_ms.get(name).copied().unwrap_or_default());
        [name.clone()].into_iter().chain(phases.iter().map(of)).collect()
    };
    section(&head.iter().map(String::as_str).collect::<Vec<_>>(), names.into_iter().map(row).collect())
}

/// What the services do for one order, in the best closed loop.
fn work(best: &Phase) -> String {
    let title = format!("an order, {}", label(best.how));
    let head = [title.as_str(), "turns", "heard", "commits", "rows", "bytes", "published", "publishes", "batch"];
    let row = |name: &str, it: &Work| {
        let batch = if it.commits > 0.0 { it.turns / it.commits } else { 0.0 };
        let figures = [it.turns, it.heard, it.commits, it.rows, it.bytes, it.published, it.publishes, batch];
        [name.to_owned()].into_iter().chain(figures.map(|figure| format!("{figure:.2}"))).collect()
    };
    let rows = best.work.iter().map(|(name, it)| row(name, it)).chain([row("all", &best.all_work())]);
    section(&head, rows.collect())
}

fn of_growth(growth: &Growth) -> String {
    let row = |(there, phase): &(u64, Phase)| {
        vec![format!("{there} orders in the stores"), format!("{:.0}", phase.per_second), format!("{:.3}", phase.cpu())]
    };
    let ratio = vec!["ratio".to_owned(), format!("{:.2}", growth.ratio()), String::new()];
    let mut text = section(&["growth", "orders/s", "CPU ms"], vec![row(&growth.few), row(&growth.many), ratio]);
    let start = |(name, bytes): (&String, &u64)| {
        let ready = growth.ready.get(name).map_or("-".to_owned(), |seconds| format!("{seconds:.2}"));
        let disk = growth.disk.get(name).map_or("-".to_owned(), |bytes| mib(*bytes));
        vec![name.clone(), mib(*bytes), disk, ready]
    };
    text += &section(
        &["with all of them", "MiB of memory", "of disk", "ready, s"],
        growth.memory.iter().map(start).collect(),
    );
    let rebuilt = growth.rebuilt.iter().map(|(name, it)| {
        vec![name.clone(), it.events.to_string(), format!("{:.1}", it.seconds), format!("{:.0}", it.per_second)]
    });
    text + &section(&["rebuilt from the stream", "events", "seconds", "events/s"], rebuilt.collect())
}

fn mib(bytes: u64) -> String {
    format!("{:.1}", bytes as f64 / MIB)
}

/// A table with an empty line before it: the first column to the left, figures to the right.
fn section(head: &[&str], rows: Vec<Vec<String>>) -> String {
    let head = head.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
    let lines: Vec<_> = [head].into_iter().chain(rows).collect();
    let width = |column: usize| lines.iter().filter_map(|line| line.get(column)).map(|it| it.chars().count()).max();
    let line = |cells: &Vec<String>| {
        let cell = |(column, text): (usize, &String)| {
            let width = width(column).unwrap_or_default();
            if column == 0 { format!("{text:<width$}") } else { format!("  {text:>width$}") }
        };
        let text: String = cells.iter().enumerate().map(cell).collect();
        format!("{}\n", text.trim_end())
    };
    format!("\n{}", lines.iter().map(line).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::{super::example, *};

    #[test]
    fn a_report_is_shown_whole() {
        insta::assert_snapshot!(table(&example::report()));
    }
}
