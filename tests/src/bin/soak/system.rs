//! The system under load: a broker, a gateway and the services, each a process, and where each of them keeps what it has.

use std::{
    collections::{BTreeMap, HashSet},
    env, fs,
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use async_nats::jetstream;
use chassis::{Client, Keeping, Settings, ambient::pause};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::sample::Sample;

const SERVICES: [&str; 7] = ["order", "inventory", "payment", "shipping", "customer", "notification", "view"];

const DEADLINE: Duration = Duration::from_secs(60);

/// Everything that was started. It ends with this.
pub struct System {
    processes: BTreeMap<&'static str, Child>,
    client: Client,
    nats: async_nats::Client,
    folder: TempDir,
}

impl System {
    /// Starts everything in a folder below `within`, and has everything that is finished forgotten after `horizon` seconds.
    pub async fn start(within: &Path, horizon: u64) -> anyhow::Result<System> {
        fs::create_dir_all(within).with_context(|| within.display().to_string())?;
        let within = within.canonicalize().context("the folder of the run")?;
        let folder = tempfile::Builder::new().prefix("soak-").tempdir_in(within).context("the folder of the run")?;
        let mut processes = BTreeMap::new();
        let (broker, url) = broker(folder.path()).await?;
        processes.insert("nats-server", broker);
        let (gateway, gateway_url) = gateway(folder.path()).await?;
        processes.insert("sandbox-gateway", gateway);
        let data_dir = folder.path().to_owned();
        let (nats_url, keeping) = (url.clone(), Keeping::DEFAULT);
        let settings = Settings { nats_url, data_dir, batch_size: 256, shutdown: DEADLINE, keeping };
        let client = Client::connect(&settings).await?;
        let nats = async_nats::ConnectOptions::new().subscription_capacity(1 << 20).connect(&url).await?;
        client.make_streams().await?;
        bound_stream(&nats, horizon).await?;
        let mut system = System { processes, client, nats, folder };
        for service in SERVICES {
            let mut command = program(service)?;
            command.env_clear().envs([
                ("NATS_URL", url.as_str()),
                ("DATA_DIR", system.path("").to_str().context("a folder whose name is text")?),
                ("PAYMENT_GATEWAY_URL", gateway_url.as_str()),
                ("RUST_LOG", "warn"),
                ("HORIZON", &format!("{horizon}s")),
                ("OUTBOX_KEPT", &format!("{}s", horizon / 2)),
            ]);
            system.processes.insert(service, start(&mut command, &system.path(service))?);
        }
        for service in SERVICES {
            let ready = async || Ok(system.client.is_ready(service).await.then_some(()));
            until(&format!("{service} is ready"), ready).await?;
        }
        Ok(system)
    }

    pub fn connection(&self) -> (Client, async_nats::Client) {
        (self.client.clone(), self.nats.clone())
    }

    /// What everything takes now that `ended` orders have ended.
    ///
    /// # Errors
    /// Where one of the processes has ended.
    pub fn sample(&mut self, ended: u64) -> anyhow::Result<Sample> {
        let mut sample = Sample { ended, ..Sample::default() };
        for (name, process) in &mut self.processes {
            if let Some(status) = process.try_wait().context("a process cannot be looked at")? {
                let said = fs::read_to_string(self.folder.path().join(name).with_extension("log")).unwrap_or_default();
                bail!("{name} ended ({status}):\n{said}");
            }
            sample.take(name, process.id(), &self.folder.path().join(name));
        }
        Ok(sample)
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

    fn path(&self, name: &str) -> PathBuf {
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

/// The repository's `nats.conf`, with free ports and a folder of its own.
async fn broker(folder: &Path) -> anyhow::Result<(Child, String)> {
    let conf = fs::read_to_string("nats.conf").context("nats.conf: run this in the folder of the workspace")?;
    let mut config = format!("ports_file_dir: \"{}\"\n", folder.display());
    for line in conf.lines() {
        match line.trim().split(':').next().unwrap_or_default() {
            "listen" => config.push_str("listen: \"127.0.0.1:-1\"\n"),
            "http" => {}
            "store_dir" => config.push_str(&format!("store_dir: \"{}\"\n", folder.join("nats-server").display())),
            _ => config.push_str(&format!("{line}\n")),
        }
    }
    let path = folder.join("nats.conf");
    fs::write(&path, config).context("nats.conf")?;
    let child = start(Command::new("nats-server").arg("--config").arg(&path), &folder.join("nats-server"))?;
    let file = folder.join(format!("nats-server_{}.ports", child.id()));
    let ports = async || Ok(fs::read(&file).ok().and_then(|text| serde_json::from_slice::<Value>(&text).ok()));
    let ports = until("the broker listens", ports).await?;
    let url = ports["nats"][0].as_str().context("the broker does not say where it listens")?.to_owned();
    Ok((child, url))
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

/// The program of this name: beside this one.
fn program(name: &str) -> anyhow::Result<Command> {
    let path = env::current_exe().context("where this program is")?.with_file_name(name);
    ensure!(path.is_file(), "{} is not there: use `just soak`, which builds it", path.display());
    Ok(Command::new(path))
}

/// Starts `command`. What it prints goes to a file beside `store`.
fn start(command: &mut Command, store: &Path) -> anyhow::Result<Child> {
    let output = File::create(store.with_extension("log")).with_context(|| store.display().to_string())?;
    command.stdin(Stdio::null()).stderr(output.try_clone()?).stdout(output);
    command.spawn().with_context(|| format!("{:?} cannot be started", command.get_program()))
}

/// What `look` gives as soon as it gives something.
async fn until<T>(what: &str, look: impl AsyncFn() -> anyhow::Result<Option<T>>) -> anyhow::Result<T> {
    let began = Instant::now();
    loop {
        if let Some(found) = look().await? {
            return Ok(found);
        }
        ensure!(began.elapsed() < DEADLINE, "not within {DEADLINE:?}: {what}");
        pause(Duration::from_millis(20)).await;
    }
}

/// The body of a command that stocks enough for `orders`.
pub fn enough(orders: u64) -> Value {
    json!({"sku": "widget", "name": "Widget", "unit_price": 1999, "currency": "USD", "quantity": orders})
}
