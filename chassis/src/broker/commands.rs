//! Commands through the NATS services API, so that `nats micro ls`, `info` and `stats` show every service.

use std::time::Duration;

use async_nats::service::{self, ServiceExt};
use futures_util::{
    FutureExt, StreamExt,
    stream::{FuturesUnordered, select_all},
};
use jiff::Timestamp;
use tokio::{
    sync::{mpsc, oneshot, watch},
    time::{Instant, sleep_until},
};

use super::{Broker, refused, waves::Waves};
use crate::{
    Answer, Error, Input, Refusal, Request, ambient,
    signal::{is_set, stopped},
};

/// How long a command waits for a place among the inputs before the client is told to come back.
const PLACE_WITHIN: Duration = Duration::from_secs(1);

/// A command, and whether its turn may say or ask for something.
#[derive(Clone, Copy)]
pub(crate) struct Command {
    pub name: &'static str,
    pub says: bool,
}

/// The commands of one service.
pub(crate) struct Commands {
    pub broker: Broker,
    pub service: &'static str,
    pub commands: Vec<Command>,
    pub inputs: mpsc::Sender<Input>,
}

/// What clients find.
struct Registered {
    service: service::Service,
    endpoints: Vec<(Command, service::endpoint::Endpoint)>,
}

impl Commands {
    /// Registers the commands. From here on clients find the service: it is ready.
    async fn register(&self) -> Result<Registered, Error> {
        let Commands { broker, service: name, .. } = self;
        let failed = |error: async_nats::Error| Error::Broker { doing: "register commands", why: error.to_string() };
        let service = broker.client.service_builder().description(format!("the {name} service of Murmuration"));
        let service = service.start(*name, env!("CARGO_PKG_VERSION")).await.map_err(failed)?;
        let group = service.group(format!("svc.{name}"));
        let mut endpoints = Vec::new();
        for command in self.commands.iter().copied() {
            let endpoint = group.endpoint_builder().name(command.name).add(command.name).await.map_err(failed)?;
            endpoints.push((command, endpoint));
        }
        // The server knows the subscriptions once it answered: a command that is sent now finds its service.
        broker.client.flush().await.map_err(refused("register commands"))?;
        tracing::info!("ready");
        Ok(Registered { service, endpoints })
    }

    /// Registers the commands once the service knows what it said before, hands them on and sends their answers, until
    /// `stop` and the last answer.
    pub async fn run(
        self,
        mut remembered: watch::Receiver<bool>,
        mut stop: watch::Receiver<bool>,
    ) -> Result<(), Error> {
        tokio::select! {
            () = is_set(&mut remembered) => {}
            () = stopped(&mut stop) => return Ok(()),
        }
        let Registered { service, endpoints } = self.register().await?;
        let Commands { broker, inputs, .. } = self;
        let each = |(command, endpoint): (Command, service::endpoint::Endpoint)| endpoint.map(move |it| (command, it));
        let mut requests = select_all(endpoints.into_iter().map(each).map(Box::pin));
        let mut answers = FuturesUnordered::new();
        let answered = |request: Received| answer(request, inputs.clone());
        let mut waves = Waves::new(Instant::now());
        loop {
            let wave_ends = waves.ends();
            // Who comes; nobody where the wave ends.
            let comes = tokio::select! {
                Some(comes) = requests.next() => Some(comes),
                () = sleep_until(wave_ends.unwrap_or_else(Instant::now)), if wave_ends.is_some() => {
                    if waves.takes_more(Instant::now()) { requests.next().now_or_never().flatten() } else { None }
                }
                Some(()) = answers.next() => continue,
                () = stopped(&mut stop) => break,
            };
            match comes {
                Some((command, message)) => answers.extend(waves.take(command, message).map(answered)),
                None => answers.extend(waves.end(Instant::now()).into_iter().map(answered)),
            }
        }
        answers.extend(waves.end(Instant::now()).into_iter().map(answered));
        // Nothing new is taken; what came is taken and answered.
        if let Err(error) = service.stop().await {
            tracing::debug!("the commands were not taken back: {error}");
        }
        loop {
            tokio::select! {
                Some((command, message)) = requests.next() => answers.push(answered(Received::now(command.name, message))),
                Some(()) = answers.next() => {}
                else => break,
            }
        }
        if let Err(error) = broker.client.flush().await {
            tracing::debug!("the last answers may be lost, what they say is not: {error}");
        }
        Ok(())
    }
}

/// A command that came.
struct Received {
    command: &'static str,
    request: service::Request,
    time: Timestamp,
}

impl Waves<Received> {
    /// Takes a command into the wave where it may say something; gives it back where it need not wait.
    fn take(&mut self, command: Command, message: service::Request) -> Option<Received> {
        let received = Received::now(command.name, message);
        if command.says { self.join(received, Instant::now()) } else { Some(received) }
    }
}

impl Received {
    fn now(command: &'static str, request: service::Request) -> Received {
        Received { command, request, time: ambient::now() }
    }
}

async fn answer(received: Received, inputs: mpsc::Sender<Input>) {
    let Received { command, request, time } = received;
    let (sender, receiver) = oneshot::channel();
    let input = Input::Command(Request {
        command: command.to_owned(),
        body: request.message.payload.to_vec(),
        id: ambient::random_id().at(time),
        time,
        answer: sender,
    });
    crate::crash::point("command/received");
    let stopping = || Refusal::unavailable("the service is stopping: send the command again in a moment");
    let answer: Answer = match inputs.send_timeout(input, PLACE_WITHIN).await {
        Ok(()) => receiver.await.unwrap_or_else(|_| Err(stopping())),
        Err(mpsc::error::SendTimeoutError::Timeout(_)) => {
            Err(Refusal::busy("the service is busy: send the command again in a moment"))
        }
        Err(mpsc::error::SendTimeoutError::Closed(_)) => Err(stopping()),
    };
    drop(inputs);
    let answer = answer
        .map(Into::into)
        .map_err(|refusal| service::error::Error { status: refusal.message, code: usize::from(refusal.code) });
    if let Err(error) = request.respond(answer).await {
        tracing::debug!("{command} was not answered, its client is gone: {error}");
    }
    crate::crash::point("command/answered");
}
