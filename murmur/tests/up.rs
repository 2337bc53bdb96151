//! `murmur up` as a process: what is in its way is one sentence, and whatever happens, nothing is left running.
//!
//! The services are stand-ins here: beside the murmur that is tested, which is called `operator` for it, stands a script that
//! is called `murmur`. The whole shop runs in the end-to-end tests.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    fs::{self, Permissions},
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tempfile::TempDir;

/// The services, in the order in which they are shown.
const SERVICES: [&str; 7] = ["customer", "inventory", "notification", "order", "payment", "shipping", "view"];

/// The ports are the same for all tests; and a script that is being written while another test starts a process is busy.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// What a service does that never becomes ready.
const NEVER_READY: &str = "exec sleep 600";

/// A folder with a murmur of its own, and stand-ins for what it starts.
struct House {
    folder: TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl House {
    fn new() -> House {
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let house = House { folder: tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap(), _turn: turn };
        for folder in ["bin", "path", "pids"] {
            fs::create_dir(house.path(folder)).unwrap();
        }
        fs::write(house.path("nats.conf"), "").unwrap();
        fs::hard_link(env!("CARGO_BIN_EXE_murmur"), house.path("bin/operator")).unwrap();
        house.program("bin/murmur", NEVER_READY);
        house
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// A program that leaves its process id in `pids`, where it is `murmur serve NAME` under that name, then does what
    /// `script` says.
    fn program(&self, path: &str, script: &str) {
        let pids = self.path("pids");
        let name = Path::new(path).file_name().unwrap().to_str().unwrap();
        let called = format!("[ \"$1\" = serve ] && name=$2 || name={name}");
        let script = format!("#!/bin/sh\nPATH=/usr/bin:/bin\n{called}\necho $$ > {}/$name\n{script}\n", pids.display());
        fs::write(self.path(path), script).unwrap();
        fs::set_permissions(self.path(path), Permissions::from_mode(0o755)).unwrap();
    }

    /// murmur in this folder, with nothing in its environment but what is given.
    fn murmur(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Child {
        let mut command = Command::new(self.path("bin/operator"));
        command.args(arguments).current_dir(self.folder.path()).env_clear().env("PATH", self.path("path"));
        command.envs(environment.iter().copied());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// The processes of the programs that were started, by name.
    fn started(&self) -> Vec<(String, Pid)> {
        let started = |entry: std::io::Result<fs::DirEntry>| {
            let entry = entry.unwrap();
            let id = fs::read_to_string(entry.path()).unwrap().trim().parse().ok()?;
            Some((entry.file_name().into_string().unwrap(), Pid::from_raw(id)?))
        };
        fs::read_dir(self.path("pids")).unwrap().filter_map(started).collect()
    }

    #[track_caller]
    fn check_nothing_is_left(&self) {
        for (name, process) in self.started() {
            assert!(test_kill_process(process).is_err(), "{name} is still there, process {process:?}");
        }
    }
}

/// A real broker on a free port.
struct Broker {
    process: Child,
    url: String,
    _store: TempDir,
}

impl Broker {
    fn start() -> Broker {
        let project = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let program = murmur::nats_server(project).unwrap_or_else(|error| panic!("{error}"));
        let store = tempfile::tempdir().unwrap();
        let mut command = Command::new(program);
        command.args(["-a", "127.0.0.1", "-p", "-1", "--ports_file_dir"]).arg(store.path());
        let process = command.stderr(Stdio::null()).spawn().unwrap();
        let ports = store.path().join(format!("nats-server_{}.ports", process.id()));
        let url = await_some("the broker's ports file", || {
            let ports: serde_json::Value = serde_json::from_slice(&fs::read(&ports).ok()?).ok()?;
            Some(ports["nats"][0].as_str()?.to_owned())
        });
        Broker { process, url, _store: store }
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

#[track_caller]
fn await_some<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

#[track_caller]
fn check(child: Child, code: i32, sentence: &str) {
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    let said = String::from_utf8(stderr).unwrap();
    assert!(said.contains(sentence), "it says {said:?}");
    assert_eq!(status.code(), Some(code), "it says {said:?}");
    assert_eq!(String::from_utf8(stdout).unwrap(), "");
}

const NATS: &str = "echo nats-server: v2.15.0";

#[test]
fn a_port_that_is_taken_is_said_and_nothing_is_started() {
    let house = House::new();
    house.program("path/nats-server", NATS);
    // Where somebody else has it already, it is taken as well.
    let _taken = TcpListener::bind("127.0.0.1:4222");
    check(
        house.murmur(&["up"], &[]),
        1,
        "port 4222 is in use, by another nats-server perhaps: stop it, or set NATS_URL",
    );
    assert_eq!(house.started().iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["nats-server"]);
    house.check_nothing_is_left();
}

#[test]
fn a_missing_nats_server_is_said() {
    let house = House::new();
    check(house.murmur(&["up"], &[]), 1, "murmur: there is no nats-server on PATH or in .tools/bin: `just setup`");
    assert!(house.started().is_empty());
}

#[test]
fn an_old_nats_server_is_said() {
    let house = House::new();
    house.program("path/nats-server", "echo nats-server: v2.9.10");
    check(house.murmur(&["up"], &[]), 1, "is nats-server 2.9, and 2.14 or newer is needed: `just setup`");
}

#[test]
fn a_program_that_is_gone_is_said() {
    let (house, broker) = (House::new(), Broker::start());
    fs::remove_file(house.path("bin/murmur")).unwrap();
    let brought = [("NATS_URL", broker.url.as_str()), ("PAYMENT_GATEWAY_URL", "http://127.0.0.1:9")];
    check(house.murmur(&["up"], &brought), 1, "bin/murmur: `cargo build --workspace --bins` makes it");
    assert!(house.started().is_empty());
}

#[test]
fn a_service_that_dies_at_the_start_ends_everything() {
    let (house, broker) = (House::new(), Broker::start());
    let dies = "[ $name = payment ] && echo 'the store is held by another process' >&2 && exit 1";
    house.program("bin/murmur", &format!("{dies}\n{NEVER_READY}"));
    let brought = [("NATS_URL", broker.url.as_str()), ("PAYMENT_GATEWAY_URL", "http://127.0.0.1:9")];
    check(house.murmur(&["up"], &brought), 1, "murmur: payment ended before it was ready (exit status: 1)");
    // How far the others came by then differs.
    assert!(house.started().iter().any(|(name, _)| name == "payment"));
    house.check_nothing_is_left();
}

#[test]
fn services_that_are_not_ready_in_time_are_named_and_stopped() {
    let (house, broker) = (House::new(), Broker::start());
    let brought = [("NATS_URL", broker.url.as_str()), ("PAYMENT_GATEWAY_URL", "http://127.0.0.1:9")];
    let sentence = format!("murmur: not ready after 1 s: {};", SERVICES.join(", "));
    check(house.murmur(&["up", "--timeout", "1"], &brought), 1, &sentence);
    assert_eq!(house.started().len(), SERVICES.len());
    house.check_nothing_is_left();
}

#[test]
fn a_signal_while_starting_stops_everything() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let (house, broker) = (House::new(), Broker::start());
        let brought = [("NATS_URL", broker.url.as_str()), ("PAYMENT_GATEWAY_URL", "http://127.0.0.1:9")];
        let murmur = house.murmur(&["up"], &brought);
        await_some("all services", || (house.started().len() == SERVICES.len()).then_some(()));
        kill_process(Pid::from_child(&murmur), signal).unwrap();
        check(murmur, 0, "all has stopped");
        house.check_nothing_is_left();
    }
}

#[test]
fn a_broker_that_is_not_there_has_an_exit_code_of_its_own() {
    let house = House::new();
    let nobody = [("NATS_URL", "nats://user:secret@127.0.0.1:9")];
    for command in
        [&["place", "widget:1"][..], &["watch", "o-1"], &["pub", "order.created", "{}"], &["call", "svc.a.b"]]
    {
        check(house.murmur(command, &nobody), 3, "murmur: no broker at nats://127.0.0.1:9: start one");
    }
}
