//! The form that a client posts, read with Stripe's complaints.

use axum::{
    Form,
    extract::{FromRequest, Request},
};

use crate::{entry::Metadata, ids, refusal::Refusal};
use uuid::Uuid;

/// The parameters of one request, as they were sent.
#[derive(Debug)]
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// What an idempotency key stands for: the same for the same parameters at the same endpoint, in any order.
    pub fn digest(&self, endpoint: &str) -> Uuid {
        let mut pairs: Vec<_> = self.0.iter().collect();
        // Stable and by name only: the order of the values of one list is part of what was asked.
        pairs.sort_by_key(|(name, _)| name);
        let content = serde_json::to_vec(&(endpoint, pairs)).expect("strings are valid JSON");
        ids::digest(&content)
    }

    /// Refuses a parameter that is not in `known`, as Stripe does, so that a misspelt one does not go unnoticed. A `known`
    /// name that ends in `[` stands for all its members.
    pub fn only(&self, known: &[&str]) -> Result<(), Refusal> {
        let is_known =
            |name: &str| known.iter().any(|known| name == *known || (known.ends_with('[') && name.starts_with(known)));
        match self.0.iter().find(|(name, _)| !is_known(name)) {
            Some((name, _)) => {
                let message = format!("Received unknown parameter: {name}");
                Err(Refusal::invalid(name, message).code("parameter_unknown"))
            }
            None => Ok(()),
        }
    }

    /// A parameter that may be left out, but not be empty.
    pub fn optional(&self, name: &str) -> Result<Option<&str>, Refusal> {
        match self.last(name) {
            Some("") => {
                let message = format!("You passed an empty string for '{name}'.");
                Err(Refusal::invalid(name, message).code("parameter_invalid_empty"))
            }
            value => Ok(value),
        }
    }

    /// A parameter that must be there.
    pub fn required(&self, name: &str) -> Result<&str, Refusal> {
        self.optional(name)?.ok_or_else(|| Refusal::missing(name))
    }

    /// A parameter that is true or false, if it is there.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, Refusal> {
        match self.optional(name)? {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(Refusal::invalid(name, "This value must be true or false.")),
        }
    }

    /// An amount of at least one minor unit.
    pub fn amount(&self) -> Result<Option<i64>, Refusal> {
        let Some(value) = self.optional("amount")? else {
            return Ok(None);
        };
        let message = match value.parse::<i64>() {
            Ok(amount) if amount >= 1 => return Ok(Some(amount)),
            Ok(_) => "This value must be greater than or equal to 1.".to_owned(),
            Err(_) => format!("Invalid integer: {value}"),
        };
        Err(Refusal::invalid("amount", message).code("parameter_invalid_integer"))
    }

    /// All values of a list: `name[]` or `name[0]`.
    pub fn list(&self, name: &str) -> impl Iterator<Item = &str> {
        self.members(name).map(|(_, value)| value)
    }

    /// `metadata[...]`
    pub fn metadata(&self) -> Metadata {
        self.members("metadata").map(|(member, value)| (member.to_owned(), value.to_owned())).collect()
    }

    fn members(&self, name: &str) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter_map(move |(full_name, value)| {
            let member = full_name.strip_prefix(name)?.strip_prefix('[')?.strip_suffix(']')?;
            Some((member, value.as_str()))
        })
    }

    fn last(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().rfind(|(known, _)| known == name)?;
        Some(value)
    }
}

impl<S: Send + Sync> FromRequest<S> for Parameters {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        match Form::from_request(request, state).await {
            Ok(Form(pairs)) => Ok(Self(pairs)),
            Err(rejection) => Err(Refusal::malformed(rejection.status(), rejection.body_text())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(pairs: &[(&str, &str)]) -> Parameters {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Parameters(pairs.iter().map(owned).collect())
    }

    #[track_caller]
    fn check_amount(value: &str, expected: Result<i64, &str>) {
        let amount = parameters(&[("amount", value)]).amount();
        match (amount, expected) {
            (Ok(amount), Ok(expected)) => assert_eq!(amount, Some(expected)),
            (Err(refusal), Err(code)) => {
                let shown = format!("{refusal:?}");
                assert!(shown.contains(&format!("Some(\"{code}\")")), "{shown}");
            }
            (amount, expected) => panic!("{amount:?} is not {expected:?}"),
        }
    }

    #[test]
    fn an_amount_is_a_positive_integer() {
        check_amount("1", Ok(1));
        check_amount("9223372036854775807", Ok(i64::MAX));
        check_amount("0", Err("parameter_invalid_integer"));
        check_amount("-5", Err("parameter_invalid_integer"));
        check_amount("19.99", Err("parameter_invalid_integer"));
        check_amount("9223372036854775808", Err("parameter_invalid_integer"));
        check_amount("", Err("parameter_invalid_empty"));
    }

    #[test]
    fn a_digest_knows_the_content_but_not_the_order_of_names() {
        let digest = |pairs: &[(&str, &str)]| parameters(pairs).digest("/v1/refunds");
        let first = digest(&[("a", "1"), ("b[]", "2"), ("b[]", "3")]);
        assert_eq!(first, digest(&[("b[]", "2"), ("b[]", "3"), ("a", "1")]));
        assert_ne!(first, digest(&[("a", "1"), ("b[]", "3"), ("b[]", "2")]));
        assert_ne!(first, digest(&[("a", "1"), ("b[]", "2")]));
        let elsewhere = parameters(&[("a", "1"), ("b[]", "2"), ("b[]", "3")]);
        assert_ne!(first, elsewhere.digest("/v1/payment_intents"));
    }

    #[test]
    fn metadata_is_what_stands_in_brackets() {
        let sent = parameters(&[("metadata[order_id]", "o-1"), ("metadata", "x"), ("amount", "1")]);
        assert_eq!(sent.metadata(), [("order_id".to_owned(), "o-1".to_owned())].into());
    }

    #[test]
    fn an_unknown_parameter_is_refused_by_name() {
        let sent = parameters(&[("metadata[order_id]", "o-1"), ("amuont", "1")]);
        assert!(sent.only(&["metadata[", "amuont"]).is_ok());
        let refusal = sent.only(&["metadata[", "amount"]).unwrap_err();
        assert!(format!("{refusal:?}").contains("Received unknown parameter: amuont"));
    }
}
