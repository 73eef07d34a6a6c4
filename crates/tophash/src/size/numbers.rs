//! Numbers as they are read from the command line and shown to people.

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

/// A whole number with commas between thousands.
pub(super) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// An expected count: whole from 10 on, with a decimal below where it is not whole.
pub(super) fn count(x: f64) -> String {
    if x >= 9.95 || (x - x.round()).abs() < 0.05 {
        grouped(x.round() as u64)
    } else {
        format!("{x:.1}")
    }
}

/// Bytes: exact below 10,000, then in KiB, MiB and so on with three digits.
pub(super) fn bytes(x: f64) -> String {
    if x < 9_999.5 {
        return format!("{} B", grouped(x.round() as u64));
    }
    let mut value = x;
    let mut unit = "B";
    for next in ["KiB", "MiB", "GiB", "TiB", "PiB"] {
        if value < 999.5 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    let digits = if value < 9.995 {
        2
    } else {
        usize::from(value < 99.95)
    };
    format!("{value:.digits$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_and_shown() {
        let read = |text| parse("-n", text, 1 << 32);
        assert_eq!(read("1_000_000"), Ok(1_000_000));
        assert_eq!(read("1e6"), Ok(1_000_000));
        assert_eq!(read("0"), Ok(0));
        for wrong in ["", "e6", "1e", "x", "1.5", "-3", "1e99", "5000000000", "１"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        let shown = [0.0, 999.0, 9_999.0, 10_240.0, 1.0e6, 5.0e7, 3.0e12].map(bytes);
        assert_eq!(
            shown,
            [
                "0 B", "999 B", "9,999 B", "10.0 KiB", "977 KiB", "47.7 MiB", "2.73 TiB"
            ]
        );
        assert_eq!(
            [0.0, 0.2, 1.0, 12.6, 1234567.0].map(count),
            ["0", "0.2", "1", "13", "1,234,567"]
        );
    }
}
