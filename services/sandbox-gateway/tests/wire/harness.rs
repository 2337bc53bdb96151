//! A sandbox to try things on, with a client that talks to it as a payment service would.

use std::{path::Path, sync::Arc, time::Duration};

use reqwest::{Client, Method, RequestBuilder};
use sandbox_gateway::{Error, Sandbox};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{sync::oneshot, task::JoinSet, time::timeout};

/// How long a condition may take to come true, on a busy machine.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// A running sandbox. Its ledger is removed with the last bench on it.
pub struct Bench {
    client: Client,
    url: String,
    folder: Arc<TempDir>,
    stop: oneshot::Sender<()>,
    serving: JoinSet<Result<(), Error>>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    pub status: u16,
    pub replayed: bool,
    pub retry_after: Option<String>,
    pub body: String,
}

impl Bench {
    pub async fn start() -> Self {
        Self::on(Arc::new(tempfile::tempdir().unwrap())).await
    }

    /// Stops this one, and starts another on its ledger.
    pub async fn restart(self) -> Self {
        let folder = Arc::clone(&self.folder);
        self.stop().await;
        Self::on(folder).await
    }

    pub async fn stop(mut self) {
        self.stop.send(()).unwrap();
        self.serving.join_next().await.unwrap().unwrap().unwrap();
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap()
    }

    /// A request that is not sent yet, without any header.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    pub fn post(&self, path: &str, key: Option<&str>, form: &[(&str, &str)]) -> RequestBuilder {
        let request = self.request(Method::POST, path).bearer_auth("sk_test_1").form(form);
        match key {
            Some(key) => request.header("Idempotency-Key", key),
            None => request,
        }
    }

    /// A charge of 1999 USD cents for the order of the same name as the key.
    pub fn charge(&self, key: &str, card: &str) -> RequestBuilder {
        let order = ("metadata[order_id]", key);
        let mut form = payment(card);
        form.push(order);
        self.post("/v1/payment_intents", Some(key), &form)
    }

    pub async fn get(&self, path: &str) -> Answer {
        answer(self.request(Method::GET, path).bearer_auth("sk_test_1")).await
    }

    pub async fn set_mode(&self, json: &'static str) {
        let set = answer(self.request(Method::POST, "/sandbox/mode").body(json)).await;
        assert_eq!(set.status, 200, "{set:?}");
    }

    /// What `POST /sandbox/refunds` says to `json`.
    pub async fn set_refunds(&self, json: &'static str) -> Answer {
        answer(self.request(Method::POST, "/sandbox/refunds").body(json)).await
    }

    /// The ledger, as the witness tells it.
    pub async fn ledger(&self) -> Value {
        self.get("/sandbox/ledger").await.json()
    }

    /// How many charges, refunds and declines there are.
    pub async fn counts(&self) -> [usize; 3] {
        let ledger = self.ledger().await;
        ["charges", "refunds", "declines"].map(|list| ledger[list].as_array().unwrap().len())
    }

    /// Until the first charge is in the ledger.
    pub async fn await_charge(&self) {
        let charged = async { while self.counts().await != [1, 0, 0] {} };
        timeout(DEADLINE, charged).await.unwrap();
    }

    async fn on(folder: Arc<TempDir>) -> Self {
        // Fails where another test of this process was first, which does as well.
        rustls::crypto::ring::default_provider().install_default().ok();
        let sandbox = Sandbox::bind(([127, 0, 0, 1], 0).into(), folder.path()).await.unwrap();
        let url = format!("http://{}", sandbox.address());
        let (stop, stopped) = oneshot::channel();
        let mut serving = JoinSet::new();
        serving.spawn(sandbox.serve(async move {
            stopped.await.ok();
        }));
        let client = Client::builder().no_proxy().build().unwrap();
        Self { client, url, folder, stop, serving }
    }
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// A field of the object, as text.
    #[track_caller]
    pub fn text(&self, field: &str) -> String {
        let json = self.json();
        json[field].as_str().unwrap_or_else(|| panic!("no {field} in {self:?}")).to_owned()
    }

    /// `type` and `code` of the error.
    pub fn error(&self) -> (String, Option<String>) {
        let error = &self.json()["error"];
        let field = |name: &str| error[name].as_str().map(str::to_owned);
        (field("type").unwrap(), field("code"))
    }
}

/// Sends a request that is answered.
pub async fn answer(request: RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let header = |name: &str| {
        let value = response.headers().get(name)?;
        Some(value.to_str().unwrap().to_owned())
    };
    Answer {
        status: response.status().as_u16(),
        replayed: header("Idempotent-Replayed").as_deref() == Some("true"),
        retry_after: header("Retry-After"),
        body: response.text().await.unwrap(),
    }
}

/// The parameters of a charge of 1999 USD cents.
pub fn payment(card: &str) -> Vec<(&'static str, &str)> {
    vec![
        ("amount", "1999"),
        ("currency", "usd"),
        ("payment_method", card),
        ("confirm", "true"),
        ("payment_method_types[]", "card"),
        ("error_on_requires_action", "true"),
    ]
}
