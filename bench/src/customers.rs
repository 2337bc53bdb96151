//! Customers: who place orders through `svc.order.place`, and hear of their ends as anybody may who listens.

mod ends;
mod order;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use chassis::{Client, ambient::pause};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{sync::mpsc, task::JoinSet, time::timeout};

use self::ends::Ends;
use crate::{plan::Plan, schedule::Schedule, tally::Tally};

/// An order that does not end within this is stuck, and the run with it.
const PATIENCE: Duration = Duration::from_secs(60);

/// The customers.
#[derive(Clone)]
pub struct Customers {
    client: Client,
    ends: Arc<Ends>,
    next: Arc<AtomicU64>,
    failing: u32,
    skus: u64,
    customers: u64,
}

/// When no more orders are placed: after so many, or at a moment.
#[derive(Clone, Copy, Debug)]
pub struct Until {
    /// How many.
    pub orders: u64,
    /// When.
    pub at: Option<Instant>,
}

/// Orders that are on their way, and what became of them so far.
pub struct Going {
    tasks: JoinSet<anyhow::Result<()>>,
    tally: Arc<Mutex<Told>>,
}

/// What is known of the orders so far.
#[derive(Default)]
pub struct Told {
    /// Their times.
    pub tally: Tally,
    /// When the last one ended.
    pub last: Option<Instant>,
    /// Some that were completed.
    pub examples: Vec<String>,
}

/// How many orders are remembered as examples.
const EXAMPLES: usize = 64;

impl Customers {
    /// Registers the customers, fills the shelves, listens, and places a few orders until everybody knows everything.
    pub async fn come(
        (client, nats): (Client, async_nats::Client),
        plan: &Plan,
        failing: u32,
    ) -> anyhow::Result<(Customers, JoinSet<()>)> {
        for number in 0..plan.customers {
            command(&client, "svc.customer.register", &order::customer(number)).await?;
        }
        for number in 0..plan.skus {
            command(&client, "svc.inventory.stock", &order::stock(number)).await?;
        }
        let (ends, listening) = Ends::listen(&nats).await?;
        let (skus, customers) = (plan.skus, plan.customers);
        let customers = Customers { client, ends, next: Arc::default(), failing, skus, customers };
        let mut warm = customers.closed(8, Until { orders: 10 * plan.skus, at: None });
        while !warm.is_over(Duration::from_millis(50)).await? {}
        Ok((customers, listening))
    }

    /// So many customers place one order after the other, each when the one before has ended.
    pub fn closed(&self, together: usize, until: Until) -> Going {
        let mut going = Going::new();
        let placed = Arc::new(AtomicU64::new(0));
        for _ in 0..together {
            let (customers, tally, placed) = (self.clone(), going.tally.clone(), placed.clone());
            going.tasks.spawn(async move {
                let goes_on = || until.at.is_none_or(|at| Instant::now() < at);
                while goes_on() && placed.fetch_add(1, Relaxed) < until.orders {
                    customers.one(Instant::now(), &tally).await?;
                }
                Ok(())
            });
        }
        going
    }

    /// Orders are placed when they are due, whatever becomes of those before.
    pub fn open(&self, schedule: Schedule) -> Going {
        let mut going = Going::new();
        let (customers, tally) = (self.clone(), going.tally.clone());
        let (sender, mut dues) = mpsc::unbounded_channel();
        // A thread sleeps more exactly than a task, by a millisecond.
        going.tasks.spawn_blocking(move || {
            let began = Instant::now();
            for due in (0..schedule.orders()).map(|number| began + schedule.due(number)) {
                thread::sleep(due.saturating_duration_since(Instant::now()));
                sender.send(due)?;
            }
            Ok(())
        });
        going.tasks.spawn(async move {
            let mut tasks = JoinSet::new();
            while let Some(due) = dues.recv().await {
                let (customers, tally) = (customers.clone(), tally.clone());
                tasks.spawn(async move { customers.one(due, &tally).await });
                while let Some(ended) = tasks.try_join_next() {
                    ended??;
                }
            }
            while let Some(ended) = tasks.join_next().await {
                ended??;
            }
            Ok(())
        });
        going
    }

    /// One order, from `due` to its end.
    async fn one(&self, due: Instant, told: &Mutex<Told>) -> anyhow::Result<()> {
        let number = self.next.fetch_add(1, Relaxed);
        let body = order::order(number, self.failing, self.skus, self.customers).to_string().into_bytes();
        let Some(order_id) = self.place(body, told).await? else { return Ok(()) };
        let answered = Instant::now();
        let end = self.ends.of(&order_id);
        let end = timeout(PATIENCE, end).await;
        let end = end.with_context(|| format!("the order {order_id} has not ended within {PATIENCE:?}"))??;
        let mut told = told.lock().expect("nothing panics while it is held");
        told.tally.answered(answered - due);
        told.tally.ended(end.at.saturating_duration_since(due), end.completed);
        told.last = told.last.max(Some(end.at));
        if end.completed && told.examples.len() < EXAMPLES {
            told.examples.push(order_id);
        }
        Ok(())
    }

    /// Places an order until it is taken; none where no answer came.
    async fn place(&self, body: Vec<u8>, told: &Mutex<Told>) -> anyhow::Result<Option<String>> {
        #[derive(Deserialize)]
        struct Placed {
            order_id: String,
        }
        let count = |what: fn(&mut Tally) -> &mut u64| {
            *what(&mut told.lock().expect("nothing panics while it is held").tally) += 1;
        };
        loop {
            match self.client.command("svc.order.place", body.clone()).await {
                Ok(answer) => return Ok(Some(serde_json::from_slice::<Placed>(&answer)?.order_id)),
                Err(refusal) if matches!(refusal.code, 422 | 429) => count(|tally| &mut tally.busy),
                Err(refusal) if refusal.code == 503 => {
                    count(|tally| &mut tally.unanswered);
                    return Ok(None);
                }
                Err(refusal) => bail!("svc.order.place: {} {}", refusal.code, refusal.message),
            }
            pause(Duration::from_millis(10)).await;
        }
    }
}

impl Going {
    fn new() -> Going {
        Going { tasks: JoinSet::new(), tally: Arc::default() }
    }

    /// Waits for a while, and says whether all orders have ended.
    pub async fn is_over(&mut self, wait: Duration) -> anyhow::Result<bool> {
        let waited = pause(wait);
        tokio::pin!(waited);
        loop {
            tokio::select! {
                ended = self.tasks.join_next() => match ended {
                    Some(ended) => ended??,
                    None => return Ok(true),
                },
                () = &mut waited => return Ok(false),
            }
        }
    }

    /// How many orders have ended so far.
    pub fn ended(&self) -> u64 {
        let (completed, cancelled) = self.tally.lock().expect("nothing panics while it is held").tally.counts();
        completed + cancelled
    }

    /// What became of them.
    pub fn told(self) -> Told {
        std::mem::take(&mut self.tally.lock().expect("nothing panics while it is held"))
    }
}

/// Sends a command until it is answered.
async fn command(client: &Client, subject: &str, body: &Value) -> anyhow::Result<()> {
    let mut body = body.clone();
    body["idempotency_key"] = json!(format!("bench {body}"));
    let began = Instant::now();
    loop {
        match client.command(subject, body.to_string().into_bytes()).await {
            Ok(_) => return Ok(()),
            Err(refusal) if matches!(refusal.code, 429 | 503) && began.elapsed() < PATIENCE => {
                pause(Duration::from_millis(50)).await;
            }
            Err(refusal) => bail!("{subject} {body}: {} {}", refusal.code, refusal.message),
        }
    }
}
