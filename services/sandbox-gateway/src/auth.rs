//! The API key of a request. Any secret key will do: what is checked is that the client sends one.

use axum::{
    extract::Request,
    http::{HeaderMap, header::AUTHORIZATION},
    middleware::Next,
    response::Response,
};

use crate::refusal::Refusal;

/// Lets a request pass that has `Authorization: Bearer sk_…`.
pub async fn require_secret_key(request: Request, next: Next) -> Result<Response, Refusal> {
    check(request.headers())?;
    Ok(next.run(request).await)
}

fn check(headers: &HeaderMap) -> Result<(), Refusal> {
    let value = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    match value.and_then(bearer_token) {
        None | Some("") => Err(Refusal::unauthorized(
            "You did not provide an API key. You need to provide your API key in the Authorization header, \
             using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
        )),
        Some(token) if token.starts_with("sk_") => Ok(()),
        Some(_) => Err(Refusal::unauthorized("Invalid API Key provided: a secret key starts with sk_.")),
    }
}

fn bearer_token(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_header(value: Option<&'static str>, allowed: bool) {
        let mut headers = HeaderMap::new();
        if let Some(value) = value {
            headers.insert(AUTHORIZATION, value.parse().unwrap());
        }
        assert_eq!(check(&headers).is_ok(), allowed, "{value:?}");
    }

    #[test]
    fn only_a_secret_key_passes() {
        check_header(Some("Bearer sk_test_1"), true);
        check_header(Some("bearer sk_test_1"), true);
        check_header(None, false);
        check_header(Some("Bearer "), false);
        check_header(Some("Bearer pk_test_1"), false);
        check_header(Some("sk_test_1"), false);
        check_header(Some("Basic c2tfdGVzdF8xOg=="), false);
    }
}
