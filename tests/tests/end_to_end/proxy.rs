//! A TCP proxy that stands for the network between services and the broker, and misbehaves as networks do.

use std::{io, net::SocketAddr, time::Duration};

use chassis::ambient::pause;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinSet,
};

/// What the network does from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// It forwards.
    Whole,
    /// It forwards each piece that much later.
    Slow(Duration),
    /// It accepts connections, and forwards nothing in either direction.
    HalfOpen,
    /// Nothing reaches the broker.
    OneWayToServices,
    /// Nothing reaches the services.
    OneWayToBroker,
}

/// Towards whom a piece is going.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Towards {
    Broker,
    Service,
}

/// A listener that hands every connection on to the broker. It ends, with all connections, when it is dropped.
pub struct Proxy {
    address: SocketAddr,
    wire: Wire,
    _serving: JoinSet<()>,
}

/// What all connections share.
#[derive(Clone)]
struct Wire {
    network: watch::Sender<Network>,
    cuts: watch::Sender<u64>,
    /// What will have no answer, until it is said: then nothing reaches the services.
    unanswered: watch::Sender<Option<&'static str>>,
}

impl Wire {
    /// Whether the services said what has no answer. It is so once.
    fn leaves_unanswered(&self, piece: &[u8]) -> bool {
        let is_in = |request: &str| piece.windows(request.len()).any(|it| it == request.as_bytes());
        self.unanswered.send_if_modified(|request| request.take_if(|it| is_in(it)).is_some())
    }
}

impl Proxy {
    /// A network to the broker at `broker`, whole at first.
    pub async fn to(broker: String) -> Proxy {
        Proxy::with(broker, None).await
    }

    /// The same, until a service says `request`: nothing reaches the services from then on.
    pub async fn without_an_answer_to(request: &'static str, broker: String) -> Proxy {
        Proxy::with(broker, Some(request)).await
    }

    async fn with(broker: String, unanswered: Option<&'static str>) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let wire = Wire {
            network: watch::Sender::new(Network::Whole),
            cuts: watch::Sender::new(0),
            unanswered: watch::Sender::new(unanswered),
        };
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, broker, wire.clone()));
        Proxy { address, wire, _serving: serving }
    }

    /// Where services find the broker.
    pub fn url(&self) -> String {
        format!("nats://{}", self.address)
    }

    /// From now on the network is so. What was held back is forwarded once it is whole again, as TCP does.
    pub fn becomes(&self, network: Network) {
        self.wire.network.send_replace(network);
    }

    /// What the network does.
    pub fn is(&self) -> Network {
        *self.wire.network.borrow()
    }

    /// Closes all connections, with what is on its way.
    pub fn cut(&self) {
        self.wire.cuts.send_modify(|count| *count += 1);
    }
}

async fn serve(listener: TcpListener, broker: String, wire: Wire) {
    let mut connections = JoinSet::new();
    while let Ok((service, _)) = listener.accept().await {
        connections.spawn(connect(service, broker.clone(), wire.clone()));
    }
}

/// One connection, until either end closes it or it is cut.
async fn connect(service: TcpStream, broker: String, wire: Wire) {
    let mut cuts = wire.cuts.subscribe();
    // A broker that is gone refuses: so does the proxy.
    let Ok(broker) = TcpStream::connect(broker).await else { return };
    let ((from_service, to_service), (from_broker, to_broker)) = (service.into_split(), broker.into_split());
    tokio::select! {
        biased;
        _ = cuts.changed() => {}
        _ = pump(from_service, to_broker, Towards::Broker, &wire) => {}
        _ = pump(from_broker, to_service, Towards::Service, &wire) => {}
    }
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, towards: Towards, wire: &Wire) -> io::Result<()> {
    let mut network = wire.network.subscribe();
    let mut piece = vec![0; 16 * 1024];
    loop {
        let length = from.read(&mut piece).await?;
        if length == 0 {
            return Ok(());
        }
        if towards == Towards::Broker && wire.leaves_unanswered(&piece[..length]) {
            wire.network.send_replace(Network::OneWayToBroker);
        }
        let passes = |network: &Network| match network {
            Network::Whole | Network::Slow(_) => true,
            Network::HalfOpen => false,
            Network::OneWayToServices => towards == Towards::Service,
            Network::OneWayToBroker => towards == Towards::Broker,
        };
        let now = *network.wait_for(passes).await.map_err(io::Error::other)?;
        if let Network::Slow(delay) = now {
            pause(delay).await;
        }
        to.write_all(&piece[..length]).await?;
    }
}
