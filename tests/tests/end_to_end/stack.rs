//! The whole system for one test: started, disturbed, asked, and gone with the test.

use std::{collections::BTreeMap, path::Path, process::Command, thread};

use async_nats::{ConnectOptions, HeaderMap};
use chassis::{Answer, Client, Settings, authorization};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::{Mutex, Semaphore, SemaphorePermit};

use crate::{
    await_condition::eventually,
    broker::{Broker, Syncs},
    gateway::Gateway,
    orders::{WIDGET, WIDGET_PRICE, WIDGETS},
    process::Process,
    programs,
    record::Tail,
};

/// The services, each with its store and its consumer under this name.
pub const SERVICES: [&str; 7] = ["order", "inventory", "payment", "shipping", "customer", "notification", "view"];

/// The payment gateway's secret key. It must not be seen anywhere.
pub const GATEWAY_KEY: &str = "sk_test_4eC39HqLyjWDarjtT1zdp7dc";

/// What the services log, unless a test is about that.
const LOGS: &str = "info,async_nats=warn";

/// How long an order may take, unless a test is about that: longer than any test.
const DEADLINE: &str = "15min";

/// How many stacks run at once: each is nine processes that sync to the same disk.
pub static PLACES: Semaphore = Semaphore::const_new(3);

/// A broker, a payment gateway and the services, with a connection to ask them.
pub struct Stack {
    pub broker: Broker,
    pub gateway: Gateway,
    pub client: Client,
    pub nats: async_nats::Client,
    pub events: Mutex<Tail>,
    pub dead: Mutex<Tail>,
    processes: BTreeMap<String, Process>,
    rust_log: &'static str,
    deadline: &'static str,
    // Removed when all processes are gone: fields are dropped in this order.
    folder: TempDir,
    _place: SemaphorePermit<'static>,
}

impl Stack {
    /// Everything runs and answers, and nothing is in stock.
    pub async fn start() -> Stack {
        Stack::start_with(LOGS, DEADLINE, String::new()).await
    }

    /// The same with a `RUST_LOG` for the services.
    pub async fn start_with_logs(rust_log: &'static str) -> Stack {
        Stack::start_with(rust_log, DEADLINE, String::new()).await
    }

    /// The same on a broker where each service may do what it needs and nothing else, and where an operator has made the
    /// streams.
    pub async fn guarded() -> Stack {
        Stack::start_with(LOGS, DEADLINE, authorization(&murmur::shop())).await
    }

    async fn start_with(rust_log: &'static str, deadline: &'static str, authorization: String) -> Stack {
        let folder = tempfile::tempdir().unwrap();
        Stack::start_in(folder, rust_log, deadline, authorization, Syncs::Always).await
    }

    /// The same in a `folder` that may have something in it: `data` for the stores, `nats/store` for the broker's.
    async fn start_in(
        folder: TempDir,
        rust_log: &'static str,
        deadline: &'static str,
        authorization: String,
        syncs: Syncs,
    ) -> Stack {
        let guarded = !authorization.is_empty();
        let place = PLACES.acquire().await.unwrap();
        let broker = Broker::start(&folder.path().join("nats"), authorization, syncs).await;
        let gateway = Gateway::start(&folder.path().join("gateway")).await;
        let settings = Settings { data_dir: folder.path().to_owned(), ..Settings::at(&broker.url()) };
        let mut stack = Stack {
            client: Client::connect(&settings).await.unwrap(),
            nats: broker.connect("operator", ConnectOptions::new()).await,
            events: Mutex::new(Tail::of(events::EVENTS)),
            dead: Mutex::new(Tail::of(events::DEAD_LETTERS)),
            broker,
            gateway,
            processes: BTreeMap::new(),
            rust_log,
            deadline,
            folder,
            _place: place,
        };
        if guarded {
            stack.client.make_streams().await.unwrap();
        }
        stack.start_all();
        for service in SERVICES {
            stack.ready(service).await;
        }
        stack
    }

    /// The same with [`WIDGETS`] widgets, which the order service knows the price of.
    pub async fn stocked() -> Stack {
        Stack::stocked_with_deadline(DEADLINE).await
    }

    /// The same where an order may take `deadline` at most. What is to end well has to do so within it.
    pub async fn stocked_with_deadline(deadline: &'static str) -> Stack {
        let stack = Stack::start_with(LOGS, deadline, String::new()).await;
        stack.stock(WIDGET, WIDGET_PRICE, WIDGETS).await;
        stack
    }

    /// The same with its stores where `folder` leads them: `data`, and `nats/store` for the broker's.
    pub async fn stocked_in(folder: TempDir, syncs: Syncs) -> Stack {
        let stack = Stack::start_in(folder, LOGS, DEADLINE, String::new(), syncs).await;
        stack.stock(WIDGET, WIDGET_PRICE, WIDGETS).await;
        stack
    }

    /// Starts a service on its own store; it may have one from before.
    pub fn start_service(&mut self, service: &str) {
        self.start_instance(service, service, "data");
    }

    pub fn start_all(&mut self) {
        for service in SERVICES {
            self.start_service(service);
        }
    }

    /// Starts a service under the name `instance`, with its store in the folder `data`.
    pub fn start_instance(&mut self, instance: &str, service: &str, data: &str) {
        self.start_instance_with(instance, service, data, &[]);
    }

    /// The same with more settings.
    pub fn start_instance_with(&mut self, instance: &str, service: &str, data: &str, settings: &[(&str, &str)]) {
        self.start_program(&programs::of_the_workspace("murmur"), instance, service, data, settings);
    }

    /// Starts a service on its own store that ends at `point` as by SIGKILL, in the words of `chassis::crash`.
    pub fn start_to_crash(&mut self, service: &str, point: &str) {
        self.start_program(programs::with_crash_points(), service, service, "data", &[("CRASH_AT", point)]);
    }

    fn start_program(&mut self, program: &Path, instance: &str, service: &str, data: &str, settings: &[(&str, &str)]) {
        let mut command = Command::new(program);
        command.args(["serve", service]).env_clear().current_dir(self.folder.path()).envs([
            ("NATS_URL", self.broker.url_of(service).as_str()),
            ("DATA_DIR", self.folder.path().join(data).to_str().unwrap()),
            ("PAYMENT_GATEWAY_URL", self.gateway.url().as_str()),
            ("PAYMENT_GATEWAY_KEY", GATEWAY_KEY),
            ("RUST_LOG", self.rust_log),
            ("SAGA_DEADLINE", self.deadline),
            // A few orders fill it: whatever happens may happen while rows are carried.
            ("JOURNAL_KIB", "16"),
        ]);
        command.envs(settings.iter().copied());
        let process = Process::start(&mut command, &self.folder.path().join(format!("{instance}.log")));
        self.processes.insert(instance.to_owned(), process);
    }

    /// Until the service answers.
    pub async fn ready(&self, service: &str) {
        let what = format!("{service} is ready");
        eventually(&what, async || self.client.is_ready(service).await.then_some(())).await;
    }

    pub fn process(&mut self, instance: &str) -> &mut Process {
        self.processes.get_mut(instance).unwrap_or_else(|| panic!("no {instance} was started"))
    }

    /// What the services printed, each over all its lives, by instance.
    pub fn outputs(&self) -> BTreeMap<&str, String> {
        self.processes.iter().map(|(name, process)| (name.as_str(), process.output())).collect()
    }

    /// What an instance printed since it was started last.
    pub fn own_output(&self, instance: &str) -> String {
        self.processes[instance].own_output()
    }

    /// Where the stores and the logs are.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// SIGKILL, wherever it is in its work.
    pub fn kill(&mut self, instance: &str) {
        self.process(instance).kill();
    }

    pub fn kill_all(&mut self) {
        for service in SERVICES {
            self.kill(service);
        }
    }

    /// SIGTERM; the exit code.
    pub async fn terminate(&mut self, instance: &str) -> Option<i32> {
        self.process(instance).ask_to_stop();
        self.process(instance).end().await
    }

    /// SIGKILL to the broker, and a start on the same store and port.
    pub async fn restart_broker(&mut self) {
        self.broker.kill();
        self.broker.start_again().await;
    }

    /// Sends a command.
    pub async fn ask(&self, subject: &str, body: Value) -> Answer {
        self.client.command(subject, body.to_string().into_bytes()).await
    }

    /// What a command that must not be refused is answered.
    pub async fn get(&self, subject: &str, body: Value) -> Value {
        let answer = self.ask(subject, body).await.unwrap_or_else(|refusal| panic!("{subject}: {refusal:?}"));
        serde_json::from_slice(&answer).unwrap()
    }

    /// Places an order that must not be refused; its id.
    pub async fn place(&self, order: Value) -> String {
        let answer = self.get("svc.order.place", order).await;
        answer["order_id"].as_str().unwrap_or_else(|| panic!("no order_id in {answer}")).to_owned()
    }

    /// Adds units to the stock, and waits until the order service knows the price.
    pub async fn stock(&self, sku: &str, unit_price: i64, quantity: i64) {
        self.get("svc.inventory.stock", json!({"sku": sku, "unit_price": unit_price, "quantity": quantity})).await;
        // An order that is refused changes nothing: one item is priced and there, the other never is.
        let probe = json!({"customer_id": "probe", "items": [
            {"sku": sku, "quantity": 1}, {"sku": "never-stocked", "quantity": 1},
        ]});
        let priced = async || {
            let refusal = self.ask("svc.order.place", probe.clone()).await.err()?;
            refusal.message.contains("never-stocked").then_some(())
        };
        eventually("the order service knows the price", priced).await;
    }

    /// What `nats pub` does: no reply, no headers of its own.
    pub async fn publish_raw(&self, subject: &str, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) {
        let (subject, body) = (subject.to_owned(), body.into().into());
        let published = match headers {
            [] => self.nats.publish(subject, body).await,
            headers => self.nats.publish_with_headers(subject, wire(headers.iter().copied()), body).await,
        };
        published.unwrap();
        self.nats.flush().await.unwrap();
    }
}

/// Headers as the client library has them.
pub fn wire<'a>(headers: impl Iterator<Item = (&'a str, &'a str)>) -> HeaderMap {
    let mut map = HeaderMap::new();
    headers.for_each(|(name, value)| map.insert(name, value));
    map
}

impl Drop for Stack {
    /// Where the test failed, what the processes said is part of its output.
    fn drop(&mut self) {
        if thread::panicking() {
            for (name, output) in self.outputs() {
                eprintln!("--- {name}\n{output}");
            }
            eprintln!("--- sandbox-gateway\n{}\n--- nats-server\n{}", self.gateway.output(), self.broker.output());
        }
    }
}
