//! `tophash lab`: a place to watch a Go map work.

mod prompt;

use std::io::{self, BufWriter, IsTerminal, Read, Write};
use std::path::PathBuf;

use tophash_lab::text::{Look, render, render_remarks};
use tophash_lab::{Frame, Next, Script, Session, Setup, Statement};

use crate::output::{ColorFlag, Status, complain};

/// Watch a Go map work, step by step
///
/// Runs commands on a model of the runtime's map, which is exact to the byte, draws
/// buckets or groups after each, and says what the runtime did and why. Without a
/// script it asks for commands; `help` lists them.
///
/// Exit status: 0 if the script ran to its end, 2 if it has a mistake; the steps before
/// it are still shown.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  tophash lab                                 ask for commands
  tophash lab -e 'fill 8; put a 1; grow?'     nine entries in a map[string]int
  tophash lab --scene growth --go 1.23        how a classic map grows
  tophash lab walk.lab --html walk.html       a page to step through")]
pub(crate) struct Args {
    /// File with a command on each line, or several joined by `;`; `-` is standard input
    #[arg(value_name = "FILE", conflicts_with_all = ["expression", "scene"])]
    file: Option<PathBuf>,

    /// Run these commands
    #[arg(short, long, value_name = "COMMANDS", conflicts_with = "scene")]
    expression: Option<String>,

    /// Play a ready-made scene
    #[arg(long, value_name = "NAME")]
    scene: Option<String>,

    /// List the ready-made scenes
    #[arg(long)]
    scenes: bool,

    /// Go version whose map it is: 1.21 to 1.27, 1.24-noswissmap, 1.25-noswissmap
    /// [default: 1.27, or what the scene needs]
    #[arg(long, value_name = "VERSION", value_parser = parse_build)]
    go: Option<tophash_runtime::Build>,

    /// What all random values come from: hash keys, seeds, starts of iterations
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,

    /// Write a page in which the script can be stepped, instead of text; of a session at the
    /// prompt, a page of all its steps at the end
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,

    /// Columns to draw for [default: those of the terminal, or 100]
    #[arg(long, value_name = "COLUMNS")]
    width: Option<usize>,

    #[command(flatten)]
    color: ColorFlag,
}

fn parse_build(text: &str) -> Result<tophash_runtime::Build, String> {
    tophash_lab::build(text, "")
}

/// Columns where there is no terminal to ask.
const DEFAULT_WIDTH: usize = 100;

/// Steps that a page can hold.
const MAX_PAGE: usize = 1000;

/// How deep scenes may play scenes.
const MAX_DEPTH: usize = 2;

struct Lab {
    session: Session,
    look: Look,
    /// Where text goes, if it is asked for.
    out: Option<Box<dyn Write>>,
    /// The steps of the page, if there is to be one.
    page: Option<Vec<Frame>>,
    /// Whether text repeats the command, which a prompt already shows.
    echo: bool,
}

pub(crate) fn run(args: Args) -> io::Result<Status> {
    if args.scenes {
        let mut out = io::stdout().lock();
        for line in tophash_lab::list_scenes() {
            writeln!(out, "{line}")?;
        }
        return Ok(Status::Clean);
    }
    let wrong = |message: String| io::Error::new(io::ErrorKind::InvalidInput, message);
    let scene = args
        .scene
        .as_deref()
        .map(tophash_lab::find_scene)
        .transpose()
        .map_err(wrong)?;
    let build = args.go.unwrap_or_else(|| {
        scene.map_or_else(
            || tophash_runtime::Build::of(tophash_runtime::GoVersion::LATEST),
            tophash_lab::default_build,
        )
    });
    let look = Look {
        color: args.color.on_stdout(),
        width: args.width.unwrap_or_else(width),
    };
    let mut lab = Lab {
        session: Session::new(Setup {
            build,
            seed: args.seed,
        }),
        look,
        out: None,
        page: args.html.is_some().then(Vec::new),
        echo: true,
    };
    let (name, text) = match (&args.expression, scene, &args.file) {
        (Some(text), ..) => ("-e".to_owned(), text.clone()),
        (None, Some(scene), _) => (
            format!("scene {}", scene.name),
            tophash_lab::scene_script(scene.name, build)
                .map_err(wrong)?
                .to_owned(),
        ),
        (None, None, Some(file)) if file.as_os_str() != "-" => {
            let name = file.display().to_string();
            let bytes = std::fs::read(file).map_err(|error| named(&name, &error))?;
            (name, String::from_utf8_lossy(&bytes).into_owned())
        }
        (None, None, None) if io::stdin().is_terminal() => {
            lab.print();
            let status = prompt::run(&mut lab)?;
            lab.finish(args.html.as_deref())?;
            return Ok(status);
        }
        (None, None, _) => {
            let mut bytes = Vec::new();
            io::stdin().lock().read_to_end(&mut bytes)?;
            (
                "<stdin>".to_owned(),
                String::from_utf8_lossy(&bytes).into_owned(),
            )
        }
    };
    if args.html.is_none() {
        lab.print();
    }
    let script = tophash_lab::parse(&name, &text);
    let ended = lab.play(&name, &script, 0)?;
    lab.finish(args.html.as_deref())?;
    Ok(match ended {
        Ended::Well => Status::Clean,
        Ended::Wrong(message) => {
            complain(&message);
            Status::Failed
        }
    })
}

fn named(name: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{name}: {error}"))
}

fn width() -> usize {
    terminal_size::terminal_size().map_or(DEFAULT_WIDTH, |(width, _)| usize::from(width.0))
}

/// How a script ended.
enum Ended {
    Well,
    Wrong(String),
}

impl Lab {
    /// Writes text to standard output from now on.
    fn print(&mut self) {
        self.out = Some(Box::new(BufWriter::new(io::stdout())));
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        match &mut self.out {
            Some(out) => {
                out.write_all(text.as_bytes())?;
                out.flush()
            }
            None => Ok(()),
        }
    }

    fn show(&mut self, mut frame: Frame) -> io::Result<()> {
        if let Some(page) = &mut self.page {
            page.push(frame.clone());
        }
        if !self.echo {
            frame.command.clear();
        }
        self.write(&render(&frame, self.look))
    }

    fn is_page_full(&self) -> bool {
        self.page
            .as_ref()
            .is_some_and(|page| page.len() >= MAX_PAGE)
    }

    /// Runs a statement and shows what it comes to.
    fn step(&mut self, statement: &Statement, depth: usize) -> io::Result<Result<Next, String>> {
        if self.is_page_full() {
            return Ok(Err(format!("a page holds at most {MAX_PAGE} steps")));
        }
        let (mut frame, next) = match self.session.run(&statement.command) {
            Ok(done) => done,
            Err(message) => return Ok(Err(message)),
        };
        frame.command.clone_from(&statement.text);
        frame.remarks.clone_from(&statement.remarks);
        match next {
            Next::Quit => Ok(Ok(Next::Quit)),
            Next::Go => {
                self.show(frame)?;
                Ok(Ok(Next::Go))
            }
            Next::Scene(_) if depth >= MAX_DEPTH => {
                Ok(Err("scenes are nested too deep".to_owned()))
            }
            Next::Scene(text) => {
                let script = tophash_lab::parse(&statement.text, text);
                Ok(match self.play(&statement.text, &script, depth + 1)? {
                    Ended::Well => Ok(Next::Go),
                    Ended::Wrong(message) => Err(message),
                })
            }
        }
    }

    /// Runs a script up to its first mistake.
    fn play(&mut self, name: &str, script: &Script, depth: usize) -> io::Result<Ended> {
        for statement in &script.statements {
            match self.step(statement, depth)? {
                Ok(Next::Quit) => return Ok(Ended::Well),
                Ok(_) => {}
                Err(message) => {
                    return Ok(Ended::Wrong(format!(
                        "{name}:{}: {message}",
                        statement.line
                    )));
                }
            }
        }
        if let Some(error) = &script.error {
            return Ok(Ended::Wrong(error.to_string()));
        }
        if let Some(page) = &mut self.page
            && !script.remarks.is_empty()
        {
            page.push(Frame {
                remarks: script.remarks.clone(),
                title: self.session.title(),
                ..Frame::default()
            });
        }
        self.write(&render_remarks(&script.remarks, self.look))?;
        Ok(Ended::Well)
    }

    /// Writes the page, if there is to be one.
    fn finish(&mut self, html: Option<&std::path::Path>) -> io::Result<()> {
        let (Some(path), Some(frames)) = (html, &self.page) else {
            return Ok(());
        };
        let page = tophash_lab::html::page(frames)?;
        std::fs::write(path, page).map_err(|error| named(&path.display().to_string(), &error))
    }
}
