//! What is printed when everything is ready: what runs where, and three commands to try.

use crate::{table::table, tool};

/// What runs, or is used: a line of the table.
pub(crate) type Row = [String; 4];

/// The event that is typed by hand.
const EVENT: &str = r#"'{"customer_id":"alice","items":[{"sku":"widget","quantity":2,"unit_price":1999}]}'"#;
/// The command that is sent by hand.
const COMMAND: &str =
    r#"'{"customer_id":"alice","items":[{"sku":"widget","quantity":1}],"payment_method":"pm_card_declined"}'"#;

/// What a person can type here.
pub(crate) struct Typed {
    /// The `nats` CLI, where there is one.
    pub nats: Option<String>,
    /// This program.
    pub murmur: String,
}

impl Typed {
    /// As things are on this machine.
    pub fn here() -> Typed {
        Typed { nats: tool::nats_cli(), murmur: tool::own_name() }
    }

    /// Three commands: see what happens, say an event, send a command.
    fn commands(&self) -> String {
        let Typed { nats, murmur } = self;
        match nats {
            Some(nats) => format!(
                "Try, each in a terminal of its own:\n  \
                 {nats} sub 'order.>'\n  \
                 {nats} pub order.created {EVENT}\n  \
                 {nats} req svc.order.place {COMMAND}"
            ),
            None => format!(
                "There is no nats CLI here; murmur does by hand what it would. Try, in another terminal:\n  \
                 {murmur} place widget:2\n  \
                 {murmur} pub order.created {EVENT}\n  \
                 {murmur} place --payment-method pm_card_declined widget:1"
            ),
        }
    }
}

/// All of it.
pub(crate) fn welcome(programs: Vec<Row>, typed: &Typed) -> String {
    let heading = ["what", "process", "where", "store"].map(str::to_owned);
    let rows: Vec<Row> = [heading].into_iter().chain(programs).collect();
    format!("{}\n\n{}\n\nCtrl-C stops everything.", table(&rows), typed.commands())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Row> {
        let row = |cells: [&str; 4]| cells.map(str::to_owned);
        vec![
            row(["nats-server", "4711", "nats://127.0.0.1:4222, http://127.0.0.1:8222", "data/nats/jetstream"]),
            row(["payment gateway", "-", "https://api.stripe.com", "-"]),
            row(["order", "4713", "svc.order.*", "data/order"]),
        ]
    }

    #[test]
    fn with_the_nats_cli() {
        let typed = Typed { nats: Some(".tools/bin/nats".to_owned()), murmur: "target/debug/murmur".to_owned() };
        insta::assert_snapshot!(welcome(rows(), &typed), @r#"
        what             process  where                                         store
        nats-server      4711     nats://127.0.0.1:4222, http://127.0.0.1:8222  data/nats/jetstream
        payment gateway  -        https://api.stripe.com                        -
        order            4713     svc.order.*                                   data/order

        Try, each in a terminal of its own:
          .tools/bin/nats sub 'order.>'
          .tools/bin/nats pub order.created '{"customer_id":"alice","items":[{"sku":"widget","quantity":2,"unit_price":1999}]}'
          .tools/bin/nats req svc.order.place '{"customer_id":"alice","items":[{"sku":"widget","quantity":1}],"payment_method":"pm_card_declined"}'

        Ctrl-C stops everything.
        "#);
    }

    #[test]
    fn without_the_nats_cli() {
        let typed = Typed { nats: None, murmur: "target/debug/murmur".to_owned() };
        insta::assert_snapshot!(typed.commands(), @r#"
        There is no nats CLI here; murmur does by hand what it would. Try, in another terminal:
          target/debug/murmur place widget:2
          target/debug/murmur pub order.created '{"customer_id":"alice","items":[{"sku":"widget","quantity":2,"unit_price":1999}]}'
          target/debug/murmur place --payment-method pm_card_declined widget:1
        "#);
    }
}
