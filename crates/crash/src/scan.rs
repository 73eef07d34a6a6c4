//! A log of any size to crashes, in constant memory.
//!
//! Outside a crash only lines that hold one of a few texts are looked at; those texts are
//! searched for in whole blocks.

use std::borrow::Cow;
use std::io::{self, Read};

use aho_corasick::{AhoCorasick, MatchKind};
use tophash_runtime::messages;

use crate::assemble::{Assembler, Reaction, stands_alone};
use crate::grammar::{self, Line};
use crate::model::{Crash, Kind, Text};
use crate::wrap::{self, Field, Prefix, TRIGGERS};

/// Bytes read at once.
const BLOCK: usize = 1 << 20;

/// A longer line is cut into lines of this length.
const MAX_LINE: usize = 1 << 20;

/// Lines of others after which a crash is taken to be over.
const MAX_FOREIGN: u32 = 400;

/// Crashes that may be open at once: pods of one service die together.
const MAX_OPEN: usize = 64;

/// Texts of several lines inside one another that are read.
const MAX_WHOLE: u32 = 4;

/// How much was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Bytes of the log.
    pub bytes: u64,
    /// Its lines.
    pub lines: u64,
}

/// Reads a log and hands each crash in it to `found`, in the order in which they end.
/// An error of reading ends it as the end of the log does, and is given back.
pub fn scan(mut log: impl Read, found: &mut dyn FnMut(Crash)) -> (Totals, Option<io::Error>) {
    let mut scanner = Scanner::new(found);
    let mut block = vec![0; BLOCK];
    let mut filled = 0;
    let mut failure = None;
    loop {
        if filled == block.len() {
            // A line without an end: what there is of it passes for one.
            scanner.block(&block[..filled]);
            filled = 0;
        }
        let Some(free) = block.get_mut(filled..) else {
            break;
        };
        let n = match log.read(free) {
            Ok(0) => break,
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                failure = Some(error);
                break;
            }
        };
        let fresh = filled..filled + n;
        filled += n;
        let Some(end) = memchr::memrchr(b'\n', &block[fresh.clone()]) else {
            continue;
        };
        let end = fresh.start + end + 1;
        scanner.block(&block[..end]);
        block.copy_within(end..filled, 0);
        filled -= end;
    }
    if filled > 0 {
        scanner.block(&block[..filled]);
    }
    (scanner.end(), failure)
}

/// A crash that is being read.
struct Open {
    wrap: Wrap,
    assembler: Assembler,
    /// Lines since the last that belonged to it.
    foreign: u32,
    /// What makes it a crash and not a text that mentions one.
    needs: Needs,
}

/// What its lines are wrapped in.
enum Wrap {
    Prefix(Prefix),
    Json(Field),
}

/// What a message needs to be taken for a crash if no stack follows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Needs {
    /// Nothing: it stands where loggers put messages.
    Nothing,
    /// To be the runtime's own words.
    Words,
    /// A stack, whatever it says: it is quoted.
    Stack,
    /// More than there can be: it is a string in a program's source, stack and all.
    More,
}

impl Needs {
    /// What a message needs that stands in this field of an object, whose text is `inside`: a line
    /// that may be an object as well.
    fn of(field: &Field, object: &serde_json::Value, inside: &str) -> Needs {
        if !field.is_message(object) {
            return Needs::Stack;
        }
        if let Some((before, inner)) = wrap::json(inside)
            && let Some((field, text)) = Field::find(before, &inner)
        {
            return Needs::of(&field, &inner, &text);
        }
        let (before, payload) = inside.split_at(wrap::anchor(inside).unwrap_or(0));
        Needs::at(before, payload)
    }

    /// What a message needs that begins a line's text behind this.
    fn at(before: &str, payload: &str) -> Needs {
        // What Go indents follows what it does not; documents indent or mark what they quote.
        let begin = before.rsplit("\\n").next().unwrap_or(before);
        let marked = !begin.is_empty() && !begin.contains(char::is_alphanumeric);
        match grammar::classify(payload) {
            Line::Panic { text, .. } if wrap::is_setting(text) => Needs::Stack,
            Line::Panic { .. } | Line::Fatal(_) if marked => Needs::Stack,
            Line::Fatal(text) if wrap::is_compiler(begin, text) => Needs::Words,
            _ => Needs::behind(before),
        }
    }

    /// What a message needs behind this text in its line.
    fn behind(before: &str) -> Needs {
        match wrap::is_plausible(before) {
            true => Needs::Nothing,
            false if wrap::is_prose(before) || wrap::is_quoted(before) => Needs::Stack,
            false => Needs::Words,
        }
    }
}

struct Scanner<'a> {
    triggers: Option<AhoCorasick>,
    found: &'a mut dyn FnMut(Crash),
    open: Vec<Open>,
    /// Lines that a container runtime has cut, as far as they have come.
    pieces: Vec<Pieces>,
    /// The line before, as far as it is known.
    before: String,
    totals: Totals,
    /// Whether the last line that was counted goes on.
    in_line: bool,
}

/// The pieces of one line that have come so far.
struct Pieces {
    before: Prefix,
    text: String,
    /// The line of the log after which no more is waited for.
    until: u64,
}

/// Lines that may be in pieces at once.
const MAX_PIECES: usize = 16;

/// Lines of the log within which the next piece has to come.
const NEXT_PIECE: u64 = 1000;

impl<'a> Scanner<'a> {
    fn new(found: &'a mut dyn FnMut(Crash)) -> Scanner<'a> {
        Scanner {
            // It can't fail with patterns as few as these; without it every line is looked at.
            // Only leftmost matching has the vectorised search.
            triggers: AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostFirst)
                .build(TRIGGERS)
                .ok(),
            found,
            open: Vec::new(),
            pieces: Vec::new(),
            before: String::new(),
            totals: Totals::default(),
            in_line: false,
        }
    }

    /// Counts lines. One that is too long comes in pieces.
    fn count(&mut self, lines: &[u8]) {
        if !lines.is_empty() {
            let goes_on = !lines.ends_with(b"\n");
            let ends = memchr::memchr_iter(b'\n', lines).count() as u64;
            self.totals.lines += ends + u64::from(goes_on) - u64::from(self.in_line);
            self.in_line = goes_on;
        }
    }

    /// Takes whole lines, or a piece of one that is too long.
    fn block(&mut self, block: &[u8]) {
        self.totals.bytes += block.len() as u64;
        let mut rest = block;
        while !rest.is_empty() {
            if self.open.is_empty() && self.pieces.is_empty() {
                let Some(hit) = self.trigger(rest) else {
                    self.count(rest);
                    return;
                };
                let start = memchr::memrchr(b'\n', &rest[..hit]).map_or(0, |at| at + 1);
                self.remember(&rest[..start]);
                self.count(&rest[..start]);
                rest = &rest[start..];
            }
            let end = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
            let (line, tail) = rest.split_at(end.min(MAX_LINE));
            rest = tail;
            self.count(line);
            self.line(line);
        }
    }

    /// Keeps the last line before one that may begin a crash: what a program recovered stands
    /// there when it logs a stack.
    fn remember(&mut self, lines: &[u8]) {
        const MAX: usize = 4096;
        // Some leave a blank line between the two.
        let lines = lines.trim_ascii_end();
        if lines.is_empty() {
            return;
        }
        let start = memchr::memrchr(b'\n', lines).map_or(0, |at| at + 1);
        let line = &lines[start..];
        self.before = wrap::text(line.get(..MAX).unwrap_or(line)).into_owned();
    }

    /// Where the first text is that may begin a crash.
    fn trigger(&self, block: &[u8]) -> Option<usize> {
        match &self.triggers {
            Some(triggers) => triggers.find(block).map(|m| m.start()),
            None => Some(0),
        }
    }

    fn line(&mut self, line: &[u8]) {
        let text = wrap::text(line);
        let Some(text) = self.join(text) else {
            return;
        };
        if self.continues(&text) {
            self.before.clear();
            return;
        }
        if self.trigger(text.as_bytes()).is_some() {
            self.begin(&text);
        }
        self.remember(text.as_bytes());
    }

    /// Puts together what a container runtime cut into pieces. None if more are to come.
    fn join<'t>(&mut self, text: Cow<'t, str>) -> Option<Cow<'t, str>> {
        let now = self.totals.lines;
        self.pieces.retain(|p| p.until >= now);
        let Some(piece) = wrap::piece(&text) else {
            return Some(text);
        };
        let known = (self.pieces.iter()).position(|p| p.before.strip(piece.before) == Some(""));
        let so_far = known.map(|at| self.pieces.remove(at));
        if !piece.more && so_far.is_none() {
            return Some(text);
        }
        let mut all = so_far.unwrap_or_else(|| Pieces {
            before: Prefix::learn(piece.before),
            // What a whole line would begin with.
            text: format!("{}F ", piece.before),
            until: 0,
        });
        all.until = now + NEXT_PIECE;
        all.text.push_str(piece.text);
        let full = self.pieces.len() == MAX_PIECES || all.text.len() > MAX_LINE;
        if piece.more && !full {
            self.pieces.push(all);
            return None;
        }
        Some(Cow::Owned(all.text))
    }

    /// Offers a line to the crashes that are open. False if none of them takes it.
    fn continues(&mut self, text: &str) -> bool {
        let number = self.totals.lines;
        let mut taken = false;
        let mut ended = None;
        for (at, open) in self.open.iter_mut().enumerate() {
            if taken {
                open.foreign += 1;
                continue;
            }
            match open.offer(text, number) {
                Reaction::Taken => {
                    open.foreign = 0;
                    taken = true;
                }
                Reaction::Last => {
                    taken = true;
                    ended = Some(at);
                }
                Reaction::Next => {
                    ended = Some(at);
                    break;
                }
                Reaction::Foreign => open.foreign += 1,
            }
        }
        if let Some(at) = ended {
            let open = self.open.remove(at);
            let late = finish(open, false, self.found);
            if let (Some(late), false) = (late, taken) {
                // `fatal error:` in front of this line's goroutine.
                self.begin(&format!("fatal error: {late}"));
                return self.continues(text);
            }
        }
        self.close(|open| open.foreign > MAX_FOREIGN);
        taken || self.relearn(text)
    }

    /// The message of a crash may stand behind a logger's time while its stack does not:
    /// `2024/05/01 12:00:00 http: panic serving ...` and then `goroutine 34 [running]:`. So the
    /// first goroutine behind a message says what is before the lines that follow.
    fn relearn(&mut self, text: &str) -> bool {
        const NEAR: u32 = 20;
        if self.open.iter().all(|open| open.assembler.has_stacks()) {
            return false;
        }
        if self.second_line(text) {
            return true;
        }
        let Some(at) = wrap::anchor(text) else {
            return false;
        };
        let (before, payload) = text.split_at(at);
        if !matches!(grammar::classify(payload), Line::Goroutine(_)) {
            return false;
        }
        let learnt = Prefix::learn(before);
        // Or only the message was copied without what stood before it.
        let plausible = wrap::is_plausible(before);
        let fits = |open: &&mut Open| {
            open.foreign <= NEAR
                && !open.assembler.has_stacks()
                && open.is_real()
                && (open.wrap.starts_with(&learnt) || open.wrap.is_bare() && plausible)
        };
        let nearest = self
            .open
            .iter_mut()
            .filter(fits)
            .min_by_key(|open| open.foreign);
        let Some(open) = nearest else {
            return false;
        };
        open.wrap = Wrap::Prefix(learnt);
        open.foreign = 0;
        open.assembler.logged();
        open.assembler.push(payload, self.totals.lines) == Reaction::Taken
    }

    /// Offers a line that says more of what failed to a crash whose first line stands right before
    /// it, behind what a logger writes: a panic that was thrown again, the error that follows
    /// `runtime: out of memory`, a second thread's word, the runtime's own stack.
    fn second_line(&mut self, text: &str) -> bool {
        const AFTER_BLANK: u32 = 2;
        let line = grammar::classify(text);
        let goes_on = |first: &Text| match line {
            Line::Panic { nested, .. } => nested && first.recovered,
            Line::Fatal(text) => {
                text == first.text || matches!(grammar::classify(&first.text), Line::Foreword(_))
            }
            Line::RuntimeStack => true,
            _ => false,
        };
        let fits = |open: &&mut Open| {
            open.foreign <= AFTER_BLANK
                && open.assembler.has_one_line()
                && !open.assembler.has_stacks()
                && open.assembler.messages().last().is_some_and(goes_on)
                && open.is_real()
        };
        let Some(open) = self.open.iter_mut().find(fits) else {
            return false;
        };
        open.wrap = Wrap::Prefix(Prefix::default());
        open.foreign = 0;
        open.assembler.push(text, self.totals.lines) == Reaction::Taken
    }

    /// Looks for the beginning of a crash in a line that belongs to none.
    fn begin(&mut self, text: &str) {
        if let Some((inside, beside)) = wrap::embedded(text) {
            self.whole(&inside, beside.as_deref(), MAX_WHOLE);
            return;
        }
        if let Some((before, object)) = wrap::json(text) {
            self.begin_json(before, &object);
            return;
        }
        let Some(at) = wrap::anchor(text) else {
            return;
        };
        let (before, payload) = text.split_at(at);
        let in_source =
            wrap::opens_source(before) || before.is_empty() && wrap::opens_source(&self.before);
        let needs = match in_source {
            true => Needs::More,
            false => Needs::at(before, payload),
        };
        // Inside a string nothing stands before the lines that follow.
        let before = if in_source { "" } else { before };
        let mut open = Open {
            wrap: Wrap::Prefix(Prefix::learn(before)),
            assembler: Assembler::default(),
            foreign: 0,
            needs,
        };
        // `[PANIC RECOVER] assignment to entry in nil map goroutine 34 [running]:`
        if payload.starts_with("goroutine ")
            && let Some(start) = messages::position(before)
        {
            open.assembler.preface(before[start..].trim_end());
            open.wrap = Wrap::Prefix(Prefix::default());
        } else if payload.starts_with("goroutine ") {
            self.preface(&mut open);
        }
        if open.assembler.push(payload, self.totals.lines) == Reaction::Taken {
            self.add(open);
        }
    }

    /// Takes the message about a map from the line before a stack.
    fn preface(&self, open: &mut Open) {
        if let Some(start) = messages::position(&self.before) {
            let text = &self.before[start..];
            // The rest of an object of JSON.
            let end = text.find(['"', '\\']).unwrap_or(text.len());
            open.assembler.preface(&text[..end]);
        }
    }

    fn begin_json(&mut self, before: &str, object: &serde_json::Value) {
        let Some((field, inside)) = Field::find(before, object) else {
            return;
        };
        let inside = inside.trim_end_matches('\n');
        let at = wrap::anchor(inside).unwrap_or(0);
        let mut open = Open {
            needs: Needs::of(&field, object, inside),
            wrap: Wrap::Json(field),
            assembler: Assembler::default(),
            foreign: 0,
        };
        if inside[at..].starts_with("goroutine ") {
            self.preface(&mut open);
        }
        if open.assembler.push(&inside[at..], self.totals.lines) == Reaction::Taken {
            self.add(open);
        }
    }

    /// A text of several lines that stood in one line of the log.
    fn whole(&mut self, text: &str, beside: Option<&str>, nested: u32) {
        let number = self.totals.lines;
        let mut crashes = Vec::new();
        let mut inner = Scanner {
            triggers: None,
            found: &mut |crash| crashes.push(crash),
            open: Vec::new(),
            pieces: Vec::new(),
            before: String::new(),
            totals: Totals::default(),
            in_line: false,
        };
        for line in text.lines() {
            inner.totals.lines += 1;
            if inner.continues(line) {
                continue;
            }
            if nested > 0
                && let Some((inside, beside)) = wrap::embedded(line)
            {
                inner.whole(&inside, beside.as_deref(), nested - 1);
            } else if let Some((before, object)) = wrap::json(line) {
                inner.begin_json(before, &object);
            } else if let Some(at) = wrap::anchor(line) {
                let mut open = Open {
                    wrap: Wrap::Prefix(Prefix::default()),
                    assembler: Assembler::default(),
                    foreign: 0,
                    needs: Needs::at(&line[..at], &line[at..]),
                };
                if let (Some(beside), Line::Goroutine(_)) = (beside, grammar::classify(&line[at..]))
                {
                    open.assembler.preface(beside);
                }
                if open.assembler.push(&line[at..], 1) == Reaction::Taken {
                    inner.add(open);
                }
            }
        }
        inner.end();
        for mut crash in crashes {
            crash.lines = (number, number);
            (self.found)(crash);
        }
    }

    fn add(&mut self, open: Open) {
        if self.open.len() >= MAX_OPEN {
            let oldest = self.open.remove(0);
            finish(oldest, false, self.found);
        }
        self.open.push(open);
        // The longest prefix says most about where a line belongs.
        self.open.sort_by_key(|open| match &open.wrap {
            Wrap::Prefix(prefix) => std::cmp::Reverse(prefix.weight()),
            Wrap::Json(_) => std::cmp::Reverse(usize::MAX),
        });
    }

    fn close(&mut self, over: impl Fn(&Open) -> bool) {
        let mut at = 0;
        while let Some(open) = self.open.get(at) {
            if over(open) {
                let open = self.open.remove(at);
                finish(open, false, self.found);
            } else {
                at += 1;
            }
        }
    }

    fn end(mut self) -> Totals {
        for Pieces { text, .. } in std::mem::take(&mut self.pieces) {
            if !self.continues(&text) {
                self.begin(&text);
            }
        }
        for open in std::mem::take(&mut self.open) {
            let first = open.assembler.messages().first().map(|m| m.text.clone());
            let late = finish(open, true, self.found);
            // Behind the stacks stands a second thread's word, or a crash without stacks.
            if let Some(late) = late.filter(|late| Some(late) != first.as_ref()) {
                let mut assembler = Assembler::default();
                assembler.push(&format!("fatal error: {late}"), self.totals.lines);
                let (crash, _) = assembler.finish(true);
                (self.found)(crash);
            }
        }
        self.totals
    }
}

impl Open {
    fn offer(&mut self, text: &str, number: u64) -> Reaction {
        match &mut self.wrap {
            Wrap::Json(field) => {
                let Some(inside) = field.read(text) else {
                    return Reaction::Foreign;
                };
                let mut reaction = Reaction::Foreign;
                for line in inside.trim_end_matches('\n').split('\n') {
                    reaction = self.assembler.push(line, number);
                    if matches!(reaction, Reaction::Next | Reaction::Last) {
                        break;
                    }
                }
                reaction
            }
            Wrap::Prefix(prefix) => match prefix.strip(text) {
                Some(payload) => self.assembler.push(payload, number),
                None => Reaction::Foreign,
            },
        }
    }

    /// Whether this is a crash and not a sentence in a log that mentions one.
    fn is_real(&self) -> bool {
        let alone = |m: &Text| stands_alone(&m.text);
        let has_stacks = self.assembler.has_stacks();
        match self.needs {
            Needs::Nothing => true,
            Needs::Words => has_stacks || self.assembler.messages().iter().any(alone),
            Needs::Stack => has_stacks,
            Needs::More => false,
        }
    }
}

impl Wrap {
    fn is_bare(&self) -> bool {
        matches!(self, Wrap::Prefix(prefix) if *prefix == Prefix::default())
    }

    fn starts_with(&self, prefix: &Prefix) -> bool {
        match self {
            Wrap::Prefix(mine) => mine.starts_with(prefix),
            Wrap::Json(_) => false,
        }
    }
}

/// Hands a crash on, unless it is only a sentence in a log that mentions one.
fn finish(open: Open, cut: bool, found: &mut dyn FnMut(Crash)) -> Option<String> {
    let real = open.is_real();
    let (crash, late) = open.assembler.finish(cut);
    let empty = crash.stacks.is_empty() && crash.messages.is_empty() && crash.kind != Kind::Signal;
    if real && !empty {
        found(crash);
    }
    late
}
