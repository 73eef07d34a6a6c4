//! What was asked, and the figures that answer it.

use tophash_runtime::MapType;
use tophash_runtime::footprint::Footprint;

/// Numbers of entries of the table that is shown when none is given.
const USUAL: [u64; 10] = [
    0, 1, 8, 9, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000,
];

/// Where a curve ends unless -n says so.
pub(super) const CURVE_END: u64 = 1_000_000;

/// What was asked.
pub(super) struct Question {
    /// The map type as it was written.
    pub(super) text: String,
    /// The type in the build asked about.
    pub(super) map_type: MapType,
    /// The type in all builds that are compared.
    pub(super) versions: Vec<MapType>,
    /// Most entries that a map of the type can have.
    pub(super) most: u64,
    pub(super) entries: Option<u64>,
    pub(super) hint: Option<u64>,
    pub(super) curve: bool,
}

/// The answer.
pub(super) struct Report<'q> {
    pub(super) question: &'q Question,
    /// The map of the size asked for, and the same map in other builds.
    pub(super) main: Option<(Filled, Vec<Filled>)>,
    /// Maps of several sizes.
    pub(super) curve: Vec<Filled>,
}

/// A map filled without and with a hint.
pub(super) struct Filled {
    pub(super) map_type: MapType,
    pub(super) plain: Footprint,
    pub(super) hinted: Footprint,
}

impl Filled {
    fn new(map_type: &MapType, entries: u64, hint: Option<u64>) -> Filled {
        Filled {
            map_type: map_type.clone(),
            plain: Footprint::of(map_type, entries, 0),
            hinted: Footprint::of(map_type, entries, hint.unwrap_or(entries)),
        }
    }
}

impl<'q> Report<'q> {
    /// Reckons what was asked.
    pub(super) fn answer(question: &'q Question) -> Report<'q> {
        let Question {
            map_type,
            most,
            entries,
            hint,
            ..
        } = question;
        let fill = |map_type, entries| Filled::new(map_type, entries, *hint);
        let main = entries.filter(|_| !question.curve).map(|entries| {
            let versions = question.versions.iter();
            let versions = versions.map(|map_type| fill(map_type, entries)).collect();
            (fill(map_type, entries), versions)
        });
        let counts = match (question.curve, main.is_some()) {
            (true, _) => steps(entries.unwrap_or(CURVE_END).min(*most)),
            (false, true) => Vec::new(),
            (false, false) => {
                let mut counts = USUAL.to_vec();
                counts.retain(|n| n <= most);
                counts
            }
        };
        Report {
            question,
            main,
            curve: counts.into_iter().map(|n| fill(map_type, n)).collect(),
        }
    }
}

/// 1, 2, 5, 10 and so on up to `end`, and `end`.
fn steps(end: u64) -> Vec<u64> {
    let powers = (0..20).map(|power| 10_u64.saturating_pow(power));
    let mut steps: Vec<u64> = powers
        .flat_map(|power| [1, 2, 5].map(|step| power.saturating_mul(step)))
        .take_while(|&n| n < end)
        .collect();
    steps.push(end);
    steps
}
