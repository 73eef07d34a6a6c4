//! Rational numbers.

use num_bigint::BigInt;
use num_integer::Integer;
use num_traits::{One, Signed, Zero};

/// A rational number in lowest terms with a positive denominator.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ratio {
    pub(super) num: BigInt,
    pub(super) den: BigInt,
}

impl From<BigInt> for Ratio {
    fn from(num: BigInt) -> Ratio {
        Ratio {
            num,
            den: BigInt::one(),
        }
    }
}

impl Ratio {
    /// `num / den`; zero if the denominator is.
    pub(super) fn new(num: BigInt, den: BigInt) -> Ratio {
        if den.is_zero() {
            return Ratio::from(BigInt::zero());
        }
        let gcd = num.gcd(&den) * den.signum();
        Ratio {
            num: num / &gcd,
            den: den / gcd,
        }
    }

    pub(super) fn is_integer(&self) -> bool {
        self.den.is_one()
    }

    /// Rounds to a binary floating-point number with `precision` bits of mantissa, to nearest, ties to even.
    /// `min_ulp` is the exponent of the smallest number of the format, below which precision is lost.
    pub(super) fn round(&self, precision: u64, min_ulp: Option<i64>) -> Ratio {
        if self.num.is_zero() {
            return self.clone();
        }
        // |num/den| lies in [2^(e-1), 2^(e+1)); make e exact.
        let mut e = self.num.bits() as i64 - self.den.bits() as i64;
        let (n, d) = scale(&self.num.abs(), &self.den, -e);
        if n < d {
            e -= 1;
        }
        let mut ulp = e - (precision as i64 - 1);
        if let Some(min) = min_ulp {
            ulp = ulp.max(min);
        }
        let (n, d) = scale(&self.num.abs(), &self.den, -ulp);
        let (mut q, rest) = n.div_rem(&d);
        let twice: BigInt = rest << 1;
        if twice > d || (twice == d && q.is_odd()) {
            q += 1;
        }
        let (num, den) = scale(&(q * self.num.signum()), &BigInt::one(), ulp);
        Ratio::new(num, den)
    }
}

/// The fraction `num / den` times two to the power of `exp`.
fn scale(num: &BigInt, den: &BigInt, exp: i64) -> (BigInt, BigInt) {
    if exp >= 0 {
        (num << exp, den.clone())
    } else {
        (num.clone(), den << -exp)
    }
}
