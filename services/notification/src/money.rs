//! Money as a customer reads it: `39.98 USD`. No float touches it.

use events::{Currency, MinorUnits, Money};

/// The currencies of ISO 4217 whose smallest unit is not a hundredth, with their number of decimals.
const OTHER_DECIMALS: [(usize, &[&str]); 3] = [
    (
        0,
        &[
            "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF",
            "XOF", "XPF",
        ],
    ),
    (3, &["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"]),
    (4, &["CLF", "UYW"]),
];

/// `money` in the currency's main unit.
pub fn shown(money: Money) -> String {
    let Money { amount: MinorUnits(amount), currency } = money;
    let currency = currency.to_string();
    let decimals = OTHER_DECIMALS.iter().find(|(_, codes)| codes.contains(&currency.as_str())).map_or(2, |it| it.0);
    let sign = if amount < 0 { "-" } else { "" };
    // At least one digit stands before the point.
    let digits = format!("{:0>width$}", amount.unsigned_abs(), width = decimals + 1);
    match digits.split_at(digits.len() - decimals) {
        (whole, "") => format!("{sign}{whole} {currency}"),
        (whole, part) => format!("{sign}{whole}.{part} {currency}"),
    }
}

/// `amount` of `currency` in the currency's main unit.
pub fn priced(amount: MinorUnits, currency: Currency) -> String {
    shown(Money { amount, currency })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_has_the_decimals_of_its_currency() {
        for (amount, currency, expected) in [
            (3998, "USD", "39.98 USD"),
            (5, "EUR", "0.05 EUR"),
            (100, "USD", "1.00 USD"),
            (0, "USD", "0.00 USD"),
            (1500, "JPY", "1500 JPY"),
            (1500, "KWD", "1.500 KWD"),
            (7, "CLF", "0.0007 CLF"),
            (-5, "USD", "-0.05 USD"),
            (i64::MAX, "USD", "92233720368547758.07 USD"),
            (i64::MIN, "JPY", "-9223372036854775808 JPY"),
        ] {
            let currency = Currency::try_from(currency.to_owned()).unwrap();
            assert_eq!(priced(MinorUnits(amount), currency), expected);
        }
    }
}
