//! What the hash function that the compiler makes for a key type does, step by step.

use crate::types::{Algorithm, Field, GoType, Kind};
use crate::version::GoVersion;

/// One call that such a function makes; the hash so far is the seed of the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// `memhash` of `len` bytes.
    Memory {
        /// Bytes from the start of the key.
        offset: u64,
        /// How many bytes.
        len: u64,
    },
    /// `memhash32`.
    Half {
        /// Bytes from the start of the key.
        offset: u64,
    },
    /// `memhash64`.
    Word {
        /// Bytes from the start of the key.
        offset: u64,
    },
    /// `f32hash`.
    Float32 {
        /// Bytes from the start of the key.
        offset: u64,
    },
    /// `f64hash`.
    Float64 {
        /// Bytes from the start of the key.
        offset: u64,
    },
    /// `strhash`.
    String {
        /// Bytes from the start of the key.
        offset: u64,
    },
    /// `interhash` or `nilinterhash`.
    Interface {
        /// Bytes from the start of the key.
        offset: u64,
    },
}

impl Step {
    fn moved(self, by: u64) -> Self {
        match self {
            Self::Memory { offset, len } => Self::Memory {
                offset: offset + by,
                len,
            },
            Self::Half { offset } => Self::Half {
                offset: offset + by,
            },
            Self::Word { offset } => Self::Word {
                offset: offset + by,
            },
            Self::Float32 { offset } => Self::Float32 {
                offset: offset + by,
            },
            Self::Float64 { offset } => Self::Float64 {
                offset: offset + by,
            },
            Self::String { offset } => Self::String {
                offset: offset + by,
            },
            Self::Interface { offset } => Self::Interface {
                offset: offset + by,
            },
        }
    }
}

/// The steps of a key type's hash function.
///
/// Up to 1.26 the compiler walks the type and hashes runs of plain fields with `memhash`
/// (cmd/compile/internal/reflectdata/alg.go `genhash`, `hashFunc`; compare.go `Memrun`). 1.27
/// derives the function from a signature of the type, in which runs also join across the
/// members of nested structs and arrays, and hashes runs of 4 and 8 bytes with `memhash32` and
/// `memhash64` (`eqSignature`, `genhashSig`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HashPlan {
    steps: Vec<Step>,
}

/// An array of more members than this is not planned: the steps would take too much memory.
const MAX_STEPS: u64 = 1 << 16;

impl HashPlan {
    /// The plan for keys of a type; none if the type can't be compared, or would need more than
    /// 65,536 steps.
    #[must_use]
    pub fn new(version: GoVersion, key: &GoType) -> Option<Self> {
        if key.algorithm() == Algorithm::NoEq {
            return None;
        }
        let steps = if version >= GoVersion::Go1_27 {
            let mut signature = Signature::default();
            signature.build(key)?;
            signature.flush();
            signature.steps
        } else {
            let mut steps = Vec::new();
            whole(key, &mut steps)?;
            steps
        };
        Some(Self { steps })
    }

    /// The steps in order.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }
}

/// A run of memory as `genhash` and `genhashSig` hash it on its own: by fixed-size functions
/// where there are any. (`memhash8`, `memhash16`, `memhash128` and `memhash_varlen` call
/// `memhash`.)
fn sized(offset: u64, len: u64) -> Option<Step> {
    match len {
        0 => None,
        4 => Some(Step::Half { offset }),
        8 => Some(Step::Word { offset }),
        _ => Some(Step::Memory { offset, len }),
    }
}

/// Up to 1.26: the function that a map type holds.
fn whole(key: &GoType, steps: &mut Vec<Step>) -> Option<()> {
    if key.algorithm() == Algorithm::Memory {
        steps.extend(sized(0, key.size));
        return Some(());
    }
    part(key, 0, steps)
}

/// Up to 1.26: a part that is not plain memory.
fn part(ty: &GoType, offset: u64, steps: &mut Vec<Step>) -> Option<()> {
    if steps.len() as u64 > MAX_STEPS {
        return None;
    }
    match &ty.kind {
        Kind::Float => steps.push(float(ty.size, offset)),
        Kind::Complex => {
            let half = ty.size / 2;
            steps.extend([float(half, offset), float(half, offset + half)]);
        }
        Kind::String => steps.push(Step::String { offset }),
        Kind::Interface { .. } => steps.push(Step::Interface { offset }),
        Kind::Array { elem, len } => {
            for i in 0..*len {
                part(elem, offset + i * elem.size, steps)?;
            }
        }
        Kind::Struct { fields } => structure(ty, fields, offset, steps)?,
        Kind::Scalar | Kind::Pointer | Kind::Incomparable | Kind::Slice => {}
    }
    Some(())
}

fn float(size: u64, offset: u64) -> Step {
    if size == 4 {
        Step::Float32 { offset }
    } else {
        Step::Float64 { offset }
    }
}

/// Up to 1.26: runs of plain fields by `memhash`, whatever their length, others each by itself.
fn structure(ty: &GoType, fields: &[Field], base: u64, steps: &mut Vec<Step>) -> Option<()> {
    let mut i = 0;
    while let Some(field) = fields.get(i) {
        i += 1;
        if field.blank {
            continue;
        }
        if !field.ty.is_regular_memory() {
            part(&field.ty, base + field.offset, steps)?;
            continue;
        }
        let mut end = field.offset + field.ty.size;
        while let Some(next) = fields.get(i) {
            if ty.is_padded(fields, i - 1) || next.blank || !next.ty.is_regular_memory() {
                break;
            }
            end = next.offset + next.ty.size;
            i += 1;
        }
        steps.push(Step::Memory {
            offset: base + field.offset,
            len: end - field.offset,
        });
    }
    Some(())
}

/// 1.27: the signature under construction, directly as steps.
#[derive(Default)]
struct Signature {
    steps: Vec<Step>,
    /// Bytes of the key that the signature describes so far.
    offset: u64,
    /// Pending run of memory that ends at `offset`.
    run: u64,
}

impl Signature {
    fn flush(&mut self) {
        self.steps.extend(sized(self.offset - self.run, self.run));
        self.run = 0;
    }

    fn regular(&mut self, len: u64) {
        self.offset += len;
        self.run += len;
    }

    fn skip(&mut self, len: u64) {
        if len > 0 {
            self.flush();
            self.offset += len;
        }
    }

    fn step(&mut self, step: Step, len: u64) {
        self.flush();
        self.steps.push(step);
        self.offset += len;
    }

    fn build(&mut self, ty: &GoType) -> Option<()> {
        if self.steps.len() as u64 > MAX_STEPS {
            return None;
        }
        let offset = self.offset;
        match &ty.kind {
            Kind::Scalar | Kind::Pointer => self.regular(ty.size),
            Kind::Float => self.step(float(ty.size, offset), ty.size),
            Kind::Complex => {
                let half = ty.size / 2;
                self.step(float(half, offset), half);
                self.step(float(half, offset + half), half);
            }
            Kind::String => self.step(Step::String { offset }, ty.size),
            Kind::Interface { .. } => self.step(Step::Interface { offset }, ty.size),
            Kind::Struct { fields } => {
                for field in fields.iter().filter(|field| !field.blank) {
                    self.skip((offset + field.offset).saturating_sub(self.offset));
                    self.build(&field.ty)?;
                }
                self.skip((offset + ty.size).saturating_sub(self.offset));
            }
            Kind::Array { elem, len } => {
                if ty.is_regular_memory() {
                    self.regular(ty.size);
                } else if elem.size > 0 {
                    self.array(elem, *len)?;
                }
            }
            Kind::Incomparable | Kind::Slice => return None,
        }
        Some(())
    }

    /// Members in a loop that is unrolled to about 32 bytes; runs end at the loop's borders.
    fn array(&mut self, elem: &GoType, len: u64) -> Option<()> {
        let unroll = if len == 1 { 1 } else { (32 / elem.size).max(1) };
        for _ in 0..len % unroll {
            self.build(elem)?;
        }
        let loops = len / unroll;
        if loops == 1 {
            for _ in 0..unroll {
                self.build(elem)?;
            }
        } else if loops > 1 {
            self.flush();
            let (from, start) = (self.steps.len(), self.offset);
            for _ in 0..unroll {
                self.build(elem)?;
            }
            self.flush();
            let body: Vec<Step> = self.steps.get(from..).unwrap_or_default().to_vec();
            if loops.saturating_mul(body.len() as u64) > MAX_STEPS {
                return None;
            }
            let stride = self.offset - start;
            for i in 1..loops {
                self.steps
                    .extend(body.iter().map(|step| step.moved(i * stride)));
            }
            self.offset = start + loops * stride;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_join_across_members_since_1_27() {
        let int = GoType::scalar("int32", 4);
        let mixed = GoType::structure(
            "mixed",
            &[
                (false, int.clone()),
                (false, GoType::float(4)),
                (false, int),
            ],
        );
        let five = GoType::array(mixed, 5);
        let old = HashPlan::new(GoVersion::Go1_26, &five).unwrap();
        assert_eq!(old.steps().len(), 15);
        let new = HashPlan::new(GoVersion::Go1_27, &five).unwrap();
        // One member, then two loops over two: M4 F M8 | F M8 F M4 | ...
        assert_eq!(new.steps()[2], Step::Half { offset: 8 });
        assert_eq!(new.steps()[5], Step::Word { offset: 20 });
        assert_eq!(new.steps().len(), 13);
    }
}
