//! Money: integer minor units with an ISO 4217 currency. Never a float; arithmetic that overflows says so.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An amount in the smallest unit of its currency: cents for USD, yen for JPY.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MinorUnits(pub i64);

impl MinorUnits {
    /// `self + other`, or nothing where that does not fit.
    pub fn checked_add(self, other: MinorUnits) -> Option<MinorUnits> {
        self.0.checked_add(other.0).map(MinorUnits)
    }

    /// `self * times`, or nothing where that does not fit.
    pub fn checked_mul(self, times: u32) -> Option<MinorUnits> {
        self.0.checked_mul(i64::from(times)).map(MinorUnits)
    }

    /// Whether there is something to pay.
    pub fn is_positive(self) -> bool {
        self.0 > 0
    }
}

impl fmt::Display for MinorUnits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An ISO 4217 code: three capital letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

impl Currency {
    /// United States dollars, the currency of a hand-typed order that names none.
    pub const USD: Currency = Currency(*b"USD");
}

impl TryFrom<String> for Currency {
    type Error = String;
    fn try_from(text: String) -> Result<Currency, String> {
        match <[u8; 3]>::try_from(text.as_bytes()) {
            Ok(code) if code.iter().all(u8::is_ascii_uppercase) => Ok(Currency(code)),
            _ => Err(format!(
                "{:?} is not a currency: use the three capital letters of ISO 4217, such as USD",
                text.chars().take(20).collect::<String>()
            )),
        }
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> String {
        currency.to_string()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&self.0).expect("a currency is three ASCII letters"))
    }
}

/// An amount with its currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// Minor units.
    pub amount: MinorUnits,
    /// ISO 4217.
    pub currency: Currency,
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount, self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_currency_is_three_capital_letters() {
        assert_eq!(Currency::try_from("USD".to_owned()), Ok(Currency::USD));
        for bad in ["usd", "US", "USDX", "U5D", "", "ÜS"] {
            assert!(Currency::try_from(bad.to_owned()).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn arithmetic_that_overflows_says_so() {
        assert_eq!(MinorUnits(i64::MAX).checked_add(MinorUnits(1)), None);
        assert_eq!(MinorUnits(i64::MAX / 2).checked_mul(3), None);
        assert_eq!(MinorUnits(1999).checked_mul(2), Some(MinorUnits(3998)));
    }
}
