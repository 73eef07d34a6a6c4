//! Lines to crashes: one assembler for each place that lines come from.

use tophash_runtime::{frames, messages};

use crate::fold::{Folded, single};
use crate::grammar::{self, Header, Line};
use crate::model::{Access, Args, Crash, Creator, Frame, Kind, Signal, Stack, Text};
use crate::names;

/// Most bytes kept of a message, and most messages.
const MAX_TEXT: usize = 2048;
const MAX_MESSAGES: usize = 16;

/// Most frames kept of a goroutine. Go prints a hundred.
const MAX_FRAMES: usize = 256;

/// What became of a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reaction {
    /// It belongs to the crash.
    Taken,
    /// It does not: another program's line, or a log line in between.
    Foreign,
    /// It begins another crash; it has not been taken.
    Next,
    /// It was the last line.
    Last,
}

/// A crash in the making.
#[derive(Debug, Default)]
pub(crate) struct Assembler {
    crash: Crash,
    folded: Folded,
    stack: Option<Stack>,
    section: Section,
    /// A call whose file has not been seen yet.
    call: Option<(String, Option<Args>)>,
    /// A line that may name a C function.
    bare: Option<String>,
    /// A `fatal error:` behind stacks: a second thread's word, or the next crash.
    late: Option<String>,
    /// The panic that a `created by` line waits for its file.
    creator: bool,
}

/// What the lines belong to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Section {
    /// Messages, before the first stack.
    #[default]
    Head,
    /// A goroutine.
    Goroutine,
    /// The runtime's own stack, or stacks of C, which are nobody's.
    Runtime,
    /// An access in a report of the race detector.
    Access,
    /// Where a goroutine of such a report was started.
    CreatedAt(u64),
}

impl Assembler {
    /// Whether something has been read that makes a crash: a stack, or a message that is one by
    /// itself.
    pub(crate) fn has_stacks(&self) -> bool {
        self.stack.is_some() || self.folded.goroutines > 0
    }

    /// Whether nothing followed its first line.
    pub(crate) fn has_one_line(&self) -> bool {
        self.crash.lines.0 == self.crash.lines.1
    }

    /// The messages so far.
    pub(crate) fn messages(&self) -> &[Text] {
        &self.crash.messages
    }

    /// Takes the next line of this place. `number` is its number in the log.
    pub(crate) fn push(&mut self, text: &str, number: u64) -> Reaction {
        let line = grammar::classify(text);
        let reaction = if self.goes_on(text, &line) {
            self.other(text)
        } else {
            self.take(line)
        };
        if matches!(reaction, Reaction::Taken | Reaction::Last) {
            if self.crash.lines.0 == 0 {
                self.crash.lines.0 = number;
            }
            self.crash.lines.1 = number;
        }
        reaction
    }

    /// Takes note that a logger wrote the message: who does that has recovered the panic.
    pub(crate) fn logged(&mut self) {
        if self.crash.kind == Kind::Panic {
            self.crash.kind = Kind::Recovered;
        }
    }

    /// Whether a line belongs to the text of a panic, whatever it looks like: Go indents further
    /// lines of a text (since 1.22) by a tab, as it does the panics that came after.
    fn goes_on(&self, text: &str, line: &Line<'_>) -> bool {
        self.section == Section::Head
            && self.crash.kind == Kind::Panic
            && !self.crash.messages.is_empty()
            && text.starts_with('\t')
            && !matches!(line, Line::Panic { .. } | Line::Blank)
    }

    /// Adds a message that stood in front of the first stack: a logger's line.
    pub(crate) fn preface(&mut self, text: &str) {
        self.crash.kind = Kind::Recovered;
        self.message(text);
    }

    fn take(&mut self, line: Line<'_>) -> Reaction {
        if let Some(late) = self.late.take() {
            match &line {
                // A message right before a goroutine that runs is the next crash's.
                Line::Goroutine(header) if header.state == "running" => {
                    self.late = Some(late);
                    return Reaction::Next;
                }
                Line::Blank | Line::Fatal(_) | Line::Foreword(_) | Line::Other(_) => {
                    self.late = Some(late);
                }
                _ => self.message(&late),
            }
        }
        match line {
            Line::Blank => {
                // The next goroutine ends one, not a blank line: some logs have one after each.
                if self.section == Section::Runtime {
                    self.close_stack();
                }
                return Reaction::Taken;
            }
            Line::Goroutine(header) => return self.begin(header),
            Line::Call { function, args } => {
                if self.stack.is_none() && self.section != Section::Runtime {
                    return Reaction::Foreign;
                }
                self.call = Some((names::without_types(function), grammar::words(args)));
                self.creator = false;
                self.bare = None;
            }
            Line::Created {
                function,
                goroutine,
            } => {
                let Some(stack) = &mut self.stack else {
                    return Reaction::Foreign;
                };
                if stack.created.is_none() {
                    stack.created = Some(Creator {
                        function: names::without_types(function),
                        file: String::new(),
                        line: 0,
                        goroutine,
                    });
                    self.creator = true;
                }
                self.call = None;
            }
            Line::Source { file, line } => return self.source(file, line),
            Line::Elided(count) => {
                let Some(stack) = &mut self.stack else {
                    return Reaction::Foreign;
                };
                stack.elided = Some((stack.frames.len(), count));
            }
            Line::Unavailable => {
                let Some(stack) = &mut self.stack else {
                    return Reaction::Foreign;
                };
                stack.unavailable = true;
            }
            // Stacks of ancestors (GODEBUG=tracebackancestors) are history, not state.
            Line::Origin => {
                self.close_stack();
                self.section = Section::Runtime;
            }
            Line::RuntimeStack => {
                self.close_stack();
                self.section = Section::Runtime;
                self.crash.system = true;
            }
            Line::Panic { text, nested } => {
                if self.has_stacks() && !nested {
                    return Reaction::Next;
                }
                if self.crash.kind == Kind::Stacks {
                    self.crash.kind = Kind::Panic;
                }
                self.message(text);
            }
            Line::Serving(text) => {
                if self.has_stacks() || !self.crash.messages.is_empty() {
                    return Reaction::Next;
                }
                self.crash.kind = Kind::Recovered;
                self.message(text);
            }
            Line::Fatal(text) => {
                if self.crash.kind == Kind::Race {
                    return Reaction::Next;
                }
                if self.has_stacks() {
                    self.late = Some(text.to_owned());
                } else {
                    // Behind a panic it is a line of the panic's text.
                    if self.crash.kind != Kind::Panic {
                        self.crash.kind = Kind::Fatal;
                    }
                    self.message(text);
                }
            }
            Line::Foreword(text) => {
                if self.has_stacks() {
                    return Reaction::Next;
                }
                self.crash.kind = Kind::Fatal;
                self.message(text);
            }
            Line::Signal { name, address } => {
                if self.has_stacks() {
                    return Reaction::Foreign;
                }
                self.crash.signal = Some(Signal {
                    name: name.to_owned(),
                    address,
                });
            }
            Line::Died(name) => return self.died(name),
            Line::Race => {
                // Another thread's report may stand between a message and its stack.
                if self.crash.kind == Kind::Fatal && !self.has_stacks() {
                    return Reaction::Foreign;
                }
                if self.crash != Crash::default() || self.has_stacks() {
                    return Reaction::Next;
                }
                self.crash.kind = Kind::Race;
            }
            Line::Access {
                write,
                address,
                goroutine,
            } => {
                if self.crash.kind != Kind::Race {
                    return Reaction::Foreign;
                }
                self.close_stack();
                self.section = Section::Access;
                self.stack = Some(single(goroutine));
                self.crash.accesses.push(Access {
                    write,
                    address,
                    goroutine,
                    stack: usize::MAX,
                });
            }
            Line::CreatedAt { goroutine, state } => {
                if self.crash.kind != Kind::Race {
                    return Reaction::Foreign;
                }
                self.close_stack();
                self.section = Section::CreatedAt(goroutine);
                let mut stack = single(goroutine);
                stack.state = state.to_owned();
                self.stack = Some(stack);
            }
            Line::Bar => {
                if self.crash.kind != Kind::Race {
                    return Reaction::Foreign;
                }
                return Reaction::Last;
            }
            Line::Exit => return Reaction::Last,
            Line::Other(text) => return self.other(text),
        }
        Reaction::Taken
    }

    fn begin(&mut self, header: Header<'_>) -> Reaction {
        if self.crash.kind == Kind::Race {
            return Reaction::Next;
        }
        // A stack that the program took itself is a part of the panic's text.
        if self.crash.kind == Kind::Panic && header.state == "running" && self.is_quoted_stack() {
            self.close_stack();
            self.folded = Folded::default();
        }
        // A process prints each of its goroutines once.
        if header.state == "running" && self.has_stacks() && self.printed(header.id) {
            return Reaction::Next;
        }
        // Recovered panics print one goroutine, their own; those of the same dump wait or stand
        // in line.
        let own = header.state == "running";
        if self.crash.kind == Kind::Recovered && own && self.has_stacks() {
            return Reaction::Next;
        }
        self.close_stack();
        self.section = Section::Goroutine;
        let mut stack = single(header.id);
        stack.state = header.state.to_owned();
        stack.wait = header.minutes.map(|m| (m, m));
        stack.locked = header.locked;
        if let Some(member) = stack.members.first_mut() {
            member.labels = header.labels;
        }
        self.stack = Some(stack);
        Reaction::Taken
    }

    /// Whether this is the goroutine that failed, printed before.
    fn printed(&self, id: u64) -> bool {
        let first = self.folded.stacks.first().or(self.stack.as_ref());
        first.is_some_and(|stack| stack.members.iter().any(|m| m.id == id))
    }

    /// Whether there is but one stack so far, and the program asked for it: `debug.Stack`.
    fn is_quoted_stack(&self) -> bool {
        let first = match (self.folded.stacks.as_slice(), &self.stack) {
            ([], Some(stack)) | ([stack], None) => stack.frames.first(),
            _ => None,
        };
        first.is_some_and(|frame| frame.function == "runtime/debug.Stack")
    }

    fn source(&mut self, file: &str, line: u32) -> Reaction {
        if let Some((function, args)) = self.call.take() {
            if frames::package(&function) == "runtime" && function != "runtime.goexit" {
                // `runtime.main` and the like are hidden below GOTRACEBACK=system; exported
                // functions such as `runtime.Gosched` are not.
                let name = function.strip_prefix("runtime.").unwrap_or_default();
                let hidden = name.starts_with(|c: char| c.is_lowercase());
                self.crash.system |= hidden && self.crash.kind != Kind::Race;
            }
            self.frame(function, args, file, line);
            return Reaction::Taken;
        }
        let Some(stack) = &mut self.stack else {
            // Behind the runtime's own stack and in that of ancestors.
            return match self.section {
                Section::Runtime => Reaction::Taken,
                _ => Reaction::Foreign,
            };
        };
        if self.creator
            && let Some(creator) = &mut stack.created
        {
            creator.file = file.to_owned();
            creator.line = line;
            self.creator = false;
            return Reaction::Taken;
        }
        // A C function, named by a cgo symbolizer, stands alone on its line.
        if let Some(function) = self.bare.take() {
            self.frame(function, Some(Args::default()), file, line);
            return Reaction::Taken;
        }
        Reaction::Foreign
    }

    fn frame(&mut self, function: String, args: Option<Args>, file: &str, line: u32) {
        let Some(stack) = &mut self.stack else {
            return;
        };
        if stack.frames.len() >= MAX_FRAMES {
            let so_far = stack.elided.and_then(|(_, n)| n).unwrap_or(0);
            stack.elided = Some((MAX_FRAMES, Some(so_far + 1)));
            return;
        }
        stack.frames.push(Frame {
            function,
            file: file.to_owned(),
            line,
            inlined: args.is_none(),
        });
        if let Some(member) = stack.members.first_mut() {
            member.args.push(args.unwrap_or_default());
        }
    }

    fn died(&mut self, name: &str) -> Reaction {
        if self.has_stacks() {
            // GOTRACEBACK=crash makes every thread print its stack in turn, behind the
            // goroutines; SIGABRT ends it.
            if matches!(self.crash.kind, Kind::Panic | Kind::Fatal | Kind::Signal)
                && matches!(name, "SIGQUIT" | "SIGABRT")
            {
                self.close_stack();
                self.section = Section::Runtime;
                return Reaction::Taken;
            }
            return Reaction::Next;
        }
        if self.crash.messages.is_empty() {
            self.crash.kind = Kind::Signal;
        }
        self.crash.signal = Some(Signal {
            name: name.to_owned(),
            address: None,
        });
        Reaction::Taken
    }

    fn other(&mut self, text: &str) -> Reaction {
        // Messages of several lines go on behind a tab.
        if self.section == Section::Head
            && text.starts_with('\t')
            && let Some(last) = self.crash.messages.last_mut()
            && last.text.len() < MAX_TEXT
        {
            last.text.push('\n');
            last.text.push_str(cut(text.trim_start(), MAX_TEXT));
            return Reaction::Taken;
        }
        let bare = text.trim();
        let is_name = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b':';
        self.bare = (self.stack.is_some() && !bare.is_empty() && bare.bytes().all(is_name))
            .then(|| bare.to_owned());
        match self.section {
            // Registers, `PC=`, `non-Go function at pc=`.
            Section::Runtime => Reaction::Taken,
            _ if text.trim_start().starts_with("non-Go function") => Reaction::Taken,
            _ => Reaction::Foreign,
        }
    }

    fn message(&mut self, text: &str) {
        if self.crash.messages.len() >= MAX_MESSAGES {
            return;
        }
        let text = cut(text, MAX_TEXT).trim_end();
        let (text, repanicked) = match text.strip_suffix(" [recovered, repanicked]") {
            Some(text) => (text, true),
            None => (text, false),
        };
        let (text, recovered) = match text.strip_suffix(" [recovered]") {
            Some(text) => (text, true),
            None => (text, repanicked),
        };
        // Two threads that find the same conflict say so twice, as do panics thrown again.
        if let Some(last) = self.crash.messages.last_mut()
            && last.text == text
        {
            last.recovered |= recovered;
            return;
        }
        self.crash.messages.push(Text {
            text: text.to_owned(),
            recovered,
        });
    }

    fn close_stack(&mut self) {
        self.call = None;
        self.bare = None;
        self.creator = false;
        let Some(stack) = self.stack.take() else {
            return;
        };
        match self.section {
            Section::Access => {
                // Both sides stay apart, equal or not.
                let index = self.folded.stacks.len();
                self.folded.goroutines += 1;
                self.folded.stacks.push(stack);
                if let Some(access) = self.crash.accesses.last_mut() {
                    access.stack = index;
                }
            }
            Section::CreatedAt(goroutine) => {
                let Some(frame) = stack.frames.first() else {
                    return;
                };
                let creator = Creator {
                    function: frame.function.clone(),
                    file: frame.file.clone(),
                    line: frame.line,
                    goroutine: None,
                };
                for side in &mut self.folded.stacks {
                    if side.members.iter().any(|m| m.id == goroutine) {
                        side.created = Some(creator.clone());
                        side.state.clone_from(&stack.state);
                    }
                }
            }
            _ => {
                self.folded.add(stack);
            }
        }
    }

    /// The crash, as far as it goes. `cut` says that the log has ended.
    pub(crate) fn finish(mut self, cut: bool) -> (Crash, Option<String>) {
        self.crash.cut = cut
            && (self.call.is_some()
                || self.creator
                || self
                    .stack
                    .as_ref()
                    .is_some_and(|s| s.frames.is_empty() && !s.unavailable));
        if let Some((function, args)) = self.call.take() {
            self.frame(function, args, "", 0);
        }
        self.close_stack();
        self.crash.stacks = self.folded.stacks;
        self.crash.goroutines = self.folded.goroutines;
        self.crash.left_out = self.folded.left_out;
        self.crash.accesses.retain(|a| a.stack != usize::MAX);
        (self.crash, self.late)
    }
}

/// The start of a text, cut at a character.
fn cut(text: &str, max: usize) -> &str {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Whether a message is a crash by itself, without any stack.
pub(crate) fn stands_alone(text: &str) -> bool {
    messages::read(text).is_some()
}
