//! The figures as a picture: rates against the limits, times under steady loads, CPU by load.
//!
//! Invariant: within a group the longest bar is as wide as there is room, and the others are in proportion to it.

use std::fmt::Write;

use super::{Measured, Report, table::label};

const WIDTH: f64 = 900.0;
const LEFT: f64 = 250.0;
const ROOM: f64 = 520.0;
const LINE: f64 = 22.0;

const STYLE: &str = "\
text{font:12px Helvetica,Arial,'DejaVu Sans',sans-serif;fill:#1f2933}
.title{font-weight:bold;font-size:14px}.small{font-size:10px;fill:#66737f}
.limit{fill:#9aa5b1}.closed{fill:#1d6f8a}.open{fill:#1f7a4d}.slow{fill:#c4501b}";

/// A bar with its name.
struct Bar {
    name: String,
    class: &'static str,
    value: f64,
}

/// Bars of one unit.
struct Group {
    title: String,
    bars: Vec<Bar>,
    digits: usize,
}

/// The picture.
pub fn chart(report: &Report) -> String {
    let groups = groups(report);
    let lines: usize = groups.iter().map(|group| group.bars.len() + 2).sum();
    let height = lines as f64 * LINE + 60.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         role=\"img\">\n<title>What was measured</title>\n<style>{STYLE}</style>\n\
         <rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>\n"
    );
    let mut y = LINE;
    for group in &groups {
        y = draw(&mut svg, group, y);
    }
    for line in [report.machine.sentence(), format!("commit {}; {}", report.commit, report.plan.system)] {
        text(&mut svg, (20.0, y), "small", &line);
        y += 16.0;
    }
    svg + "</svg>\n"
}

fn groups(report: &Report) -> Vec<Group> {
    let limits = [("limit A: the broker alone", &report.limit_a), ("limit B: and the stores", &report.limit_b)];
    let limits = limits.into_iter().filter_map(|(name, limit)| Some((name, limit.as_ref()?)));
    let limits = limits.map(|(name, it)| Bar { name: name.to_owned(), class: "limit", value: it.per_second });
    let rates = report.systems.iter().flat_map(|system| {
        let name = |how| format!("{}, {} % fail", label(how), system.failing);
        system.closed.iter().map(move |it| Bar { name: name(it.how), class: "closed", value: it.per_second })
    });
    let grown = report.growth.iter().flat_map(|growth| [&growth.few, &growth.many]);
    let grown = grown.map(|(there, phase)| Bar {
        name: format!("with {there} orders in the stores"),
        class: "open",
        value: phase.per_second,
    });
    let rates = limits.chain(rates).chain(grown).collect();
    let mut groups = vec![Group { title: "orders a second".to_owned(), bars: rates, digits: 0 }];
    for system in &report.systems {
        groups.push(times(system));
        groups.push(cpu(system));
    }
    groups
}

/// From when an order was due to `order.completed`.
fn times(system: &Measured) -> Group {
    let bars = system.open.iter().flat_map(|phase| {
        let times = phase.completed_ms;
        [("p50", "open", times.p50), ("p99", "open", times.p99), ("p99.9", "slow", times.p999)]
            .map(|(name, class, value)| Bar { name: format!("{}, {name}", label(phase.how)), class, value })
    });
    let title = format!("ms from when an order was due to order.completed, {} % fail", system.failing);
    Group { title, bars: bars.collect(), digits: 1 }
}

fn cpu(system: &Measured) -> Group {
    let phases = system.closed.iter().chain(&system.open);
    let bars = phases.map(|it| Bar { name: label(it.how), class: "closed", value: it.cpu() });
    let title = format!("ms of CPU an order, all processes, {} % fail", system.failing);
    Group { title, bars: bars.collect(), digits: 3 }
}

fn draw(svg: &mut String, group: &Group, mut y: f64) -> f64 {
    text(svg, (20.0, y), "title", &group.title);
    let most = group.bars.iter().map(|bar| bar.value).fold(0.0, f64::max);
    for bar in &group.bars {
        y += LINE;
        let width = if most > 0.0 { bar.value / most * ROOM } else { 0.0 };
        let (top, end) = (y - 12.0, LEFT + width + 8.0);
        text(svg, (20.0, y), "name", &bar.name);
        let class = bar.class;
        line(
            svg,
            format_args!("<rect class=\"{class}\" x=\"{LEFT}\" y=\"{top}\" width=\"{width:.1}\" height=\"15\"/>"),
        );
        text(svg, (end, y), "value", &format!("{:.*}", group.digits, bar.value));
    }
    y + 2.0 * LINE
}

fn text(svg: &mut String, (x, y): (f64, f64), class: &str, text: &str) {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    line(svg, format_args!("<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>"));
}

fn line(svg: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(svg, "{line}").expect("a string takes everything");
}

#[cfg(test)]
mod tests {
    use super::{super::example, *};

    #[test]
    fn the_longest_bar_of_a_group_has_all_the_room_and_the_others_are_in_proportion() {
        let bar = |value| Bar { name: "a < b".to_owned(), class: "open", value };
        let group = Group { title: "t".to_owned(), bars: vec![bar(50.0), bar(200.0), bar(0.0)], digits: 0 };
        let mut svg = String::new();
        draw(&mut svg, &group, 0.0);
        for part in ["width=\"130.0\"", "width=\"520.0\"", "width=\"0.0\"", "a &lt; b"] {
            assert!(svg.contains(part), "{part} in {svg}");
        }
    }

    #[test]
    fn every_load_and_limit_is_in_the_picture() {
        let svg = chart(&example::report());
        for part in
            ["limit A", "limit B", "closed, 64, 0 % fail", "open, 50 %, p99.9", "with 1000000 orders", "0123456789"]
        {
            assert!(svg.contains(part), "{part}");
        }
        assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
    }
}
