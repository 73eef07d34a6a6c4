//! What was measured, as tables for docs/size.md.

use std::fmt::Write;

use crate::TOLERANCE;
use crate::measure::{Comparison, TYPES};

/// The numbers of entries that have a column.
const COLUMNS: [u64; 8] = [1, 9, 100, 1_000, 10_000, 100_000, 1_000_000, 5_000_000];

/// A summary of all comparisons, and one table per build of maps made without a hint.
pub(crate) fn markdown(all: &[(String, Vec<Comparison>)]) -> String {
    let mut text = String::new();
    summary(all, &mut text);
    for (name, comparisons) in all {
        let _ = writeln!(text, "\n### Go {name}\n");
        let _ = write!(text, "| type |");
        for n in COLUMNS {
            let _ = write!(text, " {n} |");
        }
        let _ = writeln!(text, "\n|---|{}", "---:|".repeat(COLUMNS.len()));
        for (ty, _) in TYPES {
            let of_type = |c: &&Comparison| c.question.ty == ty && c.question.hint.is_none();
            let row: Vec<&Comparison> = comparisons.iter().filter(of_type).collect();
            let _ = write!(text, "| `{ty}` |");
            for n in COLUMNS {
                match row.iter().find(|c| c.question.entries == n) {
                    Some(c) => {
                        let (model, live) = (c.model.bytes(), c.live);
                        let part = percent(c.difference());
                        let _ = write!(text, " {model:.0}<br>{live:.0}<br>{part} |");
                    }
                    None => text.push_str(" |"),
                }
            }
            text.push('\n');
        }
    }
    text
}

fn summary(all: &[(String, Vec<Comparison>)], text: &mut String) {
    text.push_str(
        "| Go | maps measured | beyond 1 % and chance | largest difference in use | at | \
         largest difference allocated | at |\n|---|---:|---:|---:|---|---:|---|\n",
    );
    for (name, comparisons) in all {
        let beyond = comparisons.iter().filter(|c| !c.agrees(TOLERANCE)).count();
        let worst = |by: &dyn Fn(&Comparison) -> f64| {
            let worst = comparisons
                .iter()
                .max_by(|a, b| by(a).abs().total_cmp(&by(b).abs()));
            worst.map_or(String::new(), |c| {
                format!("{} | {}", percent(by(c)), place(c))
            })
        };
        let _ = writeln!(
            text,
            "| {name} | {} | {beyond} | {} | {} |",
            comparisons.len(),
            worst(&Comparison::difference),
            worst(&Comparison::allocated_difference),
        );
    }
}

fn place(c: &Comparison) -> String {
    let hint = c.question.hint;
    let hint = hint.map_or(String::new(), |hint| format!(", hint {hint}"));
    format!("`{}`, {}{hint}", c.question.ty, c.question.entries)
}

fn percent(part: f64) -> String {
    match 100.0 * part {
        small if small.abs() < 0.005 => "0.00 %".to_owned(),
        percent => format!("{percent:+.2} %"),
    }
}
