//! The same as the page, in the terminal.

use std::io;
use std::time::Duration;

use ratatui::Frame;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Block, Borders, Cell, Paragraph, Row, Sparkline, Table, Wrap};
use tophash_finding::Severity;
use tophash_watch::board::{Snapshot, Standing, View};
use tophash_watch::breaker::State;
use tophash_watch::words::{bytes, grouped};

use super::narrate::time;

/// How long a key is waited for before the picture is drawn anew.
const TICK: Duration = Duration::from_millis(250);

/// Points of the curve of a target's map memory.
const POINTS: usize = 200;

/// What the reader has chosen.
#[derive(Default)]
struct Chosen {
    target: usize,
    /// Findings scrolled past.
    finding: usize,
    /// Map memory of each target, as it was seen.
    curves: Vec<Vec<u64>>,
}

/// Draws until `over`, or until q.
pub(super) fn show(
    page: &str,
    over: &dyn Fn() -> bool,
    snapshot: &dyn Fn() -> Snapshot,
) -> io::Result<()> {
    let mut terminal = ratatui::try_init()?;
    let mut chosen = Chosen::default();
    let mut run = || -> io::Result<()> {
        while !over() {
            let snapshot = snapshot();
            chosen.note(&snapshot);
            terminal.draw(|frame| draw(frame, page, &snapshot, &chosen))?;
            if event::poll(TICK)?
                && let Event::Key(key) = event::read()?
                && key.kind == KeyEventKind::Press
            {
                let control = key.modifiers.contains(KeyModifiers::CONTROL);
                match key.code {
                    KeyCode::Char('q') | KeyCode::Esc => return Ok(()),
                    KeyCode::Char('c') if control => return Ok(()),
                    KeyCode::Down | KeyCode::Char('j') => chosen.step(&snapshot, true),
                    KeyCode::Up | KeyCode::Char('k') => chosen.step(&snapshot, false),
                    KeyCode::PageDown => chosen.finding += 1,
                    KeyCode::PageUp => chosen.finding = chosen.finding.saturating_sub(1),
                    _ => {}
                }
            }
        }
        Ok(())
    };
    let result = run();
    ratatui::restore();
    result
}

impl Chosen {
    fn step(&mut self, snapshot: &Snapshot, down: bool) {
        let last = snapshot.targets.len().saturating_sub(1);
        self.target = match down {
            true => (self.target + 1).min(last),
            false => self.target.saturating_sub(1),
        };
    }

    fn note(&mut self, snapshot: &Snapshot) {
        self.curves.resize_with(snapshot.targets.len(), Vec::new);
        for (curve, view) in self.curves.iter_mut().zip(&snapshot.targets) {
            let Some(maps) = view.map_bytes else { continue };
            curve.push(maps as u64);
            if curve.len() > POINTS {
                curve.remove(0);
            }
        }
    }
}

fn draw(frame: &mut Frame<'_>, page: &str, snapshot: &Snapshot, chosen: &Chosen) {
    let rows = u16::try_from(snapshot.targets.len()).unwrap_or(u16::MAX);
    let targets = Constraint::Length(rows.saturating_add(3).min(frame.area().height / 3));
    let parts = Layout::vertical([
        targets,
        Constraint::Fill(2),
        Constraint::Fill(2),
        Constraint::Length(1),
    ]);
    let [top, middle, bottom, foot] = parts.areas(frame.area());
    draw_targets(frame, top, snapshot, chosen);
    draw_findings(frame, middle, &snapshot.findings, chosen);
    if let Some(view) = snapshot.targets.get(chosen.target) {
        draw_sites(frame, bottom, view, chosen.curves.get(chosen.target));
    }
    let mut line = vec![Span::raw(format!(
        " {}  page {page}  up/down target, page up/down findings, q end ",
        time(snapshot.now)
    ))];
    line.extend(
        snapshot
            .troubles
            .iter()
            .map(|trouble| Span::styled(trouble.clone(), Style::new().fg(Color::Red))),
    );
    frame.render_widget(Paragraph::new(Line::from(line)), foot);
}

fn draw_targets(frame: &mut Frame<'_>, area: Rect, snapshot: &Snapshot, chosen: &Chosen) {
    let rows = snapshot.targets.iter().enumerate().map(|(index, view)| {
        let number = |value: Option<u64>| value.map(grouped).unwrap_or_default();
        let heap = view.heap.map(|heap| bytes(heap.live_bytes as f64));
        let colour = match view.breaker {
            State::Closed => Color::Green,
            State::Degraded | State::HalfOpen => Color::Yellow,
            State::Open => Color::Red,
        };
        let row = Row::new([
            Cell::new(view.service.clone()),
            Cell::new(view.breaker.as_str()).style(Style::new().fg(colour)),
            Cell::new(heap.unwrap_or_default()),
            Cell::new(view.map_bytes.map(bytes).unwrap_or_default()),
            Cell::new(number(view.goroutines)),
            Cell::new(number(view.waiting)),
            Cell::new(view.error.clone().unwrap_or_else(|| view.target.clone())),
        ]);
        match index == chosen.target {
            true => row.style(Style::new().add_modifier(Modifier::REVERSED)),
            false => row,
        }
    });
    let widths = [
        Constraint::Fill(1),
        Constraint::Length(9),
        Constraint::Length(8),
        Constraint::Length(8),
        Constraint::Length(10),
        Constraint::Length(8),
        Constraint::Fill(3),
    ];
    let head = [
        "service",
        "breaker",
        "heap",
        "in maps",
        "goroutines",
        "at locks",
        "",
    ];
    let table = Table::new(rows, widths)
        .header(Row::new(head).style(Style::new().add_modifier(Modifier::BOLD)))
        .block(Block::new().borders(Borders::TOP).title(" targets "));
    // The chosen one stays in sight.
    let mut state = ratatui::widgets::TableState::new().with_selected(chosen.target);
    frame.render_stateful_widget(table, area, &mut state);
}

fn draw_findings(frame: &mut Frame<'_>, area: Rect, findings: &[Standing], chosen: &Chosen) {
    let mut text = Text::default();
    if findings.is_empty() {
        text.push_line(Line::raw("Nothing was found so far."));
    }
    let skip = chosen.finding.min(findings.len().saturating_sub(1));
    for standing in findings.iter().skip(skip).take(usize::from(area.height)) {
        let finding = &standing.finding;
        let colour = match finding.severity {
            _ if !standing.active => Color::DarkGray,
            Severity::Error => Color::Red,
            Severity::Warning => Color::Yellow,
            Severity::Note => Color::Green,
        };
        let when = match standing.active {
            true => format!("since {}", time(standing.first)),
            false => format!("until {}", time(standing.last)),
        };
        text.push_line(Line::from(vec![
            Span::styled(
                format!("{} {} ", finding.code, standing.service),
                Style::new().fg(colour).add_modifier(Modifier::BOLD),
            ),
            Span::raw(finding.message.clone()),
            Span::styled(format!(" ({when})"), Style::new().fg(Color::DarkGray)),
        ]));
        for step in &finding.evidence {
            let place = format!("    {}:{}: ", step.place.file, step.place.line);
            text.push_line(Line::from(vec![
                Span::styled(place, Style::new().fg(Color::DarkGray)),
                Span::raw(step.message.clone()),
            ]));
        }
    }
    let block = Block::new().borders(Borders::TOP).title(" findings ");
    let paragraph = Paragraph::new(text).wrap(Wrap { trim: false }).block(block);
    frame.render_widget(paragraph, area);
}

fn draw_sites(frame: &mut Frame<'_>, area: Rect, view: &View, curve: Option<&Vec<u64>>) {
    let [curve_area, list] =
        Layout::vertical([Constraint::Length(5), Constraint::Fill(1)]).areas(area);
    let title = format!(" map memory of {} ", view.service);
    let data = curve.map(Vec::as_slice).unwrap_or_default();
    let start = data.len().saturating_sub(usize::from(curve_area.width));
    let block = Block::new().borders(Borders::TOP).title(title);
    frame.render_widget(
        Sparkline::default().block(block).data(&data[start..]),
        curve_area,
    );
    let sites = view.sites.iter().map(|site| {
        Row::new([
            bytes(site.live_bytes),
            site.spot.short(),
            site.spot.short_function().to_owned(),
        ])
    });
    let tables = view.tables.iter().map(|table| {
        let name = match table.holder.as_str() {
            "" => format!("{:#x}", table.address),
            holder => holder.to_owned(),
        };
        let busy = format!("written in {:.0} % of looks", 100.0 * table.busy);
        Row::new([bytes(table.bytes as f64), name, busy])
    });
    let widths = [
        Constraint::Length(8),
        Constraint::Fill(1),
        Constraint::Fill(1),
    ];
    frame.render_widget(Table::new(sites.chain(tables), widths), list);
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use tophash_finding::{Evidence, Finding, Place};
    use tophash_watch::clock::Time;
    use tophash_watch::model::{HeapFigures, Site, Spot};

    use super::*;

    fn snapshot() -> Snapshot {
        let mut view = View::new("shop", "http://shop:6060");
        view.heap = Some(HeapFigures {
            live_bytes: 86_000_000,
            ..HeapFigures::default()
        });
        view.map_bytes = Some(32e6);
        view.goroutines = Some(1_043);
        view.sites = vec![Site {
            spot: Spot {
                function: "example.com/shop/cache.(*Cache).Set".into(),
                file: "/src/shop/cache/cache.go".into(),
                line: 31,
            },
            live_bytes: 17e6,
            ..Site::default()
        }];
        let place = Place::new("/src/shop/cache/cache.go", (31, 1), (31, 1));
        let finding = Finding {
            code: "WA501".into(),
            name: "map-memory-climbing".into(),
            severity: Severity::Warning,
            message: "maps filled in cache.(*Cache).Set take more and more memory".into(),
            place: place.clone(),
            function: None,
            map: None,
            evidence: vec![Evidence {
                place,
                function: None,
                message: "17 MB live".into(),
            }],
            fixes: Vec::new(),
            fingerprint: String::new(),
        };
        Snapshot {
            now: Time(45_296_000),
            targets: vec![view],
            findings: vec![Standing {
                service: "shop".into(),
                target: "http://shop:6060".into(),
                key: String::new(),
                finding,
                first: Time(45_000_000),
                last: Time(45_296_000),
                times: 1,
                active: true,
            }],
            failures: Vec::new(),
            crashes: std::collections::BTreeMap::new(),
            troubles: Vec::new(),
        }
    }

    #[test]
    fn a_screen() {
        let mut chosen = Chosen::default();
        chosen.note(&snapshot());
        let mut terminal = Terminal::new(TestBackend::new(90, 22)).unwrap();
        let page = "http://127.0.0.1:9877/";
        terminal
            .draw(|frame| draw(frame, page, &snapshot(), &chosen))
            .unwrap();
        insta::assert_snapshot!(terminal.backend());
    }

    /// Whatever the terminal's size.
    #[test]
    fn small_screens() {
        for (width, height) in [(1, 1), (5, 3), (20, 6), (300, 2)] {
            let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
            let chosen = Chosen {
                finding: 7,
                target: 3,
                ..Chosen::default()
            };
            terminal
                .draw(|frame| draw(frame, "", &snapshot(), &chosen))
                .unwrap();
        }
    }
}
