//! Amounts: what `500m` cores and `8Gi` bytes come to, and how a sum is shown.

use crate::change::Value;

const BINARY: [(&str, u128); 5] = [("Pi", 1 << 50), ("Ti", 1 << 40), ("Gi", 1 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10)];
const DECIMAL: [(&str, u128); 5] =
    [("P", 1_000_000_000_000_000), ("T", 1_000_000_000_000), ("G", 1_000_000_000), ("M", 1_000_000), ("k", 1_000)];

/// The bytes that `value`, such as `8Gi`, comes to.
pub fn bytes(value: &Value) -> Option<u128> {
    let text = value.as_str()?;
    let unit = BINARY.iter().chain(&DECIMAL).find(|(unit, _)| text.ends_with(unit));
    let (digits, factor) = unit.map_or((text, 1), |(unit, factor)| (text.trim_end_matches(unit), *factor));
    digits.parse::<u128>().ok()?.checked_mul(factor)
}

/// The thousandths of a core that `value`, such as `4`, `0.5` or `500m`, comes to.
pub fn milli_cores(value: &Value) -> Option<u128> {
    match value {
        Value::Number(number) => Some((number.as_f64() * 1000.0).round().max(0.0) as u128),
        Value::String(text) => match text.strip_suffix('m') {
            Some(digits) => digits.parse().ok(),
            None => text.parse::<u128>().ok()?.checked_mul(1000),
        },
        _ => None,
    }
}

/// An amount of bytes in the largest binary unit that leaves no rest.
pub fn show_bytes(amount: u128) -> String {
    match BINARY.iter().find(|(_, factor)| amount > 0 && amount.is_multiple_of(*factor)) {
        Some((unit, factor)) => format!("{}{unit}", amount / factor),
        None => amount.to_string(),
    }
}

/// An amount of cores, in thousandths where it is no whole number.
pub fn show_cores(amount: u128) -> String {
    if amount.is_multiple_of(1000) { (amount / 1000).to_string() } else { format!("{amount}m") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_come_to_what_they_say() {
        let text = |text: &str| Value::string(text);
        assert_eq!(["8Gi", "500Mi", "1k", "7"].map(|one| bytes(&text(one)).unwrap()), [8 << 30, 500 << 20, 1000, 7]);
        assert_eq!(["500m", "4"].map(|one| milli_cores(&text(one)).unwrap()), [500, 4000]);
        assert_eq!(milli_cores(&Value::Number(crate::change::Number::parse("0.5").unwrap())), Some(500));
        assert_eq!((show_bytes(3 << 30), show_bytes(1000), show_bytes(0)), ("3Gi".into(), "1000".into(), "0".into()));
        assert_eq!((show_cores(4000), show_cores(4500)), ("4".into(), "4500m".into()));
    }
}
