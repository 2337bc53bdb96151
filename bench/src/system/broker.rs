//! A broker of one's own: the repository's configuration, on a free port, in a folder that it is given.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command},
};

use anyhow::Context;
use chassis::{Client, Settings};
use serde_json::Value;

use super::process::{DEADLINE, start, until};

/// How nats-server's runtime collects garbage: when there is five times as much as is in use, in place of twice, or 6 GiB. What
/// it has in memory is a tree of all subjects, one for each fact of each order, and all of that is looked through each time
/// (`docs/performance.md`).
pub const GARBAGE: [(&str, &str); 2] = [("GOGC", "400"), ("GOMEMLIMIT", "6GiB")];

/// A broker that runs. It ends with this.
pub struct Broker {
    /// Its process.
    pub process: Child,
    /// Where it listens.
    pub url: String,
    /// Where its streams are.
    pub store: PathBuf,
}

impl Broker {
    /// Starts `nats-server` with the repository's `nats.conf` in `folder`.
    pub async fn start(folder: &Path) -> anyhow::Result<Broker> {
        let conf = fs::read_to_string("nats.conf").context("nats.conf: run this in the folder of the project")?;
        let mut config = format!("ports_file_dir: \"{}\"\n", folder.display());
        let store = folder.join("nats-server");
        for line in conf.lines() {
            match line.trim().split(':').next().unwrap_or_default() {
                "listen" => config.push_str("listen: \"127.0.0.1:-1\"\n"),
                "http" => {}
                "store_dir" => config.push_str(&format!("store_dir: \"{}\"\n", store.display())),
                _ => config.push_str(&format!("{line}\n")),
            }
        }
        let path = folder.join("nats.conf");
        fs::write(&path, config).context("nats.conf")?;
        let process = start(Command::new("nats-server").arg("--config").arg(&path).envs(GARBAGE), &store)?;
        let file = folder.join(format!("nats-server_{}.ports", process.id()));
        let mut broker = Broker { process, url: String::new(), store };
        let ports = async || Ok(fs::read(&file).ok().and_then(|text| serde_json::from_slice::<Value>(&text).ok()));
        let ports = until("the broker listens", ports).await?;
        broker.url = ports["nats"][0].as_str().context("the broker does not say where it listens")?.to_owned();
        Ok(broker)
    }

    /// Connects as whoever asks and tells does, with the streams made; and as one who looks from outside.
    pub async fn connect(&self) -> anyhow::Result<(Client, async_nats::Client)> {
        let settings = Settings { shutdown: DEADLINE, ..Settings::at(&self.url) };
        let client = Client::connect(&settings).await?;
        client.make_streams().await?;
        Ok((client, self.look().await?))
    }

    /// One more connection from outside. Nothing that comes while nobody looks is cut off.
    pub async fn look(&self) -> anyhow::Result<async_nats::Client> {
        Ok(async_nats::ConnectOptions::new().subscription_capacity(1 << 20).connect(&self.url).await?)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // One that has ended by itself is as gone.
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
