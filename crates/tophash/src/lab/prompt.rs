//! The interactive prompt.

use std::borrow::Cow;
use std::io;

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::MemHistory;
use rustyline::validate::Validator;
use rustyline::{Context, Editor, Helper};
use tophash_lab::text::LEGEND;
use tophash_lab::{COMMANDS, Next, SCENES};

use super::Lab;
use crate::output::{Status, complain};

/// Completes command names and scenes.
struct Names {
    color: bool,
}

impl Completer for Names {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let before = line.get(..position).unwrap_or_default();
        let start = before.rfind(';').map_or(0, |at| at + 1);
        let command = before.get(start..).unwrap_or_default();
        let start = start + command.len() - command.trim_start().len();
        let command = command.trim_start();
        if let Some(name) = command.strip_prefix("scene ") {
            let names = SCENES.iter().map(|scene| scene.name);
            let found = names.filter(|scene| scene.starts_with(name));
            return Ok((position - name.len(), found.map(str::to_owned).collect()));
        }
        if command.contains(' ') {
            return Ok((position, Vec::new()));
        }
        let names = COMMANDS.iter().map(|(name, ..)| *name);
        let found = names.filter(|name| name.starts_with(command));
        Ok((start, found.map(str::to_owned).collect()))
    }
}

impl Hinter for Names {
    type Hint = String;
}

impl Highlighter for Names {
    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, _: bool) -> Cow<'b, str> {
        if self.color {
            let style = anstyle::Style::new().bold();
            Cow::Owned(format!("{style}{prompt}{style:#}"))
        } else {
            Cow::Borrowed(prompt)
        }
    }
}

impl Validator for Names {}
impl Helper for Names {}

fn failed(error: ReadlineError) -> io::Error {
    match error {
        ReadlineError::Io(error) => error,
        error => io::Error::other(error.to_string()),
    }
}

/// Asks for commands until there are no more. A mistake is told, and the next line asked for.
pub(super) fn run(lab: &mut Lab) -> io::Result<Status> {
    let config = rustyline::Config::default();
    let mut editor: Editor<Names, MemHistory> =
        Editor::with_history(config, MemHistory::new()).map_err(failed)?;
    editor.set_helper(Some(Names {
        color: lab.look.color,
    }));
    lab.write(&format!(
        "Go's map, step by step. `put a 1` puts an entry, `scenes` lists what there is to see,\n\
         `help` lists all commands, Ctrl-D ends.\n{LEGEND}\n\n"
    ))?;
    loop {
        let line = match editor.readline(&format!("{}> ", lab.session.title())) {
            Ok(line) => line,
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => return Ok(Status::Clean),
            Err(error) => return Err(failed(error)),
        };
        if line.trim().is_empty() {
            continue;
        }
        let _ = editor.add_history_entry(&line);
        lab.look.width = super::width();
        let script = tophash_lab::parse("line", &line);
        lab.echo = script.statements.len() != 1 || script.statements[0].text.starts_with("scene ");
        for statement in &script.statements {
            match lab.step(statement, 0)? {
                Ok(Next::Quit) => return Ok(Status::Clean),
                Ok(_) => {}
                Err(message) => {
                    complain(&message);
                    break;
                }
            }
        }
        if let Some(error) = &script.error {
            complain(&error.message);
        }
    }
}
