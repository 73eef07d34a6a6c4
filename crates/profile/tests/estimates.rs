//! What is said of many live maps and of maps that grow, where the profile is but a sample.

use tophash_profile::findings::{Thresholds, advise};
use tophash_profile::maps::maps;
use tophash_profile::read;
use tophash_profile::site::survey;
use tophash_runtime::{Build, GoVersion};

/// Findings on headers of maps that one line has made, of which each profile has sampled so many.
/// `rate` is that of the profile.
fn codes(rate: u64, sampled: &[u64]) -> Vec<String> {
    let build = Build::of(GoVersion::Go1_23);
    let surveys: Vec<_> = (sampled.iter())
        .map(|n| {
            let bytes = n * 48;
            // Go prints twice the rate. Frames of the runtime are named by what asks.
            let text = format!(
                "heap profile: {n}: {bytes} [{n}: {bytes}] @ heap/{}\n\
                 {n}: {bytes} [{n}: {bytes}] @ 0x401000 0x402000\n\
                 #\t0x401fff\tmain.index+0x1\t/src/index.go:7\n",
                2 * rate
            );
            let mut profile = read("heap", text.as_bytes()).unwrap();
            profile.name(|_| {
                vec![tophash_profile::Call {
                    function: "runtime.makemap_small".to_owned(),
                    file: String::new(),
                    line: 0,
                }]
            });
            survey(&profile, build, &|_| None)
        })
        .collect();
    let period = i64::try_from(rate).unwrap();
    let maps = maps(&surveys, build, period);
    let advice = advise(&maps, Some(60_000_000_000), &Thresholds::default());
    advice.into_iter().map(|a| a.finding.code).collect()
}

#[test]
fn many_live_maps_rest_on_many_samples() {
    // Each sample stands for 10,923 maps: five may come of fewer than 20,000.
    assert_eq!(codes(524_288, &[5]), Vec::<String>::new());
    assert_eq!(codes(524_288, &[12]), ["TH508"]);
    assert_eq!(codes(1, &[20_001]), ["TH508"]);
    assert_eq!(codes(1, &[19_999]), Vec::<String>::new());
}

#[test]
fn growth_is_more_than_chance() {
    // 2.5 MiB and 5.5 MiB by the samples, which chance alone brings about.
    assert!(!codes(524_288, &[5, 8, 11]).contains(&"TH503".to_owned()));
    assert!(codes(524_288, &[10, 40, 90]).contains(&"TH503".to_owned()));
}
