//! The sandbox as a client sees it: a real server on a free port, over HTTP.

#[cfg(test)]
mod harness;
#[cfg(test)]
mod idempotency;
#[cfg(test)]
mod intents;
#[cfg(test)]
mod outages;
#[cfg(test)]
mod payments;
#[cfg(test)]
mod persistence;
#[cfg(test)]
mod refunds;
