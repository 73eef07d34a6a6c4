//! How keys spread: the number of n random keys that fall into one of 2^depth equal parts of the
//! hash space is binomial.

/// Terms of a tail below this part of the sum do not count.
const NEGLIGIBLE: f64 = 1e-17;

/// Factorials up to this one are multiplied out, larger ones taken from Stirling's series.
const SMALL: u64 = 16;

/// The number of `keys` that fall into one part of 2^`depth`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Binomial {
    keys: u64,
    depth: u8,
}

impl Binomial {
    pub(crate) fn new(keys: u64, depth: u8) -> Self {
        Self { keys, depth }
    }

    /// How many parts there are.
    pub(crate) fn parts(self) -> f64 {
        2_f64.powi(i32::from(self.depth))
    }

    pub(crate) fn mean(self) -> f64 {
        self.keys as f64 / self.parts()
    }

    /// The probability of exactly `k`.
    pub(crate) fn exactly(self, k: u64) -> f64 {
        if k > self.keys {
            return 0.0;
        }
        if self.depth == 0 {
            return f64::from(u8::from(k == self.keys));
        }
        let p = 1.0 / self.parts();
        // Factor by factor: a difference of two logarithms of factorials would lose the digits
        // that count.
        let falling: f64 = (0..k).map(|i| ((self.keys - i) as f64 * p).ln()).sum();
        let others = (self.keys - k) as f64 * (-p).ln_1p();
        (falling - ln_factorial(k) + others).exp()
    }

    /// The probability of more than `k`.
    pub(crate) fn above(self, k: u64) -> f64 {
        if k >= self.keys {
            return 0.0;
        }
        if self.depth == 0 {
            return 1.0;
        }
        let p = 1.0 / self.parts();
        let odds = p / (1.0 - p);
        let n = self.keys as f64;
        // Whichever tail is the shorter is summed, away from the mean.
        if (k as f64) < self.mean() {
            let mut term = self.exactly(k);
            let mut sum = term;
            for j in (1..=k).rev() {
                term *= j as f64 / ((n - j as f64 + 1.0) * odds);
                sum += term;
                if term <= sum * NEGLIGIBLE {
                    break;
                }
            }
            (1.0 - sum).max(0.0)
        } else {
            let mut term = self.exactly(k + 1);
            let mut sum = term;
            for j in k + 1..self.keys {
                term *= (n - j as f64) * odds / (j as f64 + 1.0);
                sum += term;
                if term <= sum * NEGLIGIBLE {
                    break;
                }
            }
            sum.min(1.0)
        }
    }
}

fn ln_factorial(k: u64) -> f64 {
    if k <= SMALL {
        return (1..=k).map(|i| i as f64).product::<f64>().ln();
    }
    let x = k as f64;
    let series = 1.0 / (12.0 * x) - 1.0 / (360.0 * x.powi(3)) + 1.0 / (1260.0 * x.powi(5));
    x * x.ln() - x + 0.5 * (2.0 * std::f64::consts::PI * x).ln() + series
}

/// The least variance that a whole number of this mean has.
pub(crate) fn least_variance(mean: f64) -> f64 {
    let part = mean.fract();
    part * (1.0 - part)
}

/// What a normally distributed number exceeds `limit` by, 0 where it does not: mean and standard
/// deviation.
pub(crate) fn excess(mean: f64, deviation: f64, limit: f64) -> (f64, f64) {
    let above = mean - limit;
    if deviation <= 0.0 {
        return (above.max(0.0), 0.0);
    }
    let z = above / deviation;
    let density = (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let share = normal(z);
    let mean = (deviation * density + above * share).max(0.0);
    let square = (deviation * deviation + above * above) * share + above * deviation * density;
    (mean, (square - mean * mean).max(0.0).sqrt())
}

/// The normal distribution function (Abramowitz and Stegun 26.2.17, good to seven
/// digits).
fn normal(z: f64) -> f64 {
    const FACTORS: [f64; 5] = [
        0.319_381_530,
        -0.356_563_782,
        1.781_477_937,
        -1.821_255_978,
        1.330_274_429,
    ];
    let t = 1.0 / (1.0 + 0.231_641_9 * z.abs());
    let sum = FACTORS.iter().rev().fold(0.0, |sum, f| (sum + f) * t);
    let tail = (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt() * sum;
    if z > 0.0 { 1.0 - tail } else { tail }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-6 * b.abs().max(1e-3), "{a} {b}");
    }

    #[test]
    fn small_cases_are_exact() {
        near(Binomial::new(4, 1).exactly(2), 6.0 / 16.0);
        near(Binomial::new(4, 1).above(2), 5.0 / 16.0);
        near(Binomial::new(4, 1).above(0), 15.0 / 16.0);
        near(Binomial::new(3, 2).exactly(0), 27.0 / 64.0);
        near(Binomial::new(9, 0).above(8), 1.0);
        near(Binomial::new(8, 0).above(8), 0.0);
        near(Binomial::new(40, 1).above(40), 0.0);
    }

    /// Sums of all terms, and the normal distribution where it must agree.
    #[test]
    fn large_cases_hold_together() {
        for (keys, depth) in [(1 << 32, 22), (5_000_000, 13), (1792, 1), (100_000, 14)] {
            let b = Binomial::new(keys, depth);
            let mean = b.mean() as u64;
            let far = mean + 40 * (mean as f64).sqrt() as u64 + 40;
            let sum: f64 = (0..=far.min(keys)).map(|k| b.exactly(k)).sum();
            near(sum, 1.0);
            let above: f64 = (mean + 1..=far.min(keys)).map(|k| b.exactly(k)).sum();
            near(b.above(mean), above);
        }
        near(excess(3.0, 1e-9, 1.0).0, 2.0);
        near(excess(0.0, 1.0, 0.0).0, 0.398_942_28);
        near(excess(0.0, 1.0, 0.0).1, 0.583_819_37);
        near(excess(1.0, 1.0, 0.0).0, 1.083_315_47);
        near(excess(9.0, 1.0, 0.0).1, 1.0);
    }
}
