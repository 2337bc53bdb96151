//! The choreography as a picture: a lane for each service, a column for each step, an event where it is said.
//!
//! Invariant: no two boxes share a place and no line runs through a box, so that every name can be read.

mod layout;
mod route;

use std::fmt::Write;

use chassis::{
    Trigger,
    graph::{EventNode, Graph},
};
use events::Role;

use super::flow::{self, Side};
use layout::{BOX_HEIGHT, BOX_WIDTH, Layout, MARGIN};

const STYLE: &str = "\
text{font:12px Helvetica,Arial,'DejaVu Sans',sans-serif;fill:#1f2933}
.lane{font-weight:bold;font-size:14px}.small{font-size:9.5px;fill:#66737f}
path{fill:none;stroke-linejoin:round}
.forward{stroke:#1d6f8a;stroke-width:1.8}.backward{stroke:#c4501b;stroke-width:1.6;stroke-dasharray:6 4}
.news{stroke:#9aa5b1;stroke-width:1.2}
rect.step,rect.answer{fill:#fff;stroke:#1d6f8a;stroke-width:1.6}
rect.failure,rect.undo{fill:#fff7f2;stroke:#c4501b;stroke-width:1.6;stroke-dasharray:5 3}
rect.end{fill:#e5f3ee;stroke:#1f7a4d;stroke-width:3}rect.news{fill:#f5f7fa;stroke:#9aa5b1;stroke-width:1.2}";

/// The picture.
pub(crate) fn svg(graph: &Graph) -> String {
    let layout = Layout::of(graph);
    let (width, height) = layout.size();
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" role=\"img\">\n<title>Who hears what, and what follows</title>\n<style>{STYLE}</style>\n<defs>\n"
    );
    for (name, color) in [("forward", "#1d6f8a"), ("backward", "#c4501b"), ("news", "#9aa5b1")] {
        line(
            &mut svg,
            format_args!(
                "<marker id=\"{name}\" viewBox=\"0 0 8 8\" refX=\"7.5\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" \
             markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" style=\"fill:{color};stroke:none\"/></marker>"
            ),
        );
    }
    line(&mut svg, format_args!("</defs>\n<rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>"));
    lanes(&mut svg, graph, &layout);
    for (side, points) in layout.lines() {
        let (side, path) = (class(side), rounded(&points));
        line(&mut svg, format_args!("<path class=\"{side}\" d=\"{path}\" marker-end=\"url(#{side})\"/>"));
    }
    let drawn = graph.events.values().filter(|event| flow::lane(graph, event.kind).is_some());
    drawn.for_each(|event| event_box(&mut svg, graph, &layout, event));
    legend(&mut svg, height);
    svg.push_str("</svg>\n");
    svg
}

fn lanes(svg: &mut String, graph: &Graph, layout: &Layout) {
    for (at, service) in graph.services.iter().enumerate() {
        let (top, height) = layout.lane(at);
        let (width, _) = layout.size();
        let fill = if at % 2 == 0 { "#f8fafc" } else { "#eef3f7" };
        line(svg, format_args!("<rect y=\"{top}\" width=\"{width}\" height=\"{height}\" fill=\"{fill}\"/>"));
        let middle = top + height / 2 + 5;
        line(svg, format_args!("<text class=\"lane\" x=\"14\" y=\"{middle}\">{}</text>", service.name));
        if service.only_reads {
            line(svg, format_args!("<text class=\"small\" x=\"{MARGIN}\" y=\"{middle}\">only reads</text>"));
        }
    }
}

fn event_box(svg: &mut String, graph: &Graph, layout: &Layout, event: &EventNode) {
    let (x, y) = layout.place(event.kind);
    let (_, name) = event.kind.split_once('.').unwrap_or(("", event.kind));
    let middle = x + BOX_WIDTH / 2;
    let radius = if event.role == Role::End { BOX_HEIGHT / 2 } else { 6 };
    line(svg, format_args!("<g><title>{}: {}</title>", event.kind, event.role.meaning()));
    line(
        svg,
        format_args!(
            "<rect class=\"{}\" x=\"{x}\" y=\"{y}\" width=\"{BOX_WIDTH}\" height=\"{BOX_HEIGHT}\" rx=\"{radius}\"/>",
            event.role
        ),
    );
    let because = causes(graph, event.kind);
    let baseline = if because.is_empty() { y + BOX_HEIGHT / 2 + 4 } else { y + BOX_HEIGHT / 2 - 1 };
    line(svg, format_args!("<text x=\"{middle}\" y=\"{baseline}\" text-anchor=\"middle\">{name}</text>"));
    if !because.is_empty() {
        let below = baseline + 13;
        line(
            svg,
            format_args!("<text class=\"small\" x=\"{middle}\" y=\"{below}\" text-anchor=\"middle\">{because}</text>"),
        );
    }
    svg.push_str("</g>\n");
}

/// What moves a service to say it, besides events: a command, the outcome of an effect, a reminder.
fn causes(graph: &Graph, kind: &str) -> String {
    let other = graph.said_by(kind).filter(|it| !matches!(it.declared.trigger, Trigger::Event | Trigger::OwnFact));
    let mut causes: Vec<_> = other
        .map(|it| match it.declared.trigger {
            Trigger::Command => format!("\u{25b8} {}", it.hears()),
            Trigger::Reminder => format!("\u{25f7} {}", it.hears()),
            Trigger::Attempt => format!("\u{21c4} {} in vain", it.hears()),
            _ => format!("\u{21c4} {}", it.hears()),
        })
        .collect();
    causes.dedup();
    causes.join("  ")
}

fn legend(svg: &mut String, height: i32) {
    let text = "\u{25b8} command \u{b7} \u{21c4} effect, asked of the outside \u{b7} \u{25f7} reminder \u{b7} solid: forward \u{b7} \
                dashed: the way back \u{b7} round: an end \u{b7} grey: news";
    line(svg, format_args!("<text class=\"small\" x=\"14\" y=\"{}\">{text}</text>", height - 10));
}

fn class(side: Side) -> &'static str {
    match side {
        Side::Forward => "forward",
        Side::Backward => "backward",
        Side::News => "news",
    }
}

/// A line through `points` with its corners rounded.
fn rounded(points: &[(i32, i32)]) -> String {
    let (mut corners, mut path) = (points.to_vec(), String::new());
    corners.dedup();
    let step = |from: (i32, i32), to: (i32, i32)| {
        let (x, y) = (to.0 - from.0, to.1 - from.1);
        let radius = ((x.abs() + y.abs()) / 2).min(6);
        format!("{} {}", from.0 + x.signum() * radius, from.1 + y.signum() * radius)
    };
    for (at, &(x, y)) in corners.iter().enumerate() {
        path.push_str(&match at {
            0 => format!("M{x} {y}"),
            at if at + 1 == corners.len() => format!("L{x} {y}"),
            at => format!("L{}Q{x} {y} {}", step((x, y), corners[at - 1]), step((x, y), corners[at + 1])),
        });
    }
    path
}

fn line(svg: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(svg, "{text}").expect("a string takes everything");
}
