//! `murmur demo`: a tour of three orders, one fulfilled and two undone.

use std::time::Duration;

use chassis::{Client, Settings, ambient::pause, logs};
use clap::Args;
use tokio::time::Instant;

use crate::{
    Error, Exit,
    follow::Followed,
    output,
    place::{Order, Placed},
    timeline,
    up::{Logs, Running, Signals},
};

const EXAMPLES: &str = "\
Example:
  murmur demo

Where nothing answers on the broker, everything is started as `murmur up` does it, and stopped at the end.
Exit code 0 when each of the three orders ended as expected.";

/// How long everything may take to be ready.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// How long an order may take.
const ORDER_WITHIN: Duration = Duration::from_secs(30);
/// How long the order service may take to hear of the prices of what was just stocked.
const PRICES_WITHIN: Duration = Duration::from_secs(5);

/// Places three orders, one fulfilled, one declined and one unserviceable, and prints their timelines
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Demo {}

/// An order of the tour.
struct Scene {
    heading: &'static str,
    payment_method: &'static str,
    postal_code: &'static str,
    end: Exit,
    /// What has to be in its timeline, in this order.
    steps: &'static [&'static str],
}

const SCENES: &[Scene] = &[
    Scene {
        heading: "An order is fulfilled: each service does its part when it hears of the one before.",
        payment_method: "pm_card_visa",
        postal_code: "10115",
        end: Exit::Done,
        steps: &[
            "order.created",
            "inventory.reserved",
            "payment.completed",
            "order.paid",
            "shipping.scheduled",
            "order.completed",
        ],
    },
    Scene {
        heading: "A card is declined: inventory hears of it and releases what it held.",
        payment_method: "pm_card_declined",
        postal_code: "10115",
        end: Exit::Cancelled,
        steps: &["order.created", "inventory.reserved", "payment.failed", "inventory.released", "order.cancelled"],
    },
    Scene {
        heading: "No carrier goes there: the money goes back first, then what was held.",
        payment_method: "pm_card_visa",
        postal_code: "00000",
        end: Exit::Cancelled,
        steps: &[
            "order.created",
            "payment.completed",
            "shipping.failed",
            "payment.refunded",
            "inventory.released",
            "order.cancelled",
        ],
    },
];

impl Demo {
    pub async fn run(self) -> Result<Exit, Error> {
        logs::start("murmur");
        let settings = Settings::from_env()?;
        if let Ok(client) = Client::connect(&settings).await
            && client.is_ready("order").await
        {
            tour(&client).await?;
            return Ok(Exit::Done);
        }
        tracing::info!("nothing runs yet: starting everything, for the length of the tour");
        let mut signals = Signals::listen()?;
        let (running, client) = Running::start(&settings, Logs::Warnings, READY_WITHIN, &mut signals).await?;
        let toured = tokio::select! {
            toured = tour(&client) => toured,
            () = signals.next() => Err(Error::Interrupted),
        };
        drop(client);
        running.stop(&mut signals).await;
        tracing::info!("all has stopped");
        toured.map(|()| Exit::Done)
    }
}

async fn tour(client: &Client) -> Result<(), Error> {
    for (number, scene) in (1..).zip(SCENES) {
        output::print(&format!("{number}. {}\n", scene.heading))?;
        scene.play(client).await?;
        output::print("")?;
    }
    output::print("Nobody told anybody what to do: each service answered what it heard.")
}

impl Scene {
    async fn play(&self, client: &Client) -> Result<(), Error> {
        let placed = self.place(client).await?;
        let mut followed = Followed::new(placed.order_id, false);
        let end = followed.until_its_end(client, ORDER_WITHIN).await?;
        let mut kinds = followed.events.iter().map(timeline::kind);
        let missing = self.steps.iter().find(|step| !kinds.any(|kind| kind == **step));
        match missing {
            Some(step) => Err(Error::Tour(format!("{step} is not where it should be in the last timeline"))),
            None if end != self.end => Err(Error::Tour("the last order should have ended in the other way".to_owned())),
            None => Ok(()),
        }
    }

    /// Right after the first start the order service may not have heard of the prices yet, and says that it knows no such
    /// thing: then it is asked again.
    async fn place(&self, client: &Client) -> Result<Placed, Error> {
        let order = Order {
            customer: "alice".to_owned(),
            payment_method: self.payment_method.to_owned(),
            postal_code: self.postal_code.to_owned(),
            idempotency_key: None,
            items: vec!["widget:2".parse().expect("an item as its own documentation shows it")],
        };
        let deadline = Instant::now() + PRICES_WITHIN;
        loop {
            match order.place(client).await {
                Err(Error::Refused { refusal, .. }) if refusal.code == 422 && Instant::now() < deadline => {
                    pause(Duration::from_millis(20)).await;
                }
                placed => return placed.map(|(_, placed)| placed),
            }
        }
    }
}
