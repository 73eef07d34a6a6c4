//! Numbers as sentences and tables show them.

/// A whole number with commas between thousands.
#[must_use]
pub fn grouped(n: u64) -> String {
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
#[must_use]
pub fn count(x: f64) -> String {
    if x >= 9.95 || (x - x.round()).abs() < 0.05 {
        grouped(x.round() as u64)
    } else {
        format!("{x:.1}")
    }
}

/// Bytes: exact below 10,000, then in KiB, MiB and so on with three digits.
#[must_use]
pub fn bytes(x: f64) -> String {
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
    fn numbers_are_shown() {
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
