//! Which programs the system is made of, and what this start has to bring itself.

use std::{env, path::PathBuf};

use chassis::{
    Settings,
    settings::{text, without_credentials},
};
use clap::ValueEnum;

use super::{
    ports::{self, Port},
    program::{Program, Ready},
};
use crate::{Error, serve::Served, tool};

/// The broker's monitoring port.
pub(super) const MONITORING: &str = "127.0.0.1:8222";
/// Where the sandbox of the payment gateway listens.
const SANDBOX: &str = "127.0.0.1:12111";

/// What is started, in this order; it is stopped in the opposite one.
pub(crate) struct Plan {
    /// What the services need: the broker, the payment gateway. Each is ready before the next is started.
    pub needs: Vec<Program>,
    /// The services. They start together.
    pub services: Vec<Program>,
    /// What is used and not started, as (name, address).
    pub elsewhere: Vec<(&'static str, String)>,
}

/// How much the programs log, where `RUST_LOG` does not say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Logs {
    /// What an operator wants to see.
    All,
    /// Only what went wrong.
    Warnings,
}

impl Plan {
    /// Everything that the environment does not bring: `NATS_URL` brings a broker, `PAYMENT_GATEWAY_URL` a gateway.
    ///
    /// # Errors
    /// What is missing or in the way, before anything is started.
    pub fn make(settings: &Settings, logs: Logs) -> Result<Plan, Error> {
        let mut plan = Plan { needs: Vec::new(), services: Vec::new(), elsewhere: Vec::new() };
        match text("NATS_URL", "").as_str() {
            "" => plan.needs.push(nats_server(settings)?),
            _ => plan.elsewhere.push(("nats-server", settings.nats_address())),
        }
        let gateway = text("PAYMENT_GATEWAY_URL", "");
        match gateway.as_str() {
            "" => plan.needs.push(sandbox_gateway(settings)?),
            url => plan.elsewhere.push(("payment gateway", without_credentials(url))),
        }
        let service = |it: &Served| service(it.name(), settings, gateway.is_empty());
        plan.services = Served::value_variants().iter().map(service).collect::<Result<_, _>>()?;
        ports::check(plan.needs.iter().flat_map(|program| program.ports.iter().copied()))?;
        plan.needs.iter().chain(&plan.services).try_for_each(is_there)?;
        Ok(plan.quiet(logs))
    }

    fn quiet(mut self, logs: Logs) -> Plan {
        if logs == Logs::Warnings {
            for program in self.needs.iter_mut().chain(&mut self.services) {
                program.environment.extend(unless_set(&[("RUST_LOG", "warn")]));
            }
        }
        self
    }
}

fn nats_server(settings: &Settings) -> Result<Program, Error> {
    let folder = here()?;
    let executable = tool::nats_server(&folder)?;
    // Its log is for those who look for something; what matters of it the services say too.
    let asked_for_more = ["debug", "trace"].iter().any(|level| text("RUST_LOG", "").contains(level));
    Ok(Program {
        name: "nats-server",
        executable,
        arguments: ["-c", "nats.conf"].map(Into::into).to_vec(),
        environment: unless_set(&bench::system::GARBAGE),
        ports: vec![
            Port { number: 4222, advice: "by another nats-server perhaps: stop it, or set NATS_URL to use it" },
            Port {
                number: 8222,
                advice: "and nats-server monitors itself there: stop what has it, or set NATS_URL to a broker that runs",
            },
        ],
        ready: Ready::Connects,
        log: (!asked_for_more).then(|| settings.data_dir.join("nats.log")),
        place: format!("{}, http://{MONITORING}", settings.nats_address()),
        // What nats.conf says: it is asked when it runs.
        store: String::new(),
    })
}

fn sandbox_gateway(settings: &Settings) -> Result<Program, Error> {
    let data = settings.data_dir.join("sandbox-gateway");
    Ok(Program {
        name: "sandbox-gateway",
        executable: beside("sandbox-gateway")?,
        arguments: vec!["--listen".into(), SANDBOX.into(), "--data".into(), data.clone().into()],
        environment: Vec::new(),
        ports: vec![Port {
            number: 12111,
            advice: "by another sandbox gateway perhaps: stop it, or set PAYMENT_GATEWAY_URL to use it",
        }],
        ready: Ready::Says("sandbox-gateway listening on "),
        log: None,
        place: format!("http://{SANDBOX}"),
        store: data.display().to_string(),
    })
}

fn service(name: &'static str, settings: &Settings, sandbox: bool) -> Result<Program, Error> {
    // The key of a real account has no business in the sandbox.
    let environment =
        [("PAYMENT_GATEWAY_URL", format!("http://{SANDBOX}")), ("PAYMENT_GATEWAY_KEY", "sk_sandbox".to_owned())];
    Ok(Program {
        name,
        executable: beside("murmur")?,
        arguments: vec!["serve".into(), name.into()],
        environment: if sandbox { environment.to_vec() } else { Vec::new() },
        ports: Vec::new(),
        ready: Ready::Answers,
        log: None,
        place: format!("svc.{name}.*"),
        store: settings.data_dir.join(name).display().to_string(),
    })
}

/// What is set for a program where the user does not set it.
fn unless_set(values: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    let missing = values.iter().filter(|(name, _)| text(name, "").is_empty());
    missing.map(|(name, value)| (*name, (*value).to_owned())).collect()
}

fn is_there(program: &Program) -> Result<(), Error> {
    if !program.executable.is_file() {
        return Err(Error::NoProgram { path: program.executable.clone() });
    }
    match program.name {
        "nats-server" if !here()?.join("nats.conf").is_file() => Err(Error::NoNatsConfig { folder: here()? }),
        _ => Ok(()),
    }
}

fn here() -> Result<PathBuf, Error> {
    env::current_dir().map_err(|source| Error::System { doing: "tell the current folder", source })
}

/// The program of this name in the folder of this one: cargo puts all programs of the workspace there.
fn beside(name: &str) -> Result<PathBuf, Error> {
    let own = env::current_exe().map_err(|source| Error::System { doing: "tell where murmur itself is", source })?;
    Ok(own.with_file_name(name))
}
