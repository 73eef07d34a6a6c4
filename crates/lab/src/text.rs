//! Frames as text for a terminal.

use std::borrow::Cow;
use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::picture::{Cell, Mark, Part, Picture, Row, State};
use crate::race::{EndingView, Kind, RaceView};
use crate::session::Frame;

/// How to draw.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Whether to colour.
    pub color: bool,
    /// Columns of the terminal.
    pub width: usize,
}

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const RED: Style = AnsiColor::Red.on_default();
const GREEN: Style = AnsiColor::Green.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const CYAN: Style = AnsiColor::Cyan.on_default();
const FAILURE: Style = AnsiColor::Red.on_default().bold();

/// Columns before the cells of a row.
const NAME: usize = 13;
/// Narrowest and widest cell.
const CELL: std::ops::RangeInclusive<usize> = 7..=15;
/// Narrowest terminal that is drawn for; a narrower one wraps.
const MIN_WIDTH: usize = 30;

/// What the marks in drawings mean.
pub const LEGEND: &str =
    "+ new  > moved  ~ changed  - gone  = the key asked for  ' visited by the loop";

struct Page {
    look: Look,
    out: String,
}

/// A frame as lines of text.
#[must_use]
pub fn render(frame: &Frame, look: Look) -> String {
    let mut page = Page {
        look: Look {
            width: look.width.max(MIN_WIDTH),
            ..look
        },
        out: String::new(),
    };
    page.frame(frame);
    page.out
}

/// Comments at the end of a script.
#[must_use]
pub fn render_remarks(remarks: &[String], look: Look) -> String {
    let mut page = Page {
        look,
        out: String::new(),
    };
    page.remarks(remarks);
    page.out
}

impl Page {
    fn paint(&self, style: Style, text: &str) -> String {
        if self.look.color && !text.is_empty() {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }

    fn line(&mut self, text: &str) {
        self.out.push_str(text.trim_end());
        self.out.push('\n');
    }

    /// A paragraph, broken at spaces; lines after the first are indented by two more.
    fn paragraph(&mut self, indent: &str, text: &str, style: Style) {
        let mut first = true;
        let text = plain(text);
        for line in wrap(&text, self.look.width.saturating_sub(indent.width() + 2)) {
            let painted = self.paint(style, &line);
            let more = if first { "" } else { "  " };
            self.line(&format!("{indent}{more}{painted}"));
            first = false;
        }
    }

    fn remarks(&mut self, remarks: &[String]) {
        if !remarks.is_empty() {
            let text = plain(&remarks.join(" ")).into_owned();
            for line in wrap(&text, self.look.width.saturating_sub(2)) {
                let painted = self.paint(DIM, &format!("# {line}"));
                self.line(&painted);
            }
        }
    }

    fn frame(&mut self, frame: &Frame) {
        self.remarks(&frame.remarks);
        if !frame.command.is_empty() {
            let command = self.paint(BOLD, &plain(&frame.command));
            self.line(&format!("› {command}"));
        }
        if let Some(failure) = &frame.failure {
            self.paragraph("  ", failure, FAILURE);
        }
        if let Some(result) = &frame.result {
            self.paragraph("  = ", result, Style::new());
        }
        for sentence in &frame.sentences {
            self.paragraph("  ", sentence, Style::new());
        }
        if let Some(race) = &frame.race {
            self.race(race);
        }
        if let Some(picture) = &frame.picture {
            self.picture(picture, &frame.title);
        }
        self.out.push('\n');
    }

    fn picture(&mut self, picture: &Picture, title: &str) {
        let mut header = title.to_owned();
        for (name, value) in &picture.header {
            let _ = write!(header, " · {name} {value}");
        }
        self.paragraph("  ", &header, CYAN);
        for part in &picture.parts {
            self.part(part);
        }
    }

    fn part(&mut self, part: &Part) {
        self.paragraph("  ", &part.title, BOLD);
        let space = self.look.width.saturating_sub(2 + NAME);
        let per_line = [8, 4, 2]
            .into_iter()
            .find(|n| space / n > *CELL.start())
            .unwrap_or(1);
        let cell = (space / per_line)
            .saturating_sub(1)
            .clamp(*CELL.start(), *CELL.end());
        for row in &part.rows {
            self.row(row, per_line, cell);
        }
        if !part.loads.is_empty() {
            let loads: String = part
                .loads
                .iter()
                .map(|&n| match n {
                    0 => '·',
                    1..=9 => char::from_digit(n, 10).unwrap_or('?'),
                    _ => '+',
                })
                .collect();
            self.paragraph("  entries of each: ", "", Style::new());
            let chars: Vec<char> = loads.chars().collect();
            for chunk in chars.chunks(self.look.width.saturating_sub(4).max(8)) {
                let text: String = chunk.iter().collect();
                let painted = self.paint(DIM, &text);
                self.line(&format!("    {painted}"));
            }
        }
        if let Some(left_out) = &part.left_out {
            self.paragraph("  ", left_out, DIM);
        }
    }

    fn row(&mut self, row: &Row, per_line: usize, width: usize) {
        let name = fit(&row.name, NAME - 1);
        if row.cells.is_empty() {
            let note = self.paint(DIM, &row.note);
            self.line(&format!("  {name} {note}"));
            return;
        }
        for (i, cells) in row.cells.chunks(per_line).enumerate() {
            let bytes: Vec<String> = cells
                .iter()
                .map(|cell| {
                    let text = format!("{:02x}{}", cell.byte, sign(cell));
                    self.paint(style_of(cell), &fit(&text, width))
                })
                .collect();
            let entries: Vec<String> = cells
                .iter()
                .map(|cell| {
                    let text = match (cell.state, cell.elem.is_empty()) {
                        (State::Full, false) => format!("{}:{}", cell.key, cell.elem),
                        _ => cell.key.clone(),
                    };
                    self.paint(style_of(cell), &fit(&text, width))
                })
                .collect();
            let (first, second) = if i == 0 {
                (name.clone(), fit(&row.note, NAME - 1))
            } else {
                (fit("", NAME - 1), fit("", NAME - 1))
            };
            let second = self.paint(DIM, &second);
            let bar = self.paint(DIM, "│");
            self.line(&format!("  {first} {}", joined(&bytes, &bar)));
            self.line(&format!("  {second} {}", joined(&entries, &bar)));
        }
    }

    fn race(&mut self, race: &RaceView) {
        for (i, goroutine) in race.goroutines.iter().enumerate() {
            self.paragraph(
                "  ",
                &format!("goroutine {}: {goroutine}", i + 1),
                Style::new(),
            );
        }
        self.paragraph("  ", &race.extent, Style::new());
        self.out.push('\n');
        for (i, ending) in race.endings.iter().enumerate() {
            let states = if ending.states == 1 {
                "state"
            } else {
                "states"
            };
            let text = format!(
                "{}. {} ({} final {states})",
                i + 1,
                ending.text,
                ending.states
            );
            self.paragraph("  ", &text, style_of_ending(ending.kind));
        }
        for (i, ending) in race.endings.iter().enumerate() {
            if ending.kind != Kind::Fine {
                self.out.push('\n');
                self.schedule(i + 1, ending, race.goroutines.len());
            }
        }
        self.out.push('\n');
        for odds in &race.odds {
            let text = format!(
                "{} random runs, another goroutine taking over after 1 access in {}: {} fine, {} silently wrong, {} dead, {} wild",
                odds.runs, odds.switch, odds.fine, odds.silent, odds.dies, odds.wild
            );
            self.paragraph("  ", &text, Style::new());
        }
        self.paragraph("  ", &race.moral, BOLD);
    }

    /// Columns of steps, one for each goroutine.
    fn schedule(&mut self, number: usize, ending: &EndingView, goroutines: usize) {
        let style = style_of_ending(ending.kind);
        self.paragraph("  ", &format!("to ending {number}:"), style);
        let column = (self.look.width.saturating_sub(6) / goroutines.max(1))
            .saturating_sub(3)
            .max(12);
        let bar = self.paint(DIM, "│");
        let put = |page: &mut Self, goroutine: usize, text: &str, style: Style, number: &str| {
            for (i, line) in wrap(text, column).into_iter().enumerate() {
                let mut cells = vec![fit("", column); goroutines];
                if let Some(cell) = cells.get_mut(goroutine) {
                    *cell = page.paint(style, &fit(&line, column));
                }
                let label = if i == 0 { number } else { "" };
                page.line(&format!("  {label:>3} {}", joined(&cells, &bar)));
            }
        };
        let heads: Vec<String> = (1..=goroutines)
            .map(|n| fit(&format!("goroutine {n}"), column))
            .collect();
        self.line(&format!("      {}", joined(&heads, &bar)));
        for (i, access) in ending.schedule.iter().enumerate() {
            if let Some(begins) = &access.begins {
                put(self, access.goroutine, begins, BOLD, "");
            }
            put(
                self,
                access.goroutine,
                access.what,
                Style::new(),
                &(i + 1).to_string(),
            );
        }
        self.paragraph("      ", &format!("→ {}", ending.text), style);
    }
}

fn joined(cells: &[String], bar: &str) -> String {
    cells.join(bar)
}

fn sign(cell: &Cell) -> String {
    let mark = match cell.mark {
        Mark::None => "",
        Mark::New => " +",
        Mark::Moved => " >",
        Mark::Changed => " ~",
        Mark::Gone => " -",
        Mark::Found => " =",
    };
    let seen = if cell.seen { " '" } else { "" };
    format!("{mark}{seen}")
}

fn style_of(cell: &Cell) -> Style {
    match (cell.mark, cell.state) {
        (Mark::New, _) => GREEN,
        (Mark::Moved, _) => CYAN,
        (Mark::Changed, _) => YELLOW,
        (Mark::Gone, _) => RED,
        (Mark::Found, _) => BOLD,
        (Mark::None, State::Full) => Style::new(),
        (Mark::None, State::Tombstone) => RED,
        (Mark::None, _) => DIM,
    }
}

fn style_of_ending(kind: Kind) -> Style {
    match kind {
        Kind::Fine => GREEN,
        Kind::Silent => YELLOW,
        Kind::Dies => RED,
        Kind::Wild => FAILURE,
    }
}

/// A text without control characters: what a script holds must not work the terminal.
fn plain(text: &str) -> Cow<'_, str> {
    if text.chars().any(char::is_control) {
        text.chars()
            .map(|c| if c.is_control() { '\u{fffd}' } else { c })
            .collect::<String>()
            .into()
    } else {
        text.into()
    }
}

/// Cut and padded to a width.
fn fit(text: &str, width: usize) -> String {
    let mut out = String::new();
    let mut used = 0;
    let cut = text.width() > width;
    let limit = if cut { width.saturating_sub(1) } else { width };
    for c in text.chars() {
        let w = c.width().unwrap_or(0);
        if used + w > limit {
            break;
        }
        used += w;
        out.push(c);
    }
    if cut {
        out.push('…');
        used += 1;
    }
    out.extend(std::iter::repeat_n(' ', width.saturating_sub(used)));
    out
}

/// Lines of a text, broken at spaces where they are longer than `width`.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(8);
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for (i, word) in text.split(' ').enumerate() {
        let mut w = word.width();
        if i > 0 && used > 0 && used + 1 + w > width {
            lines.push(std::mem::take(&mut line));
            used = 0;
        } else if i > 0 {
            line.push(' ');
            used += 1;
        }
        let mut word = word;
        while w > width {
            let at = word
                .char_indices()
                .scan(0, |sum, (at, c)| {
                    *sum += c.width().unwrap_or(0);
                    Some((at, *sum))
                })
                .find(|(_, sum)| *sum > width)
                .map_or(word.len(), |(at, _)| at);
            let (head, tail) = word.split_at(at.max(1).min(word.len()));
            line.push_str(head);
            lines.push(std::mem::take(&mut line));
            used = 0;
            word = tail;
            w = word.width();
        }
        line.push_str(word);
        used += w;
    }
    lines.push(line);
    lines
}
