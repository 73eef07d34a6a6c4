//! `tophash explain`: the page of a rule.

use std::io::{self, ErrorKind, Write};

use tophash_config::nearest_rule;
use tophash_rules::{find, metas};

use crate::core::DAMAGED_MAP;
use crate::markdown;
use crate::output::{ColorFlag, Status};

/// Explain a rule
///
/// What goes wrong at run time, code that fails, the same code mended, and how far the
/// rule sees.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Its code or name: TH101, nil-map-write
    #[arg(value_name = "RULE")]
    rule: String,

    #[command(flatten)]
    color: ColorFlag,
}

/// Codes of which other commands tell, and the pages that say what they mean.
const ELSEWHERE: [(&str, &str, &str); 2] = [
    ("CR", "tophash crash", "docs/crash.md"),
    ("TH29", "tophash core", "docs/core.md"),
];

/// The page of what `tophash core` finds in maps.
const DAMAGED_MAP_PAGE: &str = include_str!("../pages/TH291.md");

/// What to say of a word that no rule has.
fn unknown(asked: &str) -> String {
    let code = asked.to_ascii_uppercase();
    let is_code = code.len() == 5 && code.ends_with(|c: char| c.is_ascii_digit());
    let mut elsewhere = ELSEWHERE.iter();
    if let Some((_, command, page)) = elsewhere.find(|(p, ..)| is_code && code.starts_with(p)) {
        let home = env!("CARGO_PKG_REPOSITORY");
        return format!("{code} is a finding of `{command}`: see {home}/blob/main/{page}");
    }
    let meant = match nearest_rule(asked, metas()) {
        Some(meta) => format!("did you mean {} ({})?", meta.code, meta.name),
        None => "`tophash rules` lists the rules".to_owned(),
    };
    format!("no rule is called {asked:?}: {meant}")
}

/// Longer lines are hard to read.
const MAX_WIDTH: usize = 88;

pub(crate) fn run(args: Args) -> io::Result<Status> {
    let asked = args.rule.trim();
    let home = env!("CARGO_PKG_REPOSITORY");
    let is_damaged_map = [DAMAGED_MAP.code, DAMAGED_MAP.name]
        .iter()
        .any(|name| name.eq_ignore_ascii_case(asked));
    let (page, last) = match find(asked) {
        Some(rule) => {
            let meta = &rule.meta;
            let on = if meta.default_on { "on" } else { "off" };
            let severity = meta.severity.as_str();
            let last = format!(
                "At most: {severity}. By default: {on}. Since tophash {}.\n{}",
                meta.since,
                rule.url()
            );
            (rule.page_text(), last)
        }
        None if is_damaged_map => {
            let last = format!(
                "Told by: tophash core. Since tophash {}.\n\
                 {home}/blob/main/crates/tophash/pages/{}.md",
                DAMAGED_MAP.since, DAMAGED_MAP.code
            );
            (DAMAGED_MAP_PAGE.to_owned(), last)
        }
        None => return Err(io::Error::new(ErrorKind::InvalidInput, unknown(asked))),
    };
    let terminal = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    let width = terminal.unwrap_or(MAX_WIDTH).min(MAX_WIDTH);
    let page = markdown::render(&page, width, args.color.on_stdout());
    let mut out = io::stdout().lock();
    out.write_all(page.as_bytes())?;
    writeln!(out, "\n{last}")?;
    Ok(Status::Clean)
}
