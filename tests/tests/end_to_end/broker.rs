//! nats-server on the repository's own `nats.conf`: what is tested is what runs. Only the places differ.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use async_nats::{Client, ConnectOptions};
use serde_json::Value;

use crate::{await_condition::eventually, process::Process, programs};

const CONFIG: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../nats.conf"));

/// How often the broker syncs what it stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syncs {
    /// Before it confirms anything, as `nats.conf` says.
    Always,
    /// Every two minutes, which is its own default: what it confirmed may be gone after a power cut.
    NowAndThen,
}

/// A broker with its store. Started again, it has the same address and the same store.
pub struct Broker {
    folder: PathBuf,
    process: Process,
    address: String,
    /// Who may do what; empty where anybody may do everything.
    authorization: String,
}

impl Broker {
    /// Starts a broker on free ports, with its store in `folder`.
    pub async fn start(folder: &Path, authorization: String, syncs: Syncs) -> Broker {
        fs::create_dir_all(folder).unwrap();
        write_config(folder, ["127.0.0.1:-1"; 2], &authorization, syncs);
        let process = serve(folder, &authorization);
        let (address, monitoring) = ports(folder, &process).await;
        // From now on the configuration names the ports, so that the next start takes the same ones.
        write_config(folder, [&address, &monitoring], &authorization, syncs);
        Broker { folder: folder.to_owned(), process, address, authorization }
    }

    /// For those who may do everything.
    pub fn url(&self) -> String {
        self.url_of("operator")
    }

    /// For the user of this name, where there are users.
    pub fn url_of(&self, user: &str) -> String {
        match self.authorization.is_empty() {
            true => format!("nats://{}", self.address),
            false => format!("nats://{user}:{}@{}", password(user), self.address),
        }
    }

    /// A connection for the user of this name, where there are users.
    pub async fn connect(&self, user: &str, options: ConnectOptions) -> Client {
        let options = match self.authorization.is_empty() {
            true => options,
            false => options.user_and_password(user.to_owned(), password(user)),
        };
        options.connect(format!("nats://{}", self.address)).await.unwrap()
    }

    pub fn process(&self) -> u32 {
        self.process.id()
    }

    /// The folder of all that it stores.
    pub fn store(&self) -> PathBuf {
        self.folder.join("store")
    }

    /// What it printed.
    pub fn output(&self) -> String {
        self.process.output()
    }

    /// Where it listens.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// SIGSTOP.
    pub fn stand_still(&self) {
        self.process.stand_still();
    }

    /// SIGCONT.
    pub fn go_on(&self) {
        self.process.go_on();
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again after [`Broker::kill`], on the same store and port.
    pub async fn start_again(&mut self) {
        self.process = serve(&self.folder, &self.authorization);
        ports(&self.folder, &self.process).await;
    }
}

fn serve(folder: &Path, authorization: &str) -> Process {
    let mut command = Command::new(programs::nats_server());
    for user in authorization.split(['$', ',']).filter_map(|word| word.strip_suffix("_PASSWORD")) {
        command.env(format!("{user}_PASSWORD"), password(&user.to_lowercase()));
    }
    command.arg("--config").arg(config_path(folder));
    Process::start(&mut command, &folder.join("nats.log"))
}

fn password(user: &str) -> String {
    format!("{user}-has-a-password")
}

fn config_path(folder: &Path) -> PathBuf {
    folder.join("nats.conf")
}

/// The repository's configuration with three values exchanged, one added, and who may do what; without the line about
/// syncing where the broker's own default is wanted.
fn write_config(folder: &Path, [listen, http]: [&str; 2], authorization: &str, syncs: Syncs) {
    let store = folder.join("store").display().to_string();
    let values = [("listen", listen), ("http", http), ("store_dir", store.as_str())];
    let mut config = format!("ports_file_dir: \"{}\"\n", folder.display());
    let mut exchanged = 0;
    for line in CONFIG.lines() {
        let name = line.trim().split(':').next().unwrap_or_default();
        match values.iter().find(|(known, _)| *known == name) {
            Some((_, value)) => {
                config.push_str(&format!("{name}: \"{value}\"\n"));
                exchanged += 1;
            }
            None if name == "sync_interval" && syncs == Syncs::NowAndThen => {}
            None => config.push_str(&format!("{line}\n")),
        }
    }
    assert_eq!(exchanged, values.len(), "nats.conf has no longer one each of {values:?}");
    fs::write(config_path(folder), config + authorization).unwrap();
}

/// Where it listens for clients and for monitoring: it writes both down once it listens.
async fn ports(folder: &Path, process: &Process) -> (String, String) {
    let file = folder.join(format!("nats-server_{}.ports", process.id()));
    let written = async || serde_json::from_slice::<Value>(&fs::read(&file).ok()?).ok();
    let ports = eventually("the broker listens", written).await;
    let address = |kind: &str| {
        let url = ports[kind][0].as_str().unwrap_or_else(|| panic!("no port for {kind} in {ports}"));
        url.rsplit('/').next().unwrap_or_default().to_owned()
    };
    (address("nats"), address("monitoring"))
}
