//! What a service may do on the broker, for the broker's own configuration: a service may say its own events and no
//! others, so that a fact can be believed.
//!
//! Everything that this folder publishes and subscribes to is listed here and nothing else; a test runs all services
//! under exactly these permissions. A service makes no streams: whoever may do everything makes them once.

use std::{collections::BTreeSet, fmt};

use events::{DEAD_LETTERS, EVENTS};
use serde::Serialize;

use super::{
    inbox,
    lease::BUCKET,
    reading::{catching_up, comparing, remembering},
};
use crate::Service;

/// What one user of the broker may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Permissions {
    /// The user: the name of the service.
    pub user: String,
    /// What it may publish to.
    pub publish: Vec<String>,
    /// What it may listen to.
    pub subscribe: Vec<String>,
}

impl Permissions {
    /// What a running `service` needs.
    pub fn of(service: &Service) -> Permissions {
        let name = service.name();
        let (remembering, catching_up, comparing) = (remembering(name), catching_up(name), comparing(name));
        let own = says(service).into_iter().map(|kind| format!("{kind}.*"));
        let stream = [EVENTS, DEAD_LETTERS, &format!("KV_{BUCKET}")].map(|it| format!("$JS.API.STREAM.INFO.{it}"));
        // What was heard or said is compared with what stands there.
        let compared = [EVENTS, DEAD_LETTERS].map(|it| format!("$JS.API.DIRECT.GET.{it}"));
        let reads_back = [EVENTS, DEAD_LETTERS].into_iter().flat_map(|stream| {
            let of = if stream == EVENTS { format!(".{name}.*.*") } else { String::new() };
            [
                format!("$JS.API.CONSUMER.CREATE.{stream}.{comparing}{of}"),
                format!("$JS.API.CONSUMER.DELETE.{stream}.{comparing}"),
                format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.{comparing}"),
            ]
        });
        let lease = [format!("$JS.API.DIRECT.GET.KV_{BUCKET}.$KV.{BUCKET}.{name}"), format!("$KV.{BUCKET}.{name}")];
        let hearing = [
            format!("$JS.API.CONSUMER.CREATE.{EVENTS}.{name}"),
            format!("$JS.API.CONSUMER.DELETE.{EVENTS}.{name}"),
            format!("$JS.API.CONSUMER.INFO.{EVENTS}.{name}"),
            format!("$JS.API.CONSUMER.MSG.NEXT.{EVENTS}.{name}"),
            format!("$JS.ACK.{EVENTS}.{name}.>"),
            format!("$JS.API.CONSUMER.CREATE.{EVENTS}.{catching_up}"),
            format!("$JS.API.CONSUMER.DELETE.{EVENTS}.{catching_up}"),
            format!("$JS.API.CONSUMER.MSG.NEXT.{EVENTS}.{catching_up}"),
        ];
        let remembers = [
            format!("$JS.API.CONSUMER.CREATE.{EVENTS}.{remembering}.{name}.*.*"),
            format!("$JS.API.CONSUMER.DELETE.{EVENTS}.{remembering}"),
            format!("$JS.API.CONSUMER.MSG.NEXT.{EVENTS}.{remembering}"),
        ];
        let remembers = remembers.into_iter().filter(|_| service.owns_events());
        // Answers go to inboxes only: a client that names another place for its answer would have a fact said there.
        let parked = [format!("dead.{name}.>"), "_INBOX.>".to_owned()];
        let discovery = ["PING", "INFO", "STATS"].into_iter().flat_map(|verb| {
            ["".to_owned(), format!(".{name}"), format!(".{name}.*")].map(|it| format!("$SRV.{verb}{it}"))
        });
        let commands = service.commands().map(|command| format!("svc.{name}.{command}"));
        Permissions {
            user: name.to_owned(),
            publish: own
                .chain(parked)
                .chain(stream)
                .chain(compared)
                .chain(reads_back)
                .chain(hearing)
                .chain(remembers)
                .chain(lease)
                .collect(),
            subscribe: commands.chain(discovery).chain([format!("{}.>", inbox(name))]).collect(),
        }
    }

    /// What [`crate::Client`] needs to send commands and to read the events about a key. It says nothing.
    pub fn of_client() -> Permissions {
        Permissions {
            user: "client".to_owned(),
            publish: ["svc.>".to_owned(), "$SRV.>".to_owned(), format!("$JS.API.DIRECT.GET.{EVENTS}")].into(),
            subscribe: vec!["_INBOX.>".to_owned()],
        }
    }

    /// What an operator needs: everything, to make the streams, to type facts and to look.
    pub fn of_operator() -> Permissions {
        Permissions { user: "operator".to_owned(), publish: vec![">".to_owned()], subscribe: vec![">".to_owned()] }
    }
}

/// As a user of nats-server, with its password in the variable `<USER>_PASSWORD`.
impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, what: &str, subjects: &[String]| {
            writeln!(f, "      {what}: [")?;
            subjects.iter().try_for_each(|subject| writeln!(f, "        \"{subject}\""))?;
            writeln!(f, "      ]")
        };
        writeln!(f, "    {{ user: {}, password: ${}_PASSWORD, permissions: {{", self.user, self.user.to_uppercase())?;
        list(f, "publish", &self.publish)?;
        list(f, "subscribe", &self.subscribe)?;
        writeln!(f, "    }} }}")
    }
}

/// The users of a broker on which nobody but `services` says anything, as a part of nats-server's configuration: an
/// operator, a client, and one user for each service.
pub fn authorization(services: &[Service]) -> String {
    let users = services.iter().map(Permissions::of);
    let users: String = [Permissions::of_operator(), Permissions::of_client()]
        .into_iter()
        .chain(users)
        .map(|it| it.to_string())
        .collect();
    format!("authorization {{\n  users: [\n{users}  ]\n}}\n")
}

/// The events that it says, and those of its own kind that it says again, keyed, where somebody typed them.
fn says(service: &Service) -> BTreeSet<&str> {
    let own = service.events.keys().copied().filter(|kind| service.owns(kind));
    service.reactions().flat_map(|it| it.says.iter().copied()).chain(own).collect()
}
