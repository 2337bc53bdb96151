//! A whole system of one's own: a broker, a gateway and the services, each a process, and where each of them keeps what
//! it has.

mod broker;
mod process;

use std::{
    collections::{BTreeMap, HashSet},
    fs,
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::Child,
    time::Duration,
};

use anyhow::{Context, bail};
use async_nats::jetstream;
use chassis::{Client, Figures, ambient::pause};
use serde_json::Value;
use tempfile::TempDir;

use self::process::{program, start, stop, until};
pub use self::{
    broker::{Broker, GARBAGE},
    process::{DEADLINE, within},
};
use crate::sample::{Sample, cpu};

/// The services of the shop.
pub const SERVICES: [&str; 7] = ["order", "inventory", "payment", "shipping", "customer", "notification", "view"];

/// The name under which this process, which places the orders, is among the others.
pub const LOAD: &str = "load";

/// Everything that was started. It ends with this.
pub struct System {
    broker: Broker,
    /// The gateway and the services.
    processes: BTreeMap<&'static str, Child>,
    environment: Vec<(&'static str, String)>,
    client: Client,
    nats: async_nats::Client,
    folder: TempDir,
}

/// A folder below `within` that goes with what is given.
pub fn folder_in(within: &Path) -> anyhow::Result<TempDir> {
    fs::create_dir_all(within).with_context(|| within.display().to_string())?;
    let within = within.canonicalize().context("the folder of the run")?;
    tempfile::Builder::new().prefix("murmuration-").tempdir_in(within).context("the folder of the run")
}

impl System {
    /// Starts everything in a folder below `within`. With `horizon`, everything that is finished is forgotten after so
    /// many seconds; without, as it is set by default.
    pub async fn start(within: &Path, horizon: Option<u64>) -> anyhow::Result<System> {
        let folder = folder_in(within)?;
        let broker = Broker::start(folder.path()).await?;
        let (client, nats) = broker.connect().await?;
        let (gateway, gateway_url) = gateway(folder.path()).await?;
        let data_dir = folder.path().to_str().context("a folder whose name is text")?.to_owned();
        let mut environment = vec![
            ("NATS_URL", broker.url.clone()),
            ("DATA_DIR", data_dir),
            ("PAYMENT_GATEWAY_URL", gateway_url),
            ("RUST_LOG", "warn".to_owned()),
        ];
        if let Some(horizon) = horizon {
            bound_stream(&nats, horizon).await?;
            environment.extend([("HORIZON", format!("{horizon}s")), ("OUTBOX_KEPT", format!("{}s", horizon / 2))]);
        }
        let processes = BTreeMap::from([("sandbox-gateway", gateway)]);
        let mut system = System { broker, processes, environment, client, nats, folder };
        for service in SERVICES {
            system.start_service(service)?;
        }
        for service in SERVICES {
            system.ready(service).await?;
        }
        Ok(system)
    }

    /// Connections to ask and tell, and to look from outside.
    pub fn connection(&self) -> (Client, async_nats::Client) {
        (self.client.clone(), self.nats.clone())
    }

    /// Starts a service; it is not ready yet.
    pub fn start_service(&mut self, service: &'static str) -> anyhow::Result<()> {
        let mut command = process::service(service)?;
        command.env_clear().envs(self.environment.iter().map(|(name, value)| (name, value)));
        self.processes.insert(service, start(&mut command, &self.path(service))?);
        Ok(())
    }

    /// Waits until a service answers.
    pub async fn ready(&self, service: &str) -> anyhow::Result<()> {
        let ready = async || Ok(self.client.is_ready(service).await.then_some(()));
        until(&format!("{service} is ready"), ready).await
    }

    /// Stops a service in order, as an operator does.
    pub async fn stop_service(&mut self, service: &str) -> anyhow::Result<()> {
        stop(self.processes.get_mut(service).with_context(|| format!("{service} was not started"))?).await
    }

    /// What everything takes now that `ended` orders have ended.
    ///
    /// # Errors
    /// Where one of the processes has ended.
    pub fn sample(&mut self, ended: u64) -> anyhow::Result<Sample> {
        let mut sample = Sample { ended, ..Sample::default() };
        for (name, process) in self.processes.iter_mut().chain([(&"nats-server", &mut self.broker.process)]) {
            if let Some(status) = process.try_wait().context("a process cannot be looked at")? {
                let said = fs::read_to_string(self.folder.path().join(name).with_extension("log")).unwrap_or_default();
                bail!("{name} ended ({status}):\n{said}");
            }
            sample.take(name, process.id(), &self.folder.path().join(name));
        }
        Ok(sample)
    }

    /// The milliseconds of CPU that each process took so far, this one too.
    pub fn cpu(&self) -> BTreeMap<&'static str, u64> {
        let started = self.processes.iter().map(|(name, process)| (*name, process.id()));
        let others = [("nats-server", self.broker.process.id()), (LOAD, std::process::id())];
        started.chain(others).filter_map(|(name, process)| Some((name, cpu(process)?))).collect()
    }

    /// What each service has done since it started.
    pub async fn figures(&self) -> anyhow::Result<BTreeMap<&'static str, Figures>> {
        let mut all = BTreeMap::new();
        for service in SERVICES {
            all.insert(service, self.ask(service, "figures").await?);
        }
        Ok(all)
    }

    /// What a service answers about itself.
    pub async fn ask<T: serde::de::DeserializeOwned>(&self, service: &str, command: &str) -> anyhow::Result<T> {
        let subject = format!("svc.{service}.{command}");
        match self.client.command(&subject, b"{}".to_vec()).await {
            Ok(answer) => serde_json::from_slice(&answer).with_context(|| format!("what {subject} answers")),
            Err(refusal) => bail!("{subject}: {} {}", refusal.code, refusal.message),
        }
    }

    /// Waits until nobody has anything left to do.
    pub async fn quiet(&self) -> anyhow::Result<()> {
        let (mut known, mut same) = (None, 0);
        while same < 4 {
            let done: u64 = self.figures().await?.values().map(|it| it.turns + it.published).sum();
            same = if known == Some(done) { same + 1 } else { 0 };
            known = Some(done);
            pause(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// How many charges and refunds the gateway made of an order that had one already.
    pub fn doubled(&self) -> anyhow::Result<u64> {
        let ledger = File::open(self.path("sandbox-gateway").join("ledger.jsonl"))?;
        let (mut known, mut doubled) = (HashSet::new(), 0);
        for line in BufReader::new(ledger).lines() {
            let entry: Value = serde_json::from_str(&line?)?;
            let kind = entry["kind"].as_str().unwrap_or_default().to_owned();
            if ["charge", "refund"].contains(&kind.as_str()) && !known.insert((kind, entry["order_id"].to_string())) {
                doubled += 1;
            }
        }
        Ok(doubled)
    }

    /// How many messages nobody could take.
    pub async fn dead_letters(&self) -> anyhow::Result<u64> {
        Ok(self.client.stream(events::DEAD_LETTERS).await?.last_sequence)
    }

    /// The folder of the program of this name, or of the mails.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Drop for System {
    fn drop(&mut self) {
        for process in self.processes.values_mut() {
            // One that has ended by itself is as gone.
            process.kill().ok();
            process.wait().ok();
        }
    }
}

/// What an operator sets who wants the stream bounded: events are there for as long as anybody may ask for them.
async fn bound_stream(nats: &async_nats::Client, horizon: u64) -> anyhow::Result<()> {
    let jetstream = jetstream::new(nats.clone());
    let stream = jetstream.get_stream(events::EVENTS).await?;
    let age = Duration::from_secs(horizon * 2);
    let config =
        jetstream::stream::Config { max_age: age, duplicate_window: age, ..stream.cached_info().config.clone() };
    jetstream.update_stream(config).await.context("the stream cannot be bounded")?;
    Ok(())
}

async fn gateway(folder: &Path) -> anyhow::Result<(Child, String)> {
    let data = folder.join("sandbox-gateway");
    let mut command = program("sandbox-gateway")?;
    command.env("RUST_LOG", "warn").args(["--listen", "127.0.0.1:0", "--data"]).arg(&data);
    let child = start(&mut command, &data)?;
    let listens = async || {
        let said = fs::read_to_string(data.with_extension("log"))?;
        Ok(said.lines().find_map(|line| line.strip_prefix("sandbox-gateway listening on ").map(str::to_owned)))
    };
    Ok((child, until("the sandbox gateway listens", listens).await?))
}
