//! Rows: the values of a target's series at one moment.

use crate::clock::Time;

/// A value of one series in a row.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Entry {
    /// Number of the series.
    pub series: u32,
    /// The last value of the row's stretch of time.
    pub last: f64,
    /// The largest.
    pub max: f64,
}

/// A target's series at one moment, or over a stretch of time that ends then.
#[derive(Clone, PartialEq, Default, Debug)]
pub(super) struct Row {
    pub at: Time,
    /// Ordered by series.
    pub entries: Vec<Entry>,
}

/// Bytes of an entry: series, last, max.
const ENTRY: usize = 20;

impl Row {
    /// Takes in a later row of the same stretch of time.
    pub fn merge(&mut self, later: &Row) {
        self.at = self.at.max(later.at);
        for entry in &later.entries {
            match self
                .entries
                .binary_search_by_key(&entry.series, |entry| entry.series)
            {
                Ok(at) => {
                    if let Some(known) = self.entries.get_mut(at) {
                        known.last = entry.last;
                        known.max = known.max.max(entry.max);
                    }
                }
                Err(at) => self.entries.insert(at, *entry),
            }
        }
    }

    /// Time, then the entries, all little-endian.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(8 + ENTRY * self.entries.len());
        bytes.extend_from_slice(&self.at.0.to_le_bytes());
        for entry in &self.entries {
            bytes.extend_from_slice(&entry.series.to_le_bytes());
            bytes.extend_from_slice(&entry.last.to_le_bytes());
            bytes.extend_from_slice(&entry.max.to_le_bytes());
        }
        bytes
    }

    /// None if it isn't a row. The store checks its pages, so that this takes a foreign file.
    pub fn decode(bytes: &[u8]) -> Option<Row> {
        let (at, mut rest) = bytes.split_first_chunk::<8>()?;
        let mut entries = Vec::with_capacity(rest.len() / ENTRY);
        while !rest.is_empty() {
            let (series, tail) = rest.split_first_chunk::<4>()?;
            let (last, tail) = tail.split_first_chunk::<8>()?;
            let (max, tail) = tail.split_first_chunk::<8>()?;
            entries.push(Entry {
                series: u32::from_le_bytes(*series),
                last: f64::from_le_bytes(*last),
                max: f64::from_le_bytes(*max),
            });
            rest = tail;
        }
        entries.sort_by_key(|entry| entry.series);
        entries.dedup_by_key(|entry| entry.series);
        Some(Row {
            at: Time(u64::from_le_bytes(*at)),
            entries,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_are_a_row_or_none(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let Some(row) = Row::decode(&bytes) {
                let again = Row::decode(&row.encode()).unwrap();
                prop_assert_eq!(again.encode(), row.encode());
            }
        }

        #[test]
        fn merging_keeps_the_last_and_the_largest(
            values in prop::collection::vec((0u32..6, -1e9f64..1e9), 1..60),
        ) {
            let mut merged = Row::default();
            for (at, (series, value)) in values.iter().enumerate() {
                merged.merge(&Row {
                    at: Time(at as u64),
                    entries: vec![Entry { series: *series, last: *value, max: *value }],
                });
            }
            for entry in &merged.entries {
                let own = values.iter().filter(|(series, _)| *series == entry.series);
                let own: Vec<f64> = own.map(|(_, value)| *value).collect();
                prop_assert_eq!(Some(&entry.last), own.last());
                prop_assert_eq!(entry.max, own.iter().copied().fold(f64::MIN, f64::max));
            }
        }
    }
}
