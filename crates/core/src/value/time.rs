//! `time.Time`: its words as a date.

use crate::memory::Memory;

/// Set in `wall` if it holds seconds since 1885 and `ext` a monotonic reading (time/time.go
/// `hasMonotonic`).
const HAS_MONOTONIC: u64 = 1 << 63;
/// Seconds from year 1 to 1885 (`wallToInternal`).
const WALL_TO_INTERNAL: i64 = (1884 * 365 + 1884 / 4 - 1884 / 100 + 1884 / 400) * 86400;
/// Days from year 1 to 1970.
const DAYS_TO_UNIX: i64 = 719_162;

/// The time at an address in RFC 3339 form, in UTC; none if it can't be read. The zone is in
/// memory that dumps mostly lack.
pub(super) fn read(memory: &dyn Memory, address: u64) -> Option<String> {
    let wall = memory.u64(address)?;
    let ext = memory.u64(address.checked_add(8)?)? as i64;
    let nanoseconds = wall & ((1 << 30) - 1);
    let seconds = if wall & HAS_MONOTONIC != 0 {
        WALL_TO_INTERNAL + (wall << 1 >> 31) as i64
    } else {
        ext
    };
    Some(format(seconds, nanoseconds))
}

/// The time so many seconds and nanoseconds after the start of year 1.
fn format(seconds: i64, nanoseconds: u64) -> String {
    let days = seconds.div_euclid(86400);
    let second = seconds.rem_euclid(86400);
    let (year, month, day) = civil(days - DAYS_TO_UNIX);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let mut text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    if nanoseconds > 0 {
        let fraction = format!(".{nanoseconds:09}");
        text.push_str(fraction.trim_end_matches('0'));
    }
    text.push('Z');
    text
}

/// Year, month and day so many days after 1970-01-01 in the Gregorian calendar, counted in eras
/// of 400 years that start in March.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days.saturating_add(719_468);
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        assert_eq!(format(0, 0), "0001-01-01T00:00:00Z");
        let unix = |seconds: i64| format(seconds + DAYS_TO_UNIX * 86400, 0);
        assert_eq!(unix(0), "1970-01-01T00:00:00Z");
        assert_eq!(unix(1_709_210_096), "2024-02-29T12:34:56Z");
        assert_eq!(
            format(WALL_TO_INTERNAL, 250_000_000),
            "1885-01-01T00:00:00.25Z"
        );
        // Whatever the words hold.
        format(i64::MIN, 1 << 29);
        format(i64::MAX, 0);
    }
}
