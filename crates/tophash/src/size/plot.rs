//! Bytes per entry over the number of entries, as an SVG drawing.

use tophash_runtime::footprint::Footprint;
use tophash_runtime::{Build, GoVersion, Implementation, MapType};

use super::numbers::grouped;
use super::report::{CURVE_END, Question};
use super::{build_name, map_name};

/// Where the horizontal axis begins: below, the header outweighs the entries.
const FIRST: u64 = 8;

/// The least that the axis goes to.
const SHORTEST: u64 = 1_000;

/// Points along a line.
const POINTS: u32 = 600;

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 700.0;
const LEFT: f64 = 72.0;
const RIGHT: f64 = 916.0;

/// A line of the drawing.
struct Line {
    name: String,
    color: &'static str,
    dashed: bool,
    /// Footprints at each of the numbers of entries.
    footprints: Vec<Footprint>,
}

/// One of the two diagrams, one above the other.
struct Panel {
    title: &'static str,
    top: f64,
    bottom: f64,
    value: fn(&Footprint) -> f64,
}

const PANELS: [Panel; 2] = [
    Panel {
        title: "in use, bytes per entry",
        top: 134.0,
        bottom: 376.0,
        value: |f| f.bytes() / f.entries as f64,
    },
    Panel {
        title: "allocated while filling, bytes per entry",
        top: 432.0,
        bottom: 640.0,
        value: |f| f.allocated_bytes / f.entries as f64,
    },
];

/// Draws the map that was asked for, without and with a hint, beside a map of the other kind.
pub(super) fn svg(question: &Question) -> String {
    let asked = question.entries.unwrap_or(CURVE_END);
    let end = asked.max(SHORTEST).min(question.most).max(2 * FIRST);
    let map_type = &question.map_type;
    let counts = counts(end);
    let lines = lines(question, &counts);
    let mut svg = String::new();
    let mut add = |text: String| {
        svg.push_str(&text);
        svg.push('\n');
    };
    add(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"system-ui, 'Helvetica Neue', 'DejaVu Sans', sans-serif\" font-size=\"13\" \
         fill=\"#1f2933\">"
    ));
    add(format!(
        "<rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#ffffff\"/>"
    ));
    let title = shortened(&question.text, 72);
    add(format!(
        "<text x=\"{LEFT}\" y=\"40\" font-size=\"20\" font-weight=\"600\">{}</text>",
        escaped(&title)
    ));
    let payload = map_type.key.size + map_type.elem.size;
    add(format!(
        "<text x=\"{LEFT}\" y=\"62\" fill=\"#616e7c\">Memory of the map alone, filled to n \
         entries; key and element are {payload} bytes</text>"
    ));
    legend(&lines, &mut add);
    for panel in &PANELS {
        draw(panel, &counts, &lines, payload as f64, &mut add);
    }
    add(format!(
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#616e7c\">entries</text>",
        (LEFT + RIGHT) / 2.0,
        HEIGHT - 16.0
    ));
    add("</svg>".to_owned());
    svg
}

/// Numbers of entries, evenly spaced on a logarithmic axis.
fn counts(end: u64) -> Vec<u64> {
    let ratio = end as f64 / FIRST as f64;
    let mut counts: Vec<u64> = (0..=POINTS)
        .map(|i| FIRST as f64 * ratio.powf(f64::from(i) / f64::from(POINTS)))
        .map(|n| (n.round() as u64).min(end))
        .collect();
    counts.dedup();
    counts
}

fn lines(question: &Question, counts: &[u64]) -> Vec<Line> {
    let map_type = &question.map_type;
    let build = map_type.build;
    let other = Build::of(match build.maps {
        Implementation::Swiss => GoVersion::Go1_23,
        Implementation::Classic => GoVersion::LATEST,
    });
    let name = |build: Build| format!("Go {} ({} map)", build_name(build), map_name(build));
    let fill = |map_type: &MapType, hinted: bool| {
        let hint = |n| match (hinted, question.hint) {
            (false, _) => 0,
            (true, Some(hint)) => hint,
            (true, None) => n,
        };
        let footprints = counts.iter().map(|&n| Footprint::of(map_type, n, hint(n)));
        footprints.collect()
    };
    let hinted = match question.hint {
        Some(hint) => format!("{}, with hint {}", name(build), grouped(hint)),
        None => format!("{}, with hint n", name(build)),
    };
    let mut lines = Vec::new();
    let others = question.versions.iter().filter(|m| m.build == other);
    lines.extend(others.map(|map_type| Line {
        name: name(other),
        color: "#e8912d",
        dashed: false,
        footprints: fill(map_type, false),
    }));
    lines.push(Line {
        name: hinted,
        color: "#12806a",
        dashed: true,
        footprints: fill(map_type, true),
    });
    lines.push(Line {
        name: name(build),
        color: "#1769aa",
        dashed: false,
        footprints: fill(map_type, false),
    });
    lines
}

fn legend(lines: &[Line], add: &mut dyn FnMut(String)) {
    let mut x = LEFT;
    // The map that was asked for, drawn last, comes first.
    for line in lines.iter().rev() {
        add(format!(
            "<line x1=\"{x:.1}\" y1=\"87\" x2=\"{:.1}\" y2=\"87\" {}/>",
            x + 26.0,
            stroke(line)
        ));
        add(format!(
            "<text x=\"{:.1}\" y=\"91.5\">{}</text>",
            x + 34.0,
            escaped(&line.name)
        ));
        x += 34.0 + 7.3 * line.name.chars().count() as f64 + 22.0;
    }
}

fn stroke(line: &Line) -> String {
    let dashes = if line.dashed {
        " stroke-dasharray=\"6 4\""
    } else {
        ""
    };
    format!("stroke=\"{}\" stroke-width=\"2\"{dashes}", line.color)
}

fn draw(panel: &Panel, counts: &[u64], lines: &[Line], payload: f64, add: &mut dyn FnMut(String)) {
    let &Panel {
        title,
        top,
        bottom,
        value,
    } = panel;
    let (first, end) = match (counts.first(), counts.last()) {
        (Some(&first), Some(&end)) => (first as f64, end as f64),
        _ => return,
    };
    let x = |n: f64| LEFT + (RIGHT - LEFT) * (n / first).ln() / (end / first).ln();
    let all = lines.iter().flat_map(|line| &line.footprints).map(value);
    // What a hint beyond any need takes would press all else to the ground.
    let plain = lines.iter().filter(|line| !line.dashed);
    let plain = plain.flat_map(|line| &line.footprints).map(value);
    let highest = all
        .fold(0.0, f64::max)
        .min(1.5 * plain.fold(0.0, f64::max))
        .max(payload);
    let (step, high) = scale(highest);
    let y = |bytes: f64| bottom - (bottom - top) * bytes / high;

    add(format!(
        "<text x=\"{LEFT}\" y=\"{:.1}\" font-weight=\"600\">{title}</text>",
        top - 14.0
    ));
    let mut tick = 0.0;
    while tick <= high * 1.0001 {
        let color = if tick == 0.0 { "#7b8794" } else { "#e4e7eb" };
        add(format!(
            "<line x1=\"{LEFT}\" y1=\"{0:.1}\" x2=\"{RIGHT}\" y2=\"{0:.1}\" stroke=\"{color}\"/>",
            y(tick)
        ));
        add(format!(
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#616e7c\">{}</text>",
            LEFT - 10.0,
            y(tick) + 4.5,
            grouped(tick as u64)
        ));
        tick += step;
    }
    for (n, label) in ticks(first, end) {
        add(format!(
            "<line x1=\"{0:.1}\" y1=\"{top}\" x2=\"{0:.1}\" y2=\"{bottom}\" stroke=\"#e4e7eb\"/>",
            x(n)
        ));
        add(format!(
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#616e7c\">{label}</text>",
            x(n),
            bottom + 20.0
        ));
    }
    add(format!(
        "<line x1=\"{LEFT}\" y1=\"{0:.1}\" x2=\"{RIGHT}\" y2=\"{0:.1}\" stroke=\"#9aa5b1\" \
         stroke-dasharray=\"2 3\"/>",
        y(payload)
    ));
    add(format!(
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" font-size=\"11\" fill=\"#7b8794\">\
         key and element</text>",
        RIGHT - 4.0,
        y(payload) + 13.0
    ));
    // A line may leave through the ceiling.
    add(format!(
        "<clipPath id=\"y{top}\"><rect x=\"{LEFT}\" y=\"{top}\" width=\"{}\" height=\"{}\"/></clipPath>",
        RIGHT - LEFT,
        bottom - top + 1.0
    ));
    for line in lines {
        let points = line.footprints.iter().map(|f| {
            let height = y(value(f).min(10.0 * high));
            format!("{:.1},{height:.1}", x(f.entries as f64))
        });
        let points: Vec<String> = points.collect();
        add(format!(
            "<polyline points=\"{}\" fill=\"none\" stroke-linejoin=\"round\" clip-path=\"url(#y{top})\" {}/>",
            points.join(" "),
            stroke(line)
        ));
    }
}

/// The distance of lines on the vertical axis, and its end.
fn scale(highest: f64) -> (f64, f64) {
    let magnitude = 10_f64.powf((highest / 5.0).max(1.0).log10().floor());
    let steps = [1.0, 2.0, 2.5, 5.0, 10.0].map(|step| step * magnitude);
    let whole = steps.into_iter().filter(|step| step.fract() == 0.0);
    let mut fitting = whole.filter(|step| highest / step <= 6.0);
    let step = fitting.next().unwrap_or(10.0 * magnitude);
    (step, (highest / step).ceil().max(1.0) * step)
}

/// Powers of ten on the horizontal axis.
fn ticks(first: f64, end: f64) -> Vec<(f64, String)> {
    let powers = (0..20).map(|power| 10_u64.saturating_pow(power));
    powers
        .filter(|&n| n as f64 >= first && n as f64 <= end)
        .map(|n| (n as f64, grouped(n)))
        .collect()
}

fn shortened(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
