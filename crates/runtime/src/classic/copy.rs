//! `maps.Clone` of a classic map (runtime/map.go `mapclone2`).

use super::bucket::{Bucket, BucketArray, Link, is_empty};
use super::{ClassicMap, flags};
use crate::fault::{Fault, Race};
use crate::map_type::SLOTS;
use crate::ops::Ops;
use crate::random::Random;

impl<O: Ops + Clone, R: Random + Clone> ClassicMap<O, R> {
    /// `maps.Clone(m)`.
    ///
    /// # Errors
    /// Someone is writing, or a key can't be read.
    pub fn copy(&mut self) -> Result<Self, Fault> {
        let mut hint = self.header.count;
        if self.behaviour.clone_is_capped && self.behaviour.is_overloaded(hint, self.header.b) {
            hint = self.behaviour.load_factor_times_2 * ((1 << self.header.b) / 2);
        }
        let mut copy = Self::new(
            self.version,
            self.ops.clone(),
            self.random.clone(),
            hint as i64,
        );
        copy.header.hash0 = self.header.hash0;
        if self.header.count == 0 {
            return Ok(copy);
        }
        if self.header.flags & flags::HASH_WRITING != 0 {
            return Err(Race::CloneAndWrite.into());
        }
        let Some(array) = &self.current else {
            return Ok(copy);
        };
        let traits = self.ops.traits();
        if copy.current.is_none() {
            copy.current = Some(copy.new_array(0));
        }
        let quick = self.header.b == 0
            && !(traits.indirect_key && traits.need_key_update)
            && !traits.indirect_elem;
        if quick {
            if let (Some(to), Some(from)) = (
                copy.current.as_mut().and_then(|a| a.buckets.first_mut()),
                array.buckets.first(),
            ) {
                *to = from.clone();
            }
            copy.header.count = self.header.count;
            return Ok(copy);
        }
        let len = 1_usize << copy.header.b;
        for i in 0..len {
            let mut end = (Link::array(i), 0);
            for j in (0..1_usize << self.header.b).step_by(len) {
                for bucket in array.chain(i + j) {
                    end = copy.append(end, bucket);
                }
            }
        }
        if let Some(old) = &self.old {
            self.copy_old(old, &mut copy)?;
        }
        Ok(copy)
    }

    fn copy_old(&self, old: &BucketArray<O::Key, O::Elem>, copy: &mut Self) -> Result<(), Fault> {
        let old_len = self.old_len();
        for i in 0..old_len as usize {
            if old.buckets.get(i).is_none_or(Bucket::is_evacuated) {
                continue;
            }
            if old_len >= 1 << copy.header.b {
                let mut link = Link::array(i & copy.mask() as usize);
                while let Some(bucket) = copy.current.as_ref().and_then(|array| array.get(link))
                    && !bucket.overflow.is_none()
                {
                    link = bucket.overflow;
                }
                let mut end = (link, 0);
                for bucket in old.chain(i) {
                    end = copy.append(end, bucket);
                }
                continue;
            }
            for bucket in old.chain(i) {
                for slot in (0..SLOTS).filter(|&slot| !is_empty(bucket.top[slot])) {
                    copy.put(bucket.keys[slot].clone(), bucket.elems[slot].clone())?;
                }
            }
        }
        Ok(())
    }

    /// `moveToBmap`: adds a bucket's entries after `end` (bucket and slot) and says where the new
    /// end is.
    fn append(
        &mut self,
        (mut link, mut slot): (Link, usize),
        from: &Bucket<O::Key, O::Elem>,
    ) -> (Link, usize) {
        for i in (0..SLOTS).filter(|&i| !is_empty(from.top[i])) {
            let tops = self
                .current
                .as_ref()
                .and_then(|array| array.get(link))
                .map(|b| b.top);
            while slot < SLOTS && tops.is_some_and(|tops| !is_empty(tops[slot])) {
                slot += 1;
            }
            if slot == SLOTS {
                link = self.new_overflow(link);
                slot = 0;
            }
            if let Some(to) = self.current.as_mut().and_then(|array| array.get_mut(link)) {
                to.top[slot] = from.top[i];
                to.keys[slot] = from.keys[i].clone();
                to.elems[slot] = from.elems[i].clone();
            }
            slot += 1;
            self.header.count += 1;
        }
        (link, slot)
    }
}
