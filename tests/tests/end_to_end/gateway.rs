//! The sandbox gateway: the witness outside the system, and the one who misbehaves on request.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use reqwest::Client;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{await_condition::eventually, process::Process, programs};

/// A gateway with its ledger. Started again, it has the same address and the same ledger.
pub struct Gateway {
    folder: PathBuf,
    process: Process,
    address: String,
    http: Client,
}

/// What really happened to money, in the order in which it happened.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Ledger {
    pub charges: Vec<Entry>,
    pub refunds: Vec<Entry>,
    pub declines: Vec<Entry>,
}

/// Money of one order that moved, or did not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Entry {
    pub order_id: String,
    pub amount: i64,
}

impl Gateway {
    /// Starts a gateway on a free port, with its ledger in `folder`.
    pub async fn start(folder: &Path) -> Gateway {
        // The one provider of this process; that another test was first is as good.
        drop(rustls::crypto::ring::default_provider().install_default());
        let http = Client::builder().no_proxy().build().unwrap();
        let process = serve(folder, "127.0.0.1:0");
        let listening = async || {
            let said = process.own_output();
            let line = said.lines().find_map(|line| line.strip_prefix("sandbox-gateway listening on http://"))?;
            Some(line.to_owned())
        };
        let address = eventually("the sandbox gateway listens", listening).await;
        Gateway { folder: folder.to_owned(), process, address, http }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it printed, over all its lives.
    pub fn output(&self) -> String {
        self.process.output()
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again after [`Gateway::kill`], on the same ledger and port.
    pub async fn start_again(&mut self) {
        self.process = serve(&self.folder, &self.address);
        let health = || self.http.get(format!("{}/sandbox/health", self.url())).send();
        eventually("the sandbox gateway is back", async || health().await.ok()).await;
    }

    /// Makes it misbehave from now on: the body of `POST /sandbox/mode`.
    pub async fn mode(&self, mode: Value) {
        self.post("mode", mode).await;
    }

    /// Whether the card that refuses refunds takes them from now on.
    pub async fn accept_refunds(&self, accepted: bool) {
        self.post("refunds", json!({"accepted": accepted})).await;
    }

    async fn post(&self, what: &str, body: Value) {
        let request = self.http.post(format!("{}/sandbox/{what}", self.url())).body(body.to_string());
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{what} {body}: {}", answer.text().await.unwrap());
    }

    pub async fn ledger(&self) -> Ledger {
        let answer = self.http.get(format!("{}/sandbox/ledger", self.url())).send().await.unwrap();
        answer.json().await.unwrap()
    }

    /// How many requests it has treated as `mode`, in the words of its own log.
    pub fn treated_as(&self, mode: &str) -> usize {
        let treated = format!("mode={mode} ");
        self.output().lines().filter(|line| line.contains(&treated)).count()
    }
}

fn serve(folder: &Path, listen: &str) -> Process {
    let mut command = Command::new(programs::of_the_workspace("sandbox-gateway"));
    command.env_clear().args(["--listen", listen, "--data"]).arg(folder);
    Process::start(&mut command, &folder.with_extension("log"))
}
