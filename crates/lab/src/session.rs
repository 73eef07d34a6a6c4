//! A session: commands, one after the other, on one map variable.

mod loops;
mod many;

use std::collections::HashSet;
use std::sync::Arc;

use serde::Serialize;
use tophash_runtime::classic::top_hash;
use tophash_runtime::swiss::{Storage, home_group};
use tophash_runtime::{Build, Event, Fault, Implementation, MapType, Ops};

use crate::explain::{self, Told, Verb, explain};
use crate::model::{Iteration, Model};
use crate::ops::{LabOps, Trace, hash_keys};
use crate::picture::{self, Index, Picture, View, count};
use crate::race::{self, RaceView};
use crate::scene;
use crate::script::{COMMANDS, Command, MAX_ENTRIES, RaceStep, Word};
use crate::value::{Type, Value};

/// Operations on maps that one session may make, so that no script runs for ever.
const MAX_WORK: u64 = 3_000_000;

/// Entries of an iteration that are listed.
const MAX_LISTED: usize = 64;

/// Sentences that one command may have.
const MAX_SENTENCES: usize = 16;

/// How a session begins.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// Whose map it is.
    pub build: Build,
    /// What all random values come from.
    pub seed: u64,
}

/// What one command has come to.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Frame {
    /// The command, as written.
    pub command: String,
    /// What the script says about it.
    pub remarks: Vec<String>,
    /// The value that the operation gave, as a Go program would see it.
    pub result: Option<String>,
    /// What the runtime did and why.
    pub sentences: Vec<String>,
    /// What Go prints, if the operation fails.
    pub failure: Option<String>,
    /// The map afterwards, with its type and version.
    pub title: String,
    /// The map afterwards, unless it is not to be drawn.
    pub picture: Option<Picture>,
    /// Whether the command may have changed the map: a drawing of before does not hold then.
    pub changes: bool,
    /// How a race can end.
    pub race: Option<RaceView>,
}

/// What a command leads to besides its frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// The next command.
    Go,
    /// The text of a scene, to be run before the next command.
    Scene(&'static str),
    /// The end.
    Quit,
}

struct Running {
    iteration: Iteration,
    /// Keys that were visited, as text, and how many entries.
    seen: HashSet<String>,
    visited: u64,
}

/// A map variable and what was done to it.
pub struct Session {
    setup: Setup,
    key: Type,
    elem: Type,
    hint: i64,
    trace: Trace,
    model: Model,
    running: Option<Running>,
    /// What has changed the map since it was made, to be run again on another version's.
    history: Vec<Operation>,
    filled: u64,
    work: u64,
    drawing: bool,
    writer: bool,
    index: Index,
}

/// What changes a map.
enum Operation {
    Put(Value, Value),
    /// Puts of `fill`, by the numbers of their keys.
    Fill(Vec<u64>),
    Delete(Vec<Value>),
    Clear,
    Clone,
    Nil,
}

type Done = Result<Frame, String>;

impl Session {
    /// A session with an empty `map[string]int`.
    #[must_use]
    pub fn new(setup: Setup) -> Self {
        let trace = Trace::default();
        let (key, elem) = (Type::String, Type::parse("int").unwrap_or(Type::Any));
        let mut session = Self {
            model: Model::Nil(ops_for(setup, &key, &elem, &trace)),
            setup,
            key,
            elem,
            hint: 0,
            trace,
            running: None,
            history: Vec::new(),
            filled: 0,
            work: 0,
            drawing: true,
            writer: false,
            index: Index::default(),
        };
        session.make();
        session
    }

    /// The version and the map type, as a prompt shows them.
    #[must_use]
    pub fn title(&self) -> String {
        format!(
            "{} · map[{}]{}",
            build_name(self.setup.build),
            self.key,
            self.elem
        )
    }

    fn make(&mut self) {
        let ops = ops_for(self.setup, &self.key, &self.elem, &self.trace);
        self.model = Model::make(self.setup.build, ops, self.setup.seed, self.hint);
        self.running = None;
        self.writer = false;
        self.filled = 0;
    }

    /// Runs a command.
    ///
    /// # Errors
    /// A value can't be read, a limit of the lab is reached, or the command makes no sense now: a
    /// sentence that says what was expected.
    pub fn run(&mut self, command: &Command) -> Result<(Frame, Next), String> {
        self.index = Index::of(&self.model);
        self.trace.borrow_mut().clear();
        let next = match command {
            Command::Quit => Next::Quit,
            Command::Scene(name) => Next::Scene(scene::script(name, self.setup.build)?),
            _ => Next::Go,
        };
        let mut frame = self.perform(command)?;
        frame.title = self.title();
        frame.changes = changes(command);
        let is_list = matches!(command, Command::Help | Command::Scenes);
        if frame.sentences.len() > MAX_SENTENCES && !is_list {
            let more = frame.sentences.len() - MAX_SENTENCES;
            frame.sentences.truncate(MAX_SENTENCES);
            frame.sentences.push(format!(
                "and {} of this kind",
                count(more as u64, "more sentence")
            ));
        }
        Ok((frame, next))
    }

    fn spend(&mut self, n: u64) -> Result<(), String> {
        self.work = self.work.saturating_add(n);
        if self.work > MAX_WORK {
            return Err(format!(
                "this session has made {MAX_WORK} map operations, and that is its limit"
            ));
        }
        Ok(())
    }

    fn key(&self, word: &Word) -> Result<Value, String> {
        self.key
            .read(&word.text, word.quoted && self.quotes(&self.key))
    }

    fn elem(&self, word: Option<&Word>) -> Result<Value, String> {
        match word {
            Some(word) => self
                .elem
                .read(&word.text, word.quoted && self.quotes(&self.elem)),
            None if self.elem == Type::Empty => Ok(Value::Empty),
            None => Err(format!(
                "`put KEY ELEM` was expected: the element, of type {}, is missing",
                self.elem
            )),
        }
    }

    /// Whether quotes matter to values of a type.
    fn quotes(&self, ty: &Type) -> bool {
        !matches!(ty, Type::Opaque(_))
    }

    fn perform(&mut self, command: &Command) -> Done {
        match command {
            Command::New { key, elem, hint } => self.new_map(key, elem, *hint),
            Command::Nil => {
                self.history = vec![Operation::Nil];
                self.running = None;
                self.writer = false;
                self.model = Model::Nil(self.model.ops().clone());
                Ok(self.drawn(vec![format!("var m map[{}]{}: a nil map can be read, ranged over, cleared and deleted from, not written to", self.key, self.elem)], None, &[]))
            }
            Command::Go(build) => self.again(Setup {
                build: *build,
                ..self.setup
            }),
            Command::Seed(seed) => self.again(Setup {
                seed: *seed,
                ..self.setup
            }),
            Command::Put(key, elem) => {
                let (key, elem) = (self.key(key)?, self.elem(elem.as_ref())?);
                self.put(key, elem)
            }
            Command::Get(key) => {
                let key = self.key(key)?;
                self.get(&key)
            }
            Command::Delete(keys) => {
                let keys = keys
                    .iter()
                    .map(|key| self.key(key))
                    .collect::<Result<Vec<_>, _>>()?;
                self.delete(&keys)
            }
            Command::Hash(key) => {
                let key = self.key(key)?;
                self.hash(&key)
            }
            Command::Fill(n, target) => self.fill(*n, *target),
            Command::Drain(n, target) => self.drain(*n, *target),
            Command::Iterate => self.iterate(),
            Command::Range => self.range(),
            Command::Step(n) => self.step(*n),
            Command::Stop => {
                let running = self
                    .running
                    .take()
                    .ok_or("no iteration is in progress: `range` begins one")?;
                Ok(self.drawn(
                    vec![format!(
                        "left the loop after {}",
                        count(running.visited, "entry")
                    )],
                    None,
                    &[],
                ))
            }
            Command::Clear => self.clear(),
            Command::Clone => self.copy(),
            Command::Grow => Ok(Frame {
                sentences: explain::next_growth(&self.model, self.setup.build),
                ..Frame::default()
            }),
            Command::Show(all) => Ok(Frame {
                picture: Some(self.picture(None, &[], *all)),
                ..Frame::default()
            }),
            Command::Draw(on) => {
                self.drawing = *on;
                Ok(Frame::default())
            }
            Command::Writer => self.writer(),
            Command::Race(goroutines) => self.race(goroutines),
            Command::Scenes => Ok(Frame {
                sentences: scene::list(),
                ..Frame::default()
            }),
            Command::Scene(_) | Command::Quit => Ok(Frame::default()),
            Command::Help => Ok(Frame {
                sentences: help(),
                ..Frame::default()
            }),
        }
    }

    /// A frame with a drawing of the map.
    fn drawn(&self, sentences: Vec<String>, key: Option<&Value>, events: &[Event]) -> Frame {
        Frame {
            sentences,
            picture: self.drawing.then(|| self.picture(key, events, false)),
            ..Frame::default()
        }
    }

    fn picture(&self, key: Option<&Value>, events: &[Event], all: bool) -> Picture {
        let none = HashSet::new();
        let view = View {
            before: &self.index,
            events,
            key,
            seen: self.running.as_ref().map_or(&none, |running| &running.seen),
            all,
        };
        picture::draw(&self.model, &view)
    }

    fn events(&self) -> Vec<Event> {
        self.trace.take()
    }

    fn told(&self, verb: Verb, events: &[Event]) -> Vec<String> {
        explain(&Told {
            verb,
            build: self.setup.build,
            model: &self.model,
            events,
        })
    }

    /// The frame of an operation that failed. After a fatal error the process is gone, and the lab
    /// goes on as if it had not been made.
    fn failed(&mut self, fault: &Fault) -> Frame {
        let mut sentences = Vec::new();
        match fault {
            Fault::NilMap => sentences.push("the map is nil: there is nothing to write to. Unless it is recovered, the panic ends the program (exit status 2); the lab goes on".to_owned()),
            Fault::Key { early, .. } => sentences.push(format!(
                "the key's dynamic type can't be compared, so it has no hash{}. Unless it is recovered, the panic ends the program (exit status 2); the lab goes on with the map as it was",
                if *early { "; that is checked even if there is nothing to find" } else { "" }
            )),
            _ => {
                sentences.push("no recover stops a fatal error: no deferred call runs and the process ends with status 2. The lab goes on with the map as it was, and without the other writer".to_owned());
                self.model.set_writer(false);
                self.writer = false;
                self.running = None;
            }
        }
        self.trace.borrow_mut().clear();
        let mut frame = self.drawn(sentences, None, &[]);
        frame.failure = Some(fault.message(self.setup.build));
        frame
    }

    fn new_map(&mut self, key: &Type, elem: &Type, hint: i64) -> Done {
        self.key = key.clone();
        self.elem = elem.clone();
        self.hint = hint;
        self.history.clear();
        self.spend(1 + hint as u64 / 8)?;
        self.make();
        self.index = Index::default();
        let mut sentences = Vec::new();
        match &self.model {
            Model::Classic(map) if map.buckets().is_some() => sentences.push(format!(
                "make with hint {hint}: {} allocated, the fewest for which {hint} is not over {} per bucket",
                count(1 << map.header().b, "bucket"),
                explain::load_factor(self.setup.build)
            )),
            Model::Classic(_) => sentences.push("no bucket yet: up to a hint of 8 the first write allocates it".to_owned()),
            Model::Swiss(map) => match map.storage() {
                Storage::Tables { tables, .. } => {
                    let capacity = tables.first().map_or(0, |table| table.capacity);
                    sentences.push(format!(
                        "make with hint {hint}: {} of {capacity} slots, so that {hint} entries fill no more than 7/8",
                        count(tables.len() as u64, "table")
                    ));
                }
                _ => sentences.push("no group yet: up to a hint of 8 the first write allocates it".to_owned()),
            },
            Model::Nil(_) => {}
        }
        Ok(self.drawn(sentences, None, &[]))
    }

    /// Runs what was done so far with another setup.
    fn again(&mut self, setup: Setup) -> Done {
        let before = self.setup;
        self.setup = setup;
        self.make();
        let history = std::mem::take(&mut self.history);
        let result = history
            .iter()
            .try_for_each(|operation| self.replay(operation));
        self.history = history;
        result?;
        self.trace.borrow_mut().clear();
        self.index = Index::of(&self.model);
        let what = if before.seed == setup.seed {
            build_name(setup.build)
        } else {
            format!("seed {}", setup.seed)
        };
        let kind = match setup.build.maps {
            Implementation::Classic => "buckets and overflow chains",
            Implementation::Swiss => "a Swiss map",
        };
        let sentence = if self.history.is_empty() {
            format!("{what}: {kind}")
        } else {
            format!(
                "{what}: {kind}; {} since the map was made ran again on it",
                count(self.history.len() as u64, "operation")
            )
        };
        Ok(self.drawn(vec![sentence], None, &[]))
    }

    /// Does again what was done to another version's map. What fails there fails here.
    fn replay(&mut self, operation: &Operation) -> Result<(), String> {
        match operation {
            Operation::Put(key, elem) => {
                self.spend(1)?;
                let _ = self.model.put(key.clone(), elem.clone());
            }
            Operation::Fill(numbers) => {
                self.spend(numbers.len() as u64)?;
                for &n in numbers {
                    if let (Some(key), Some(elem)) =
                        (self.key.nth(n, false), self.elem.nth(n, true))
                    {
                        let _ = self.model.put(key, elem);
                    }
                    self.trace.borrow_mut().clear();
                    self.filled = n;
                }
            }
            Operation::Delete(keys) => {
                self.spend(keys.len() as u64)?;
                for key in keys {
                    let _ = self.model.delete(key);
                }
            }
            Operation::Clear => {
                self.spend(1 + self.model.len() as u64 / 8)?;
                let _ = self.model.clear();
            }
            Operation::Clone => {
                self.spend(1 + self.model.len() as u64)?;
                if let Ok(copy) = self.model.copy(self.setup.build) {
                    self.model = copy;
                }
            }
            Operation::Nil => self.model = Model::Nil(self.model.ops().clone()),
        }
        self.trace.borrow_mut().clear();
        Ok(())
    }

    fn full(&self) -> Result<(), String> {
        if self.model.len() as u64 >= MAX_ENTRIES {
            return Err(format!(
                "a map of the lab holds at most {MAX_ENTRIES} entries"
            ));
        }
        Ok(())
    }

    fn put(&mut self, key: Value, elem: Value) -> Done {
        self.full()?;
        self.spend(1)?;
        let nan = key.is_nan();
        if let Err(fault) = self.model.put(key.clone(), elem.clone()) {
            return Ok(self.failed(&fault));
        }
        self.history.push(Operation::Put(key.clone(), elem));
        let events = self.events();
        let mut sentences = self.told(Verb::Put, &events);
        if nan {
            sentences.push("NaN differs from itself: its hash is random, every put adds an entry, and no get or delete will find one".to_owned());
        }
        Ok(self.drawn(sentences, Some(&key), &events))
    }

    fn get(&mut self, key: &Value) -> Done {
        self.spend(1)?;
        let found = match self.model.get(key) {
            Ok(found) => found,
            Err(fault) => return Ok(self.failed(&fault)),
        };
        let events = self.events();
        let mut sentences = self.told(Verb::Get, &events);
        if key.is_nan() && self.model.len() > 0 {
            // Its hash is whatever; the model does not draw it.
            sentences.clear();
            sentences.push("NaN differs from itself: no get ever finds it".to_owned());
        } else if found.is_none() {
            sentences.push(match (&self.model, self.model.len()) {
                (Model::Nil(_), _) => "a nil map has no entries".to_owned(),
                (model, 0) if model.ops().traits().hash_might_panic => {
                    "the map is empty: all that matters of the key is whether it has a hash"
                        .to_owned()
                }
                (_, 0) => "the map is empty: the key is not even hashed".to_owned(),
                _ => "not there".to_owned(),
            });
        }
        let mut frame = self.drawn(sentences, Some(key), &events);
        frame.result = Some(match found {
            Some(elem) => format!("{elem}, true"),
            None => format!("{}, false", self.elem.zero()),
        });
        Ok(frame)
    }

    fn delete(&mut self, keys: &[Value]) -> Done {
        let mut sentences = Vec::new();
        let mut all = Vec::new();
        let mut done = Vec::new();
        for key in keys {
            self.spend(1)?;
            let empty = self.model.len() == 0;
            let found = match self.model.delete(key) {
                Ok(found) => found,
                Err(fault) => {
                    self.history.push(Operation::Delete(done));
                    return Ok(self.failed(&fault));
                }
            };
            done.push(key.clone());
            let events = self.events();
            let mut told = self.told(Verb::Delete, &events);
            if !found {
                told.push(match &self.model {
                    Model::Nil(_) => "nothing to delete from a nil map".to_owned(),
                    _ if empty => "the map is empty: nothing to delete".to_owned(),
                    _ if key.is_nan() => {
                        "NaN differs from itself: no delete ever finds it, only clear removes it"
                            .to_owned()
                    }
                    _ => "not there: nothing to delete".to_owned(),
                });
            }
            if keys.len() > 1 {
                sentences.extend(short(key, told));
            } else {
                sentences.extend(told);
            }
            all.extend(events);
        }
        self.history.push(Operation::Delete(done));
        Ok(self.drawn(sentences, keys.first().filter(|_| keys.len() == 1), &all))
    }

    fn hash(&mut self, key: &Value) -> Done {
        self.spend(1)?;
        if key.is_nan() {
            return Ok(Frame {
                sentences: vec![
                    "NaN has no hash of its own: it gets a random one with every put".to_owned(),
                ],
                ..Frame::default()
            });
        }
        let hash = match self.model.hash(key) {
            Ok(hash) => hash,
            Err(fault) => return Ok(self.failed(&fault)),
        };
        let mut sentences = vec![format!("hash({key}) = {hash:#018x} with the map's seed")];
        match &self.model {
            Model::Nil(_) => {
                sentences = vec!["a nil map has no seed, so there is no hash".to_owned()]
            }
            Model::Classic(map) => {
                let b = map.header().b;
                sentences.push(format!(
                    "bucket {} (low {} of the hash), top byte {:#04x}{}",
                    hash & ((1 << b) - 1),
                    count(b.into(), "bit"),
                    top_hash(hash),
                    if hash >> 56 < 5 {
                        ", 5 added since 0 to 4 say what an empty slot is"
                    } else {
                        ""
                    }
                ));
            }
            Model::Swiss(map) => {
                sentences.push(format!(
                    "H1 (high 57 bits) {:#x}, H2 (low 7 bits) {:#04x}",
                    hash >> 7,
                    hash & 0x7f
                ));
                if let Storage::Tables { directory, tables } = map.storage() {
                    let depth = map.header().global_depth;
                    let place = if depth == 0 {
                        0
                    } else {
                        (hash >> (64 - depth)) as usize
                    };
                    if let Some(table) =
                        directory.get(place).and_then(|&id| tables.get(id as usize))
                    {
                        sentences.push(format!(
                            "directory place {place}, table {}, probing from group {}",
                            table.index,
                            home_group(hash, table.groups.len() as u64)
                        ));
                    }
                }
            }
        }
        Ok(Frame {
            sentences,
            ..Frame::default()
        })
    }

    fn clear(&mut self) -> Done {
        self.spend(1 + self.model.len() as u64 / 8)?;
        let before = self.model.len();
        let tombstones = match &self.model {
            Model::Swiss(map) => map.header().tombstone_possible,
            _ => false,
        };
        if let Err(fault) = self.model.clear() {
            return Ok(self.failed(&fault));
        }
        self.trace.borrow_mut().clear();
        self.history.push(Operation::Clear);
        let sentence = match (&self.model, before) {
            (Model::Nil(_), _) => "clearing a nil map does nothing".to_owned(),
            (_, 0) if tombstones => {
                "the map is empty, but its tombstones are gone now, and there is a new hash seed"
                    .to_owned()
            }
            (_, 0) => "the map is empty: nothing is done".to_owned(),
            (Model::Classic(_), n) => format!(
                "{} gone, NaN keys too; the array keeps its size, old buckets are dropped, and there is a new hash seed",
                count(n as u64, "entry")
            ),
            (Model::Swiss(_), n) => format!(
                "{} gone, NaN keys too; the group or the tables keep their size, and there is a new hash seed",
                count(n as u64, "entry")
            ),
        };
        Ok(self.drawn(vec![sentence], None, &[]))
    }

    fn copy(&mut self) -> Done {
        self.spend(1 + self.model.len() as u64)?;
        let build = self.setup.build;
        let copy = match self.model.copy(build) {
            Ok(copy) => copy,
            Err(fault) => return Ok(self.failed(&fault)),
        };
        self.trace.borrow_mut().clear();
        self.running = None;
        let sentence = match &copy {
            Model::Nil(_) => "the clone of a nil map is nil",
            Model::Classic(_) => {
                "m is the clone from now on: chains copied bucket by bucket, with the original's hash seed and nothing hashed again, save what a growth has still to move"
            }
            Model::Swiss(_)
                if tophash_runtime::swiss::Behaviour::of(build.version).clone_copies =>
            {
                "m is the clone from now on: tables are copied as they are, tombstones and hash seed included"
            }
            Model::Swiss(_) => {
                "m is the clone from now on: a new map, into which Go 1.24 puts the entries one by one"
            }
        };
        self.model = copy;
        self.history.push(Operation::Clone);
        Ok(self.drawn(vec![sentence.to_owned()], None, &[]))
    }

    fn race(&mut self, goroutines: &[Vec<RaceStep>]) -> Done {
        let goroutines = race::read(goroutines, &mut |word, is_key| {
            if is_key {
                self.key(word)
            } else {
                self.elem(Some(word))
            }
        })?;
        if matches!(self.model, Model::Nil(_)) {
            return Err("nobody can write to a nil map: `new map[K]V` makes one".to_owned());
        }
        for key in goroutines.iter().flatten().filter_map(race::Act::key) {
            if self.model.hash(key).is_err() {
                return Err(format!(
                    "{key} has no hash: who uses it panics, whatever the others do"
                ));
            }
        }
        if self.writer {
            return Err("another goroutine is writing already: `writer` ends its write".to_owned());
        }
        if self.model.len() > race::MAX_INITIAL {
            return Err(format!(
                "the map has {} entries; a race can begin with at most {}",
                self.model.len(),
                race::MAX_INITIAL
            ));
        }
        self.spend(race::WORK)?;
        let entries = picture::entries(&self.model);
        let race = race::run(self.setup.build, self.setup.seed, &entries, &goroutines)?;
        Ok(Frame {
            race: Some(race),
            ..Frame::default()
        })
    }

    fn writer(&mut self) -> Done {
        if matches!(self.model, Model::Nil(_)) {
            return Err("nobody can be writing to a nil map: `new map[K]V` makes one".to_owned());
        }
        self.writer = !self.writer;
        self.model.set_writer(self.writer);
        let sentence = match (self.writer, &self.model) {
            (false, _) => "the other goroutine has ended its write: the flag is clear",
            (true, Model::Classic(_)) => {
                "another goroutine is in the middle of a write: hashWriting is set in flags, and who looks at it dies"
            }
            (true, _) => {
                "another goroutine is in the middle of a write: writing is set in the header, and who looks at it dies"
            }
        };
        Ok(self.drawn(vec![sentence.to_owned()], None, &[]))
    }
}

/// Whether a command may change the map or what is to be drawn of it.
fn changes(command: &Command) -> bool {
    !matches!(
        command,
        Command::Hash(_)
            | Command::Grow
            | Command::Race(_)
            | Command::Draw(_)
            | Command::Help
            | Command::Scenes
    )
}

/// The sentences for one delete of many: where and what, and no more.
fn short(key: &Value, told: Vec<String>) -> Vec<String> {
    let mut out = Vec::new();
    let last = told.len().saturating_sub(1);
    for (i, sentence) in told.into_iter().enumerate() {
        let is_general = ["hash ", "probing "]
            .iter()
            .any(|start| sentence.starts_with(start));
        let is_growth = sentence.starts_with("evacuated") || sentence.starts_with("that was");
        let is_seed = sentence.starts_with("the map is empty now");
        if is_growth || is_seed {
            out.push(sentence);
        } else if !is_general || i == last {
            let what = sentence.split(": ").next().unwrap_or_default();
            out.push(format!("{key}: {what}"));
        }
    }
    out
}

/// `Go 1.27` or `Go 1.24 noswissmap`.
#[must_use]
pub fn build_name(build: Build) -> String {
    let off = build.maps != build.version.default_maps();
    format!(
        "Go {}{}",
        build.version,
        if off { " noswissmap" } else { "" }
    )
}

fn ops_for(setup: Setup, key: &Type, elem: &Type, trace: &Trace) -> LabOps {
    let map_type = MapType::new(setup.build, key.go_type(), elem.go_type()).or_else(|| {
        // Types that can't be keys are refused when a script is read.
        MapType::new(setup.build, Type::String.go_type(), elem.go_type())
    });
    let map_type = map_type.unwrap_or_else(|| unreachable!("strings can be keys"));
    LabOps::new(
        Arc::new(map_type),
        Arc::new(hash_keys(setup.seed)),
        key.clone(),
        elem.clone(),
        trace.clone(),
    )
}

fn help() -> Vec<String> {
    COMMANDS
        .iter()
        .map(|(name, arguments, what)| {
            format!("{:<24} {what}", format!("{name} {arguments}").trim())
        })
        .collect()
}
