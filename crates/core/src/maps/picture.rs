//! A map drawn as text: which slots are full.

use std::ops::ControlFlow;

use tophash_runtime::SLOTS;
use tophash_runtime::classic::{EMPTY_ONE, EMPTY_REST, MIN_TOP_HASH};
use tophash_runtime::swiss::{DELETED, EMPTY};

use super::damage::Place;
use super::header::Header;
use super::map_type::MapType;
use super::walk::{ChunkAt, Event, walk};
use crate::memory::Memory;

/// Writes the picture of a map, line by line, at most so many lines of slots: for each table or
/// some buckets a line, each slot a character.
///
/// Gives how many lines were left out.
pub fn draw(
    memory: &dyn Memory,
    map_type: &MapType,
    header: &Header,
    max_lines: u64,
    line: &mut dyn FnMut(&str),
) -> u64 {
    let mut picture = Picture {
        line,
        text: String::new(),
        groups: 0,
        lines: 0,
        left_out: 0,
        max_lines,
        empty: 0,
    };
    // What the walk reports as damage, `verify` names.
    let _ = walk(memory, map_type, header, &mut |event| {
        match event {
            Event::Table(table) => {
                picture.flush();
                picture.head(&format!(
                    "table {} at {:#x}: used {} of {}, growthLeft {}, localDepth {}",
                    table.place,
                    table.address,
                    table.used,
                    table.capacity,
                    table.growth_left,
                    table.local_depth
                ));
            }
            Event::Damage(damage) => {
                picture.flush();
                picture.head(&format!("damaged: {damage}"));
            }
            Event::Chunk(chunk) => picture.chunk(&chunk),
        }
        ControlFlow::Continue(())
    });
    picture.flush();
    picture.write_empty();
    picture.left_out
}

/// What the characters mean, for the reader of a picture.
#[must_use]
pub fn legend(classic: bool) -> &'static str {
    if classic {
        "# entry  - deleted (emptyOne)  . empty to the end of the chain  > moved to the new buckets  \
         +[...] overflow bucket"
    } else {
        "# entry  x tombstone  . empty  ? damaged control byte"
    }
}

/// Groups in a line.
const PER_LINE: u32 = 8;

/// Characters of a line, after which a chain is cut.
const MAX_LINE: usize = 1000;

struct Picture<'a> {
    line: &'a mut dyn FnMut(&str),
    text: String,
    groups: u32,
    lines: u64,
    left_out: u64,
    max_lines: u64,
    /// Lines of empty slots since the last that was written.
    empty: u64,
}

impl Picture<'_> {
    fn head(&mut self, text: &str) {
        self.write_empty();
        if self.lines >= self.max_lines {
            self.left_out += 1;
        } else {
            (self.line)(text);
        }
    }

    fn flush(&mut self) {
        if self.text.is_empty() {
            return;
        }
        if self.text.contains(['#', '-', '>', 'x', '?', '+']) {
            self.write_empty();
            self.write();
        } else {
            self.empty += 1;
            if self.empty == 1 {
                self.write();
            }
        }
        self.text.clear();
        self.groups = 0;
    }

    fn write(&mut self) {
        if self.lines >= self.max_lines {
            self.left_out += 1;
        } else {
            self.lines += 1;
            (self.line)(self.text.trim_end());
        }
    }

    /// Says how many lines of empty slots were not written.
    fn write_empty(&mut self) {
        if let Some(more @ 1..) = self.empty.checked_sub(1)
            && self.lines < self.max_lines
        {
            let plural = if more == 1 { "" } else { "s" };
            (self.line)(&format!(
                "          {more} more line{plural} without entries"
            ));
        }
        self.empty = 0;
    }

    fn chunk(&mut self, chunk: &ChunkAt<'_>) {
        let overflow = match chunk.place {
            Place::Bucket { overflow, .. } => overflow > 0,
            Place::SmallGroup | Place::Group { .. } => false,
        };
        if self.groups >= PER_LINE && !overflow {
            self.flush();
        }
        if self.text.is_empty() {
            self.text = match chunk.place {
                Place::Bucket {
                    old: false, index, ..
                } => format!("{index:>8}  "),
                Place::Bucket {
                    old: true, index, ..
                } => format!("old {index:>4}  "),
                Place::Group { group, .. } => format!("{group:>8}  "),
                Place::SmallGroup => "       0  ".to_owned(),
            };
        }
        if overflow && self.text.len() > MAX_LINE {
            // The rest of a long chain.
            if !self.text.ends_with("... ") {
                self.text.push_str("... ");
            }
            return;
        }
        if overflow {
            self.text.truncate(self.text.trim_end().len());
            self.text.push('+');
        }
        self.text.push('[');
        for slot in 0..SLOTS {
            let state = chunk.state(slot);
            self.text.push(match chunk.place {
                Place::Bucket { .. } => match state {
                    EMPTY_REST => '.',
                    EMPTY_ONE => '-',
                    MIN_TOP_HASH.. => '#',
                    _ => '>',
                },
                Place::SmallGroup | Place::Group { .. } => match state {
                    0..=0x7f => '#',
                    EMPTY => '.',
                    DELETED => 'x',
                    _ => '?',
                },
            });
        }
        self.text.push_str("] ");
        self.groups += 1;
    }
}
