//! Figures in words.

use std::time::Duration;

/// Bytes for people: `1.2 MB`.
#[must_use]
pub fn bytes(count: f64) -> String {
    const UNITS: [&str; 4] = ["KB", "MB", "GB", "TB"];
    if count < 1000.0 {
        return format!("{:.0} B", count.max(0.0));
    }
    let mut value = count;
    let mut unit = "B";
    for next in UNITS {
        if value < 999.5 {
            break;
        }
        value /= 1000.0;
        unit = next;
    }
    if value < 9.95 {
        format!("{value:.1} {unit}")
    } else {
        format!("{value:.0} {unit}")
    }
}

/// A stretch of time for people, in its largest unit: `90 s`, `30 min`, `5 h`.
#[must_use]
pub fn span(duration: Duration) -> String {
    match duration.as_secs() {
        0 => format!("{} ms", duration.as_millis()),
        seconds @ 1..=119 => format!("{seconds} s"),
        seconds @ 120..=7199 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

/// A count with its noun: `1 goroutine`, `2,000 goroutines`.
#[must_use]
pub fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(count))
}

/// A number with commas: `1,234,567`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn for_people() {
        assert_eq!(bytes(999.0), "999 B");
        assert_eq!(bytes(1_234.0), "1.2 KB");
        assert_eq!(bytes(999_900.0), "1.0 MB");
        assert_eq!(bytes(52e9), "52 GB");
        assert_eq!(span(Duration::from_millis(12)), "12 ms");
        assert_eq!(span(Duration::from_secs(1800)), "30 min");
        assert_eq!(counted(1, "goroutine"), "1 goroutine");
        assert_eq!(counted(12_345, "goroutine"), "12,345 goroutines");
    }
}
