//! The classic map, access by access (runtime/map_fast64.go, map.go).
//!
//! No overflow buckets are preallocated and no growth is to the same size; both only matter for
//! maps larger than a script of this kind fills.

use super::explore::hash_of;
use super::memory::{Goroutine, Memory, Object, Step, Stop};
use crate::classic::{
    Behaviour, EMPTY_ONE, EMPTY_REST, EVACUATED_EMPTY, EVACUATED_X, MIN_TOP_HASH, flags, top_hash,
};
use crate::fault::{Fault, Race};
use crate::map_type::SLOTS;

// The words of the header.
const COUNT: u64 = 0;
const FLAGS: u64 = 1;
const B: u64 = 2;
const BUCKETS: u64 = 3;
const OLD_BUCKETS: u64 = 4;
const NEVACUATE: u64 = 5;
const HEADER: usize = 6;

// A bucket: tophash bytes, keys, elements, overflow pointer.
const BUCKET_WORDS: u64 = 18;
const KEYS: u64 = 1;
const ELEMS: u64 = 9;
const OVERFLOW: u64 = 17;

const WRITING: u64 = flags::HASH_WRITING as u64;

/// What versions differ in, as far as it matters here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Classic {
    pub(super) behaviour: Behaviour,
}

pub(super) fn empty_map() -> Memory {
    Memory::new(vec![0; HEADER])
}

fn empty_array(b: u64) -> Vec<u64> {
    vec![0; (BUCKET_WORDS << b.min(16)) as usize]
}

fn is_evacuated(tops: [u8; SLOTS]) -> bool {
    tops[0] > EMPTY_ONE && tops[0] < MIN_TOP_HASH
}

/// A slot of a bucket.
#[derive(Clone, Copy)]
struct Place {
    bucket: u64,
    slot: usize,
}

impl Place {
    fn key(self) -> u64 {
        self.bucket + KEYS + self.slot as u64
    }

    fn elem(self) -> u64 {
        self.bucket + ELEMS + self.slot as u64
    }
}

/// What looking for a key in a chain has found.
struct Search {
    present: Option<Place>,
    free: Option<Place>,
    /// The last bucket of the chain.
    last: u64,
}

/// What `mapiternext` does first, once for each entry and once more at the end.
fn check_iteration(g: &mut Goroutine<'_>) -> Step<()> {
    match g.load(FLAGS, "checks that nobody writes")? & WRITING {
        0 => Ok(()),
        _ => Err(Race::IterationAndWrite.into()),
    }
}

impl Classic {
    /// `m[key] = elem`.
    pub(super) fn put(self, g: &mut Goroutine<'_>, key: u64, elem: u64) -> Step<()> {
        let hash = hash_of(key);
        begin_write(g)?;
        if g.load(BUCKETS, "reads the pointer to the buckets")? == 0 {
            g.publish(BUCKETS, "allocates the first bucket", |memory| {
                memory.allocate(Object::Array, &empty_array(0))
            })?;
        }
        let place = loop {
            let b = g.load(B, "reads B")?;
            let number = hash & mask(b)?;
            let growing = g.load(OLD_BUCKETS, "looks if the map grows")? != 0;
            if growing {
                grow_work(g, number)?;
            }
            let array = array(g, BUCKETS)?;
            let found = search(g, array + number * BUCKET_WORDS, hash, key)?;
            if let Some(place) = found.present {
                break place;
            }
            let growing = g.load(OLD_BUCKETS, "looks if the map grows")? != 0;
            let count = g.load(COUNT, "reads count to see if the map is full")?;
            if !growing && self.behaviour.is_overloaded(count + 1, b as u8) {
                hash_grow(g, b)?;
                continue;
            }
            let place = match found.free {
                Some(place) => place,
                None => {
                    let bucket = new_overflow(g, found.last)?;
                    Place { bucket, slot: 0 }
                }
            };
            g.store_byte(
                place.bucket,
                place.slot,
                top_hash(hash),
                "marks the slot full",
            )?;
            g.store(place.key(), key, "writes the key")?;
            g.add(COUNT, 1, ["reads count", "writes count"])?;
            break place;
        };
        end_write(g)?;
        g.store(place.elem(), elem, "writes the element")
    }

    /// `v, ok := m[key]`.
    pub(super) fn get(self, g: &mut Goroutine<'_>, key: u64) -> Step<Option<u64>> {
        if g.load(COUNT, "reads count")? == 0 {
            return Ok(None);
        }
        if g.load(FLAGS, "checks that nobody writes")? & WRITING != 0 {
            return Err(Race::ReadAndWrite.into());
        }
        find(g, key)
    }

    /// `delete(m, key)`.
    pub(super) fn delete(self, g: &mut Goroutine<'_>, key: u64) -> Step<()> {
        if g.load(COUNT, "reads count")? == 0 {
            return Ok(());
        }
        let hash = hash_of(key);
        begin_write(g)?;
        let b = g.load(B, "reads B")?;
        let number = hash & mask(b)?;
        if g.load(OLD_BUCKETS, "looks if the map grows")? != 0 {
            grow_work(g, number)?;
        }
        let array = array(g, BUCKETS)?;
        let found = search(g, array + number * BUCKET_WORDS, hash, key)?;
        if let Some(place) = found.present {
            g.store(place.elem(), 0, "clears the element")?;
            g.store_byte(place.bucket, place.slot, EMPTY_ONE, "marks the slot empty")?;
            close_gap(g, array + number * BUCKET_WORDS, place)?;
            g.add(COUNT, -1, ["reads count", "writes count"])?;
        }
        end_write(g)
    }

    /// `clear(m)`.
    pub(super) fn clear(self, g: &mut Goroutine<'_>) -> Step<()> {
        if g.load(COUNT, "reads count")? == 0 {
            return Ok(());
        }
        begin_write(g)?;
        let b = g.load(B, "reads B")?;
        g.store(OLD_BUCKETS, 0, "drops the old buckets")?;
        g.store(NEVACUATE, 0, "resets nevacuate")?;
        g.store(COUNT, 0, "sets count to 0")?;
        let array = array(g, BUCKETS)?;
        for bucket in (0..=mask(b)?).map(|i| array + i * BUCKET_WORDS) {
            g.store(bucket, 0, "empties a bucket")?;
            g.store(bucket + OVERFLOW, 0, "cuts its overflow chain off")?;
        }
        end_write(g)
    }

    /// `for k, v := range m`, from the first bucket on.
    pub(super) fn range(self, g: &mut Goroutine<'_>) -> Step<Vec<(u64, u64)>> {
        let mut seen = Vec::new();
        if g.load(COUNT, "reads count")? == 0 {
            return Ok(seen);
        }
        let b = g.load(B, "reads B")?;
        let array = array(g, BUCKETS)?;
        let set = u64::from(flags::ITERATOR | flags::OLD_ITERATOR);
        let before = g.load(FLAGS, "reads flags to note the iteration")?;
        if before & set != set {
            g.set_bits(FLAGS, set, "notes the iteration in flags")?;
        }
        check_iteration(g)?;
        for number in 0..=mask(b)? {
            let mut bucket = array + number * BUCKET_WORDS;
            let mut check = None;
            let old = g.load(OLD_BUCKETS, "looks if the map grows")?;
            if old != 0 && g.load(B, "reads B")? == b {
                let old = g.expect(old, Object::Array)?;
                let before = old + (number & (mask(b)? >> 1)) * BUCKET_WORDS;
                if !is_evacuated(tops(g.load(before, "looks if the old bucket has moved")?)) {
                    bucket = before;
                    check = Some(number);
                }
            }
            loop {
                for slot in 0..SLOTS {
                    let top = tops(g.load(bucket, "reads the tophash bytes")?)[slot];
                    if top <= EMPTY_ONE || top == EVACUATED_EMPTY {
                        continue;
                    }
                    let place = Place { bucket, slot };
                    let key = g.load(place.key(), "reads the key")?;
                    if check.is_some_and(|check| hash_of(key) & ((1 << b) - 1) != check) {
                        continue;
                    }
                    if top >= MIN_TOP_HASH {
                        seen.push((key, g.load(place.elem(), "reads the element")?));
                    } else if let Some(elem) = find(g, key)? {
                        seen.push((key, elem));
                    } else {
                        continue;
                    }
                    // The loop asks for the next entry.
                    check_iteration(g)?;
                }
                bucket = g.load(bucket + OVERFLOW, "follows the overflow chain")?;
                if bucket == 0 {
                    break;
                }
                bucket = g.expect(bucket, Object::Bucket)?;
            }
        }
        Ok(seen)
    }

    /// `len(m)`.
    pub(super) fn len(self, g: &mut Goroutine<'_>) -> Step<u64> {
        g.load(COUNT, "reads count")
    }

    /// All entries, as they lie in a map that nobody uses.
    pub(super) fn entries(self, memory: &Memory) -> Vec<(u64, u64)> {
        let mut entries = Vec::new();
        let b = memory.word(B);
        let arrays = [
            (memory.word(BUCKETS), b),
            (memory.word(OLD_BUCKETS), b.saturating_sub(1)),
        ];
        for (array, b) in arrays.into_iter().filter(|(array, _)| *array != 0) {
            for number in 0..1_u64 << b.min(16) {
                let mut bucket = array + number * BUCKET_WORDS;
                while bucket != 0 {
                    let tops = tops(memory.word(bucket));
                    for slot in (0..SLOTS).filter(|&slot| tops[slot] >= MIN_TOP_HASH) {
                        let place = Place { bucket, slot };
                        entries.push((memory.word(place.key()), memory.word(place.elem())));
                    }
                    bucket = memory.word(bucket + OVERFLOW);
                }
            }
        }
        entries
    }
}

fn tops(word: u64) -> [u8; SLOTS] {
    word.to_le_bytes()
}

fn mask(b: u64) -> Step<u64> {
    if b <= 16 {
        Ok((1 << b) - 1)
    } else {
        Err(Stop::Wild)
    }
}

fn array(g: &mut Goroutine<'_>, at: u64) -> Step<u64> {
    let array = g.load(at, "reads the pointer to the buckets")?;
    g.expect(array, Object::Array)
}

fn begin_write(g: &mut Goroutine<'_>) -> Step<()> {
    if g.load(FLAGS, "checks that nobody writes")? & WRITING != 0 {
        return Err(Race::Writes.into());
    }
    g.toggle(
        FLAGS,
        WRITING,
        [
            "reads flags to toggle hashWriting",
            "writes the toggled flags",
        ],
    )
}

fn end_write(g: &mut Goroutine<'_>) -> Step<()> {
    if g.load(FLAGS, "checks that it is still writing")? & WRITING == 0 {
        return Err(Race::Writes.into());
    }
    let flags = g.load(FLAGS, "reads flags to clear hashWriting")?;
    g.store(FLAGS, flags & !WRITING, "writes flags without hashWriting")
}

fn search(g: &mut Goroutine<'_>, first: u64, hash: u64, key: u64) -> Step<Search> {
    let top = top_hash(hash);
    let mut found = Search {
        present: None,
        free: None,
        last: first,
    };
    loop {
        let bucket = found.last;
        let tops = tops(g.load(bucket, "reads the tophash bytes")?);
        for (slot, &state) in tops.iter().enumerate() {
            let place = Place { bucket, slot };
            if state <= EMPTY_ONE && found.free.is_none() {
                found.free = Some(place);
            }
            if state == EMPTY_REST {
                return Ok(found);
            }
            if state == top && g.load(place.key(), "compares a key")? == key {
                found.present = Some(place);
                return Ok(found);
            }
        }
        let next = g.load(bucket + OVERFLOW, "follows the overflow chain")?;
        if next == 0 {
            return Ok(found);
        }
        found.last = g.expect(next, Object::Bucket)?;
    }
}

/// If nothing follows a slot that was just emptied in its chain, says so at the slot, and at the
/// empty ones before it.
fn close_gap(g: &mut Goroutine<'_>, first: u64, from: Place) -> Step<()> {
    let Place {
        mut bucket,
        mut slot,
    } = from;
    let next = if slot + 1 < SLOTS {
        tops(g.load(bucket, "reads the next slot's state")?)[slot + 1]
    } else {
        match g.load(bucket + OVERFLOW, "looks for an overflow bucket")? {
            0 => EMPTY_REST,
            next => {
                let next = g.expect(next, Object::Bucket)?;
                tops(g.load(next, "reads the next slot's state")?)[0]
            }
        }
    };
    if next != EMPTY_REST {
        return Ok(());
    }
    loop {
        g.store_byte(
            bucket,
            slot,
            EMPTY_REST,
            "marks that only empty slots follow",
        )?;
        if slot > 0 {
            slot -= 1;
        } else {
            if bucket == first {
                return Ok(());
            }
            let emptied = bucket;
            bucket = first;
            loop {
                let next = g.load(bucket + OVERFLOW, "looks for the bucket before")?;
                if next == emptied {
                    break;
                }
                bucket = g.expect(next, Object::Bucket)?;
            }
            slot = SLOTS - 1;
        }
        if tops(g.load(bucket, "reads the state of the slot before")?)[slot] != EMPTY_ONE {
            return Ok(());
        }
    }
}

fn find(g: &mut Goroutine<'_>, key: u64) -> Step<Option<u64>> {
    let hash = hash_of(key);
    let b = g.load(B, "reads B")?;
    let array = array(g, BUCKETS)?;
    let mut bucket = array + (hash & mask(b)?) * BUCKET_WORDS;
    let old = g.load(OLD_BUCKETS, "looks if the map grows")?;
    if old != 0 {
        let old = g.expect(old, Object::Array)?;
        let before = old + (hash & (mask(b)? >> 1)) * BUCKET_WORDS;
        if !is_evacuated(tops(g.load(before, "looks if the old bucket has moved")?)) {
            bucket = before;
        }
    }
    match search(g, bucket, hash, key)?.present {
        Some(place) => Ok(Some(g.load(place.elem(), "reads the element")?)),
        None => Ok(None),
    }
}

fn new_overflow(g: &mut Goroutine<'_>, last: u64) -> Step<u64> {
    g.publish(last + OVERFLOW, "links a new overflow bucket", |memory| {
        memory.allocate(Object::Bucket, &[0; BUCKET_WORDS as usize])
    })
}

fn hash_grow(g: &mut Goroutine<'_>, b: u64) -> Step<()> {
    let old = g.load(BUCKETS, "reads the pointer to the buckets")?;
    let set = u64::from(flags::ITERATOR | flags::OLD_ITERATOR);
    let before = g.load(FLAGS, "reads flags")?;
    let mut after = before & !set;
    if before & u64::from(flags::ITERATOR) != 0 {
        after |= u64::from(flags::OLD_ITERATOR);
    }
    mask(b + 1)?;
    g.store(B, b + 1, "writes the larger B")?;
    g.store(FLAGS, after, "writes flags")?;
    g.store(OLD_BUCKETS, old, "makes the buckets the old ones")?;
    g.publish(BUCKETS, "installs the new buckets", |memory| {
        memory.allocate(Object::Array, &empty_array(b + 1))
    })?;
    g.store(NEVACUATE, 0, "resets nevacuate")
}

fn grow_work(g: &mut Goroutine<'_>, number: u64) -> Step<()> {
    let b = g.load(B, "reads B")?;
    evacuate(g, number & (mask(b)? >> 1))?;
    if g.load(OLD_BUCKETS, "looks if the map still grows")? != 0 {
        let next = g.load(NEVACUATE, "reads nevacuate")?;
        evacuate(g, next)?;
    }
    Ok(())
}

fn evacuate(g: &mut Goroutine<'_>, number: u64) -> Step<()> {
    let old = array(g, OLD_BUCKETS)?;
    let b = g.load(B, "reads B")?;
    let new_bit = (mask(b)? >> 1) + 1;
    if number >= new_bit {
        return Err(Stop::Wild);
    }
    let mut bucket = old + number * BUCKET_WORDS;
    if !is_evacuated(tops(g.load(bucket, "looks if the old bucket has moved")?)) {
        let new = array(g, BUCKETS)?;
        let mut ends = [
            (new + number * BUCKET_WORDS, 0),
            (new + (number + new_bit) * BUCKET_WORDS, 0),
        ];
        loop {
            for slot in 0..SLOTS {
                let top = tops(g.load(bucket, "reads the old tophash bytes")?)[slot];
                if top <= EMPTY_ONE {
                    g.store_byte(
                        bucket,
                        slot,
                        EVACUATED_EMPTY,
                        "marks an old slot as evacuated",
                    )?;
                    continue;
                }
                if top < MIN_TOP_HASH {
                    return Err(Stop::Fault(Fault::BadMapState));
                }
                let from = Place { bucket, slot };
                let key = g.load(from.key(), "reads a key to move")?;
                let half = usize::from(hash_of(key) & new_bit != 0);
                g.store_byte(
                    bucket,
                    slot,
                    EVACUATED_X + half as u8,
                    "marks an old slot as moved",
                )?;
                let (mut to, mut at) = ends[half];
                if at == SLOTS {
                    to = new_overflow(g, to)?;
                    at = 0;
                }
                let place = Place {
                    bucket: to,
                    slot: at,
                };
                g.store_byte(to, at, top, "marks the new slot full")?;
                g.store(place.key(), key, "writes the moved key")?;
                let elem = g.load(from.elem(), "reads an element to move")?;
                g.store(place.elem(), elem, "writes the moved element")?;
                ends[half] = (to, at + 1);
            }
            let next = g.load(bucket + OVERFLOW, "follows the overflow chain")?;
            if next == 0 {
                break;
            }
            bucket = g.expect(next, Object::Bucket)?;
        }
    }
    if g.load(NEVACUATE, "reads nevacuate")? == number {
        let mut mark = number + 1;
        while mark < new_bit {
            let state = tops(g.load(old + mark * BUCKET_WORDS, "looks if the next has moved")?);
            if !is_evacuated(state) {
                break;
            }
            mark += 1;
        }
        g.store(NEVACUATE, mark, "writes nevacuate")?;
        if mark == new_bit {
            g.store(OLD_BUCKETS, 0, "drops the old buckets")?;
        }
    }
    Ok(())
}
