//! How `/v1` misbehaves on request.
//!
//! An outage is in front of everything else, the API key included: a provider that is down does not check keys.

use std::{
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use axum::{
    extract::{ConnectInfo, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

use crate::{
    ambient,
    gateway::{Gateway, take_hold},
    line::Line,
    refusal::Refusal,
};

/// How slow `slow` is unless told otherwise.
const SLOW_MS: u64 = 30_000;

/// What happens to a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// It is answered.
    #[default]
    Ok,
    /// 503, and nothing is done.
    Unavailable,
    /// 500, and nothing is done.
    InternalError,
    /// 429 with `Retry-After: 1`, and nothing is done.
    RateLimited,
    /// It is done, and answered `slow_ms` later. Its idempotency key is in flight until then, or until the client goes.
    Slow,
    /// The connection is reset, and nothing is done.
    Reset,
    /// It is done, and then the connection is reset.
    LostReply,
}

/// A mode, and for how long.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// What happens to a request.
    pub mode: Mode,
    /// Milliseconds until a slow answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slow_ms: Option<u64>,
    /// How many requests are still hit; for all until it is changed where this is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests: Option<u64>,
}

/// The setting in force.
#[derive(Default)]
pub struct Outage(Mutex<Setting>);

impl Setting {
    /// Fills in the default slowness.
    ///
    /// # Errors
    /// A sentence that says which field makes no sense here.
    pub fn complete(mut self) -> Result<Self, &'static str> {
        if self.requests == Some(0) {
            return Err("requests must be at least 1; leave it out to hit all requests until the mode is changed");
        }
        if self.requests.is_some() && self.mode == Mode::Ok {
            return Err("requests goes with an outage; mode ok lasts until it is changed");
        }
        match self.mode {
            Mode::Slow => self.slow_ms = self.slow_ms.or(Some(SLOW_MS)),
            _ if self.slow_ms.is_some() => return Err("slow_ms goes with mode slow only"),
            _ => {}
        }
        Ok(self)
    }
}

impl Outage {
    /// Changes how requests are treated from now on.
    pub fn set(&self, setting: Setting) {
        *self.setting() = setting;
    }

    /// The setting in force.
    pub fn current(&self) -> Setting {
        self.setting().clone()
    }

    /// The setting for the request that has just come, counted.
    fn next(&self) -> Setting {
        let mut setting = self.setting();
        let now = setting.clone();
        match &mut setting.requests {
            Some(1) => *setting = Setting::default(),
            Some(left) => *left -= 1,
            None => {}
        }
        now
    }

    fn setting(&self) -> MutexGuard<'_, Setting> {
        self.0.lock().expect("copying a setting does not panic")
    }
}

/// Treats a request as the setting in force says.
pub async fn apply(
    State(gateway): State<Gateway>,
    ConnectInfo(line): ConnectInfo<Line>,
    request: Request,
    next: Next,
) -> Response {
    let setting = gateway.outage().next();
    if setting.mode != Mode::Ok {
        tracing::info!(mode = ?setting.mode, method = %request.method(), path = request.uri().path());
    }
    match setting.mode {
        Mode::Unavailable => return Refusal::unavailable().into_response(),
        Mode::InternalError => return Refusal::internal().into_response(),
        Mode::RateLimited => return Refusal::rate_limited().into_response(),
        Mode::Reset => return line.cut(),
        Mode::Ok | Mode::Slow | Mode::LostReply => {}
    }
    let mut response = next.run(request).await;
    // In flight until this function is left, which is before the client hears of it.
    let _hold = take_hold(&mut response);
    match setting.mode {
        Mode::Slow => {
            let delay = Duration::from_millis(setting.slow_ms.unwrap_or(SLOW_MS));
            dawdle(&gateway, delay).await;
            response
        }
        Mode::LostReply => line.cut(),
        _ => response,
    }
}

/// Waits, unless the sandbox is stopped.
async fn dawdle(gateway: &Gateway, delay: Duration) {
    let mut stopping = gateway.stopping().subscribe();
    tokio::select! {
        () = ambient::wait(delay) => {}
        _ = stopping.wait_for(|&stopping| stopping) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(json: &str) -> Result<Setting, &'static str> {
        serde_json::from_str::<Setting>(json).unwrap().complete()
    }

    #[test]
    fn an_outage_of_two_requests_hits_two() {
        let outage = Outage::default();
        outage.set(setting(r#"{"mode":"reset","requests":2}"#).unwrap());
        let modes = [(); 4].map(|()| outage.next().mode);
        assert_eq!(modes, [Mode::Reset, Mode::Reset, Mode::Ok, Mode::Ok]);
    }

    #[test]
    fn an_outage_without_an_end_goes_on() {
        let outage = Outage::default();
        outage.set(setting(r#"{"mode":"lost_reply"}"#).unwrap());
        let modes = [(); 3].map(|()| outage.next().mode);
        assert_eq!(modes, [Mode::LostReply; 3]);
    }

    #[test]
    fn slow_is_half_a_minute_unless_told_otherwise() {
        assert_eq!(setting(r#"{"mode":"slow"}"#).unwrap().slow_ms, Some(30_000));
        assert_eq!(setting(r#"{"mode":"slow","slow_ms":5}"#).unwrap().slow_ms, Some(5));
    }

    #[test]
    fn a_field_that_makes_no_sense_is_refused() {
        setting(r#"{"mode":"reset","requests":0}"#).unwrap_err();
        setting(r#"{"mode":"ok","requests":3}"#).unwrap_err();
        setting(r#"{"mode":"reset","slow_ms":5}"#).unwrap_err();
    }
}
