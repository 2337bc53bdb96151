//! `murmur graph`: draws who hears what and what follows, from what the services declare.

mod flow;
mod mermaid;
mod svg;
mod text;

pub(crate) use svg::svg;
pub(crate) use text::does;

use chassis::graph::Graph;
use clap::{Args, ValueEnum};

use crate::{Error, Exit, output, shop};

const EXAMPLES: &str = "\
Examples:
  murmur graph                                       (for people, service by service)
  murmur graph --from order.cancel_requested         (only what may follow from it)
  murmur graph --format svg > graph.svg
  murmur graph --format mermaid
  murmur graph --format json | jq '.reactions[] | select(.service == \"payment\")'

It is made of what the services declare; nothing has to run.
In the SVG and in Mermaid a line is left out where a longer way leads to the same place: text and JSON have them all.
Exit code 0; 2 when there is no such event.";

/// Draws the choreography: who hears what, and what follows
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Draw {
    /// How it is drawn
    #[arg(long, value_enum, default_value = "text")]
    format: Format,

    /// Draw only what may follow from this event
    #[arg(long, value_name = "EVENT")]
    from: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Text,
    Mermaid,
    Svg,
    Json,
}

impl Draw {
    pub fn run(self) -> Result<Exit, Error> {
        let mut graph = Graph::of(&shop());
        if let Some(event) = &self.from {
            if !graph.events.contains_key(event.as_str()) {
                return Err(Error::NoSuchEvent(event.clone()));
            }
            graph = graph.from_event(event);
        }
        let drawn = match self.format {
            Format::Text => text::text(&graph),
            Format::Mermaid => mermaid::mermaid(&graph),
            Format::Svg => svg(&graph),
            Format::Json => output::json(&graph),
        };
        output::print(drawn.trim_end())?;
        Ok(Exit::Done)
    }
}
