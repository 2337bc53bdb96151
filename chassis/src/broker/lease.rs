//! One active instance per service. Whoever holds the lease works; another one with another store stands by.
//!
//! The lease is an entry of a key-value bucket that vanishes when it is not renewed. Its revision is the fencing token:
//! renewing and taking over are conditional on it, so of two instances one wins and the other is told. Before each
//! commit and each publish the holder checks, by its own monotonic clock, that it still holds the lease; where it cannot
//! tell, it waits. See `docs/decisions/one-active-instance.md`.

use std::time::Duration;

use async_nats::jetstream::{
    self,
    kv::{CreateErrorKind, Store, UpdateErrorKind},
    stream::StorageType,
};
use events::EventId;
use serde::{Deserialize, Serialize};
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};

use super::{Broker, refused};
use crate::{Error, ambient, ambient::pause, draft::json, signal::stopped};

/// The bucket of all leases.
pub(super) const BUCKET: &str = "leases";
/// How long an instance that fell silent keeps another waiting.
const LASTS: Duration = Duration::from_secs(6);
/// How often it is renewed.
const RENEWED_EVERY: Duration = Duration::from_secs(2);
/// How often an entry that changes while it is renewed is read again at once.
const RETAKEN_AT_MOST: u32 = 3;
/// How much earlier than the broker the holder takes it for lapsed.
const MARGIN: Duration = Duration::from_secs(1);

/// Who holds a lease.
#[derive(Debug, Serialize, Deserialize)]
struct Holder {
    store: EventId,
    process: u32,
    /// Tells two holders apart whose stores are copies of each other, and whose processes count from 1.
    instance: EventId,
}

/// A lease that is held, and has to be renewed.
pub(crate) struct Lease {
    jetstream: jetstream::Context,
    bucket: Store,
    service: &'static str,
    holder: Vec<u8>,
    revision: u64,
    valid_until: watch::Sender<Option<Instant>>,
}

/// Whether the lease is held at this moment.
#[derive(Clone)]
pub(crate) struct Held {
    service: &'static str,
    valid_until: watch::Receiver<Option<Instant>>,
}

impl Held {
    /// Returns at once while the lease is held; waits while that is not known; fails when it is lost.
    pub async fn check(&mut self) -> Result<(), Error> {
        loop {
            match *self.valid_until.borrow_and_update() {
                Some(until) if Instant::now() < until => return Ok(()),
                Some(_) => {}
                None => return Err(Error::LeaseLost { service: self.service.to_owned() }),
            }
            let lost = |_| Error::LeaseLost { service: self.service.to_owned() };
            self.valid_until.changed().await.map_err(lost)?;
        }
    }
}

impl Lease {
    /// Waits until the lease of `service` is free, and takes it. A lease that is held for the same store is free: its
    /// holder is gone, for the store is open here.
    pub async fn take(broker: &Broker, service: &'static str, store: EventId) -> Result<(Lease, Held), Error> {
        let bucket = bucket(&broker.jetstream).await?;
        let holder = json(&Holder { store, process: std::process::id(), instance: ambient::random_id() });
        let mut standing_by = false;
        loop {
            let asked = Instant::now();
            match bucket.create(service, holder.clone().into()).await {
                Ok(revision) => return Ok(Lease::taken(broker, bucket, service, holder, revision, asked)),
                Err(error) if error.kind() == CreateErrorKind::AlreadyExists => {}
                Err(error) => return Err(refused("take the lease of the service")(error)),
            }
            let entry = bucket.entry(service).await.map_err(refused("read the lease of the service"))?;
            let Some(entry) = entry.filter(|it| !it.value.is_empty()) else { continue };
            let other: Option<Holder> = serde_json::from_slice(&entry.value).ok();
            if other.as_ref().is_some_and(|other| other.store == store) {
                let asked = Instant::now();
                if let Ok(revision) = bucket.update(service, holder.clone().into(), entry.revision).await {
                    return Ok(Lease::taken(broker, bucket, service, holder, revision, asked));
                }
            } else if !standing_by {
                let process = other.map_or(0, |other| other.process);
                tracing::warn!(
                    "another instance of {service} is active, with another store (process {process}): this one stands \
                     by and takes over when that one ends"
                );
                standing_by = true;
            }
            pause(Duration::from_millis(500)).await;
        }
    }

    fn taken(
        broker: &Broker,
        bucket: Store,
        service: &'static str,
        holder: Vec<u8>,
        revision: u64,
        asked: Instant,
    ) -> (Lease, Held) {
        crate::crash::point("lease/taken");
        let (valid_until, held) = watch::channel(Some(asked + LASTS - MARGIN));
        let jetstream = broker.jetstream.clone();
        (Lease { jetstream, bucket, service, holder, revision, valid_until }, Held { service, valid_until: held })
    }

    /// Renews the lease until `stop`, then gives it back. Ends with an error when another instance took it.
    pub async fn keep(mut self, mut stop: watch::Receiver<bool>) -> Result<(), Error> {
        while timeout(RENEWED_EVERY, stopped(&mut stop)).await.is_err() {
            if let Err(error) = self.renew().await {
                self.valid_until.send_replace(None);
                return Err(error);
            }
        }
        crate::crash::point("lease/returning");
        // Where the broker cannot be reached the lease lapses by itself.
        if let Err(error) = self.bucket.delete_expect_revision(self.service, Some(self.revision)).await {
            tracing::debug!("the lease was not given back: {error}");
        }
        crate::crash::point("lease/returned");
        Ok(())
    }

    async fn renew(&mut self) -> Result<(), Error> {
        let asked = Instant::now();
        let value = bytes(&self.holder);
        let revision = match self.bucket.update(self.service, value, self.revision).await {
            Ok(revision) => Some(revision),
            Err(error) if error.kind() == UpdateErrorKind::WrongLastRevision => self.retake().await?,
            // A broker that forgot everything has no bucket either.
            Err(_) if bucket(&self.jetstream).await.is_ok() => self.retake().await?,
            Err(_) => None,
        };
        // Where the broker did not answer, the lease runs out by itself: work waits from then on, and the next renewal
        // is tried in time.
        let Some(revision) = revision else { return Ok(()) };
        crate::crash::point("lease/renewed");
        self.revision = revision;
        self.valid_until.send_replace(Some(asked + LASTS - MARGIN));
        Ok(())
    }

    /// The entry is not what it was: a renewal went through whose answer was lost, or the lease lapsed, or somebody took it.
    /// It is lost only where another holder stands there. What is refused because the entry changed since it was read
    /// (a renewal that the broker had held back arrives, say, or the entry vanishes) tells nothing about who did that: so
    /// it is read again, and where it does not stand still the next renewal looks.
    async fn retake(&self) -> Result<Option<u64>, Error> {
        for _ in 0..RETAKEN_AT_MOST {
            let Ok(entry) = self.bucket.entry(self.service).await else { return Ok(None) };
            let value = bytes(&self.holder);
            // Taken, or whether it is because the entry changed that it was not.
            let taken = match entry.filter(|it| !it.value.is_empty()) {
                Some(entry) if entry.value.as_ref() != self.holder => {
                    return Err(Error::LeaseLost { service: self.service.to_owned() });
                }
                Some(entry) => {
                    let updated = self.bucket.update(self.service, value, entry.revision).await;
                    updated.map_err(|error| error.kind() == UpdateErrorKind::WrongLastRevision)
                }
                None => {
                    let created = self.bucket.create(self.service, value).await;
                    created.map_err(|error| error.kind() == CreateErrorKind::AlreadyExists)
                }
            };
            match taken {
                Ok(revision) => return Ok(Some(revision)),
                Err(true) => {}
                Err(false) => return Ok(None),
            }
        }
        Ok(None)
    }
}

/// The bucket of all leases; it is made where it is missing.
pub(super) async fn bucket(jetstream: &jetstream::Context) -> Result<Store, Error> {
    let config = jetstream::kv::Config {
        bucket: BUCKET.to_owned(),
        description: "one active instance per service".to_owned(),
        history: 1,
        max_age: LASTS,
        storage: StorageType::File,
        ..Default::default()
    };
    match jetstream.get_key_value(BUCKET).await {
        Ok(bucket) => Ok(bucket),
        Err(_) => jetstream.create_key_value(config).await.map_err(refused("make the bucket of leases")),
    }
}

fn bytes<T: for<'a> From<Vec<u8>>>(holder: &[u8]) -> T {
    T::from(holder.to_vec())
}
