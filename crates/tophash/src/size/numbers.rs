//! Numbers as they are read from the command line and shown to people.

pub(super) use tophash_finding::numbers::{bytes, count, grouped};

/// Reads a number of entries: digits, with `_` between them, or with an exponent as in `1e6`.
///
/// # Errors
/// A sentence that names the option.
pub(super) fn parse(option: &str, text: &str, largest: u64) -> Result<u64, String> {
    let plain: String = text.chars().filter(|&c| c != '_').collect();
    let not_a_number = || format!("{option} {text}: give a number of entries, such as 1000000");
    let (digits, zeros) = match plain.split_once(['e', 'E']) {
        Some((digits, zeros)) => (digits, zeros.parse().map_err(|_| not_a_number())?),
        None => (plain.as_str(), 0),
    };
    if let Some(rest) = digits.strip_prefix('-')
        && rest.parse::<f64>().is_ok()
    {
        return Err(format!(
            "{option} {text}: a map has no negative number of entries"
        ));
    }
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(not_a_number());
    }
    let value = 10_u64
        .checked_pow(zeros)
        .and_then(|scale| digits.parse::<u64>().ok()?.checked_mul(scale))
        .filter(|&value| value <= largest);
    value.ok_or_else(|| format!("{option} {text}: more than {} entries", grouped(largest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read() {
        let read = |text| parse("-n", text, 1 << 32);
        assert_eq!(read("1_000_000"), Ok(1_000_000));
        assert_eq!(read("1e6"), Ok(1_000_000));
        assert_eq!(read("0"), Ok(0));
        for wrong in ["", "e6", "1e", "x", "1.5", "-3", "1e99", "5000000000", "１"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
