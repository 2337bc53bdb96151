//! Following an order through the stream until its last event.

use std::time::Duration;

use chassis::{Client, Stored, ambient::pause};
use events::{Event, Key, OrderCancelled, OrderCompleted};
use tokio::time::Instant;

use crate::{
    Error, Exit, output,
    timeline::{self, entries, line},
};

/// How often the stream is asked.
const EVERY: Duration = Duration::from_millis(50);

/// An order that is followed, with what was heard of it so far.
pub(crate) struct Followed {
    pub order: Key,
    pub events: Vec<Stored>,
    json: bool,
}

impl Followed {
    /// Of `order` nothing was heard yet. Its events are printed as lines of a timeline, or as JSON.
    pub fn new(order: Key, json: bool) -> Followed {
        Followed { order, events: Vec::new(), json }
    }

    /// Asks the stream once, and prints what is new.
    pub async fn look(&mut self, client: &Client) -> Result<(), Error> {
        let known = self.events.len();
        for event in client.events_about(&self.order).await? {
            let id = timeline::id(&event);
            if !self.events.iter().any(|it| timeline::id(it) == id) {
                self.events.push(event);
            }
        }
        self.print_from(known)
    }

    /// Looks until the order came to its end, and says how it ended. A broker that is away for a moment is waited for.
    pub async fn until_its_end(&mut self, client: &Client, within: Duration) -> Result<Exit, Error> {
        let deadline = Instant::now() + within;
        self.look(client).await?;
        loop {
            if let Some(exit) = self.end() {
                return Ok(exit);
            }
            if Instant::now() >= deadline {
                return Err(Error::NotInTime { order: self.order.to_string(), seconds: within.as_secs() });
            }
            pause(EVERY).await;
            match self.look(client).await {
                Err(Error::Chassis(error)) if Instant::now() < deadline => tracing::debug!("asked in vain: {error}"),
                looked => looked?,
            }
        }
    }

    /// How the order ended, if it did.
    fn end(&self) -> Option<Exit> {
        self.events.iter().find_map(|event| match timeline::kind(event) {
            OrderCompleted::TYPE => Some(Exit::Done),
            OrderCancelled::TYPE => Some(Exit::Cancelled),
            _ => None,
        })
    }

    fn print_from(&self, known: usize) -> Result<(), Error> {
        if self.json {
            return self.events[known..].iter().try_for_each(|event| output::print(&timeline::json_line(event)));
        }
        let entries = entries(&self.events);
        entries[known..].iter().try_for_each(|entry| output::print(&line(entry, &entries)))
    }
}
