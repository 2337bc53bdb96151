//! The sandbox as a process: what it prints, how it ends, and what a kill leaves behind.

#[cfg(test)]
mod tests {
    use std::{path::Path, process::Stdio, time::Duration};

    use serde_json::Value;
    use tokio::{
        io::{AsyncBufReadExt, BufReader, Lines},
        process::{Child, ChildStdout, Command},
        time::timeout,
    };

    const DEADLINE: Duration = Duration::from_secs(30);

    struct Process {
        child: Child,
        stdout: Lines<BufReader<ChildStdout>>,
        url: String,
    }

    impl Process {
        async fn start(data: &Path) -> Self {
            rustls::crypto::ring::default_provider().install_default().ok();
            let mut child = command("127.0.0.1:0", data).stdout(Stdio::piped()).spawn().unwrap();
            let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
            let line = timeout(DEADLINE, stdout.next_line()).await.unwrap().unwrap().unwrap();
            let url = line.strip_prefix("sandbox-gateway listening on ").unwrap().to_owned();
            Self { child, stdout, url }
        }

        async fn charge(&self) -> reqwest::Response {
            let form =
                [("amount", "1999"), ("currency", "usd"), ("payment_method", "pm_card_visa"), ("confirm", "true")];
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            let request = client.post(format!("{}/v1/payment_intents", self.url));
            let request = request.bearer_auth("sk_test_1").header("Idempotency-Key", "o-1");
            request.form(&form).send().await.unwrap()
        }

        /// Sends a signal, and waits for the exit code and the rest of stdout.
        async fn end(mut self, signal: &str) -> (Option<i32>, Vec<String>) {
            let id = self.child.id().unwrap().to_string();
            let sent = Command::new("sh").args(["-c", &format!("kill {signal} {id}")]).status().await.unwrap();
            assert!(sent.success());
            let status = timeout(DEADLINE, self.child.wait()).await.unwrap().unwrap();
            let mut rest = Vec::new();
            while let Some(line) = self.stdout.next_line().await.unwrap() {
                rest.push(line);
            }
            (status.code(), rest)
        }
    }

    fn command(listen: &str, data: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sandbox-gateway"));
        command.args(["--listen", listen, "--data"]).arg(data).kill_on_drop(true);
        command
    }

    /// Starts where it cannot, and gives the one sentence that it says.
    async fn check_refused(listen: &str, data: &Path, sentence: &str) {
        let output = timeout(DEADLINE, command(listen, data).output()).await.unwrap().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(output.stdout.is_empty());
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        assert!(stderr.contains(sentence), "{stderr}");
    }

    #[tokio::test]
    async fn it_says_one_line_and_ends_well_when_asked_to() {
        for signal in ["-TERM", "-INT"] {
            let data = tempfile::tempdir().unwrap();
            let process = Process::start(data.path()).await;
            assert_eq!(process.charge().await.status(), 200);
            assert_eq!(process.end(signal).await, (Some(0), vec![]), "{signal}");
        }
    }

    #[tokio::test]
    async fn a_killed_process_has_forgotten_nothing() {
        let data = tempfile::tempdir().unwrap();
        let process = Process::start(data.path()).await;
        let first: Value = process.charge().await.json().await.unwrap();
        assert_eq!(process.end("-KILL").await, (None, vec![]));

        let process = Process::start(data.path()).await;
        let again = process.charge().await;
        assert_eq!(again.headers()["idempotent-replayed"], "true");
        assert_eq!(again.json::<Value>().await.unwrap(), first);
    }

    #[tokio::test]
    async fn it_says_in_one_sentence_why_it_does_not_start() {
        let data = tempfile::tempdir().unwrap();
        let other = tempfile::tempdir().unwrap();
        let process = Process::start(data.path()).await;
        let address = process.url.strip_prefix("http://").unwrap();
        check_refused(address, other.path(), "in use by another process").await;
        check_refused("127.0.0.1:0", data.path(), "the ledger in").await;
        check_refused("0.0.0.0:0", other.path(), "not a loopback address").await;
        std::fs::write(other.path().join("ledger.jsonl"), "nonsense\n").unwrap();
        check_refused("127.0.0.1:0", other.path(), "line 1 of").await;
    }
}
