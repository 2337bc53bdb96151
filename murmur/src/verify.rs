//! `murmur verify`: what is wrong with the choreography, and what each service may do on the broker.

use chassis::{
    authorization,
    graph::{Finding, Graph},
};
use clap::Args;

use crate::{Error, Exit, output, shop};

const EXAMPLES: &str = "\
Examples:
  murmur verify
  murmur verify --json | jq -r '.[].problem'
  murmur verify --permissions > authorization.conf   (include it in nats.conf; ORDER_PASSWORD and so on are variables)

It looks at what the services declare; nothing has to run. With permissions only an operator makes streams:
`murmur streams` once, before the services start.
Exit code 0 when nothing is wrong, 1 when something is.";

/// Verifies the choreography: what is said is heard, what is done can be undone, every way comes to an end
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Verify {
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,

    /// Print what each service may do on the broker, as nats-server's configuration
    #[arg(long, conflicts_with = "json")]
    permissions: bool,
}

impl Verify {
    pub fn run(self) -> Result<Exit, Error> {
        let shop = shop();
        if self.permissions {
            output::print(authorization(&shop).trim_end())?;
            return Ok(Exit::Done);
        }
        let graph = Graph::of(&shop);
        let findings = graph.verify();
        output::print(&match self.json {
            true => output::json(&findings),
            false => report(&graph, &findings),
        })?;
        Ok(if findings.is_empty() { Exit::Done } else { Exit::Failed })
    }
}

fn report(graph: &Graph, findings: &[Finding]) -> String {
    let (services, events) = (graph.services.len(), graph.events.len());
    let summary = match findings.len() {
        0 => format!("{services} services and {events} events: nothing is wrong"),
        1 => "1 finding".to_owned(),
        findings => format!("{findings} findings"),
    };
    findings.iter().map(ToString::to_string).chain([summary]).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use chassis::{Service, Turn, Unacceptable};
    use events::{OrderCreated, PaymentFailed};

    use super::*;

    #[test]
    fn nothing_is_wrong_with_the_shop() {
        let graph = Graph::of(&shop());
        let findings = graph.verify();
        assert_eq!(findings, [], "{}", report(&graph, &findings));
    }

    #[test]
    fn a_report_has_a_sentence_for_each_finding() {
        fn taken(_: &mut Turn<'_>, _: &OrderCreated) -> Result<(), Unacceptable> {
            Ok(())
        }
        let graph = Graph::of(&[Service::new("payment").on::<OrderCreated>(taken).says::<PaymentFailed>()]);
        insta::assert_snapshot!(report(&graph, &graph.verify()));
    }

    #[test]
    fn a_service_may_say_its_own_events_only() {
        for service in shop() {
            let may = chassis::Permissions::of(&service);
            let facts = may.publish.iter().filter(|it| !it.starts_with(['$', '_']) && !it.starts_with("dead."));
            let foreign: Vec<_> = facts.filter(|it| !it.starts_with(&format!("{}.", service.name()))).collect();
            assert!(foreign.is_empty(), "{} may say {foreign:?}", service.name());
        }
    }
}
