//! The ends of orders, heard by a plain subscription: it costs the system nothing but the broker's copy.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Instant,
};

use anyhow::Context;
use futures_util::{StreamExt, stream::select_all};
use tokio::{sync::oneshot, task::JoinSet};

/// How an order ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// When it was heard.
    pub at: Instant,
    /// Or cancelled.
    pub completed: bool,
}

/// Who comes first: the end, or the one who waits for it.
enum Known {
    Ended(End),
    Awaited(oneshot::Sender<End>),
}

/// The ends of orders.
#[derive(Default)]
pub struct Ends(Mutex<HashMap<String, Known>>);

impl Ends {
    /// Listens from now on, until the set is dropped.
    pub async fn listen(nats: &async_nats::Client) -> anyhow::Result<(Arc<Ends>, JoinSet<()>)> {
        let mut heard = Vec::new();
        for subject in ["order.completed.*", "order.cancelled.*"] {
            heard.push(nats.subscribe(subject).await?);
        }
        nats.flush().await?;
        let ends = Arc::new(Ends::default());
        let known = ends.clone();
        let mut listening = JoinSet::new();
        listening.spawn(async move {
            let mut heard = select_all(heard);
            while let Some(event) = heard.next().await {
                if let Some((kind, order_id)) = event.subject.rsplit_once('.') {
                    known.came(order_id, End { at: Instant::now(), completed: kind == "order.completed" });
                }
            }
        });
        Ok((ends, listening))
    }

    fn came(&self, order_id: &str, end: End) {
        let mut known = self.0.lock().expect("nothing panics while it is held");
        match known.remove(order_id) {
            // Whoever waited and is gone does not want to know.
            Some(Known::Awaited(to)) => drop(to.send(end)),
            _ => drop(known.insert(order_id.to_owned(), Known::Ended(end))),
        }
    }

    /// The end of an order, once.
    pub async fn of(&self, order_id: &str) -> anyhow::Result<End> {
        let awaited = {
            let mut known = self.0.lock().expect("nothing panics while it is held");
            if let Some(Known::Ended(end)) = known.remove(order_id) {
                return Ok(end);
            }
            let (sender, receiver) = oneshot::channel();
            known.insert(order_id.to_owned(), Known::Awaited(sender));
            receiver
        };
        awaited.await.context("nobody listens to the ends of orders any more")
    }
}
