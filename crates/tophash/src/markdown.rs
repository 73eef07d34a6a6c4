//! Markdown as plain text for a terminal.

use std::mem;

use anstyle::{AnsiColor, Style};
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use unicode_width::UnicodeWidthStr;

/// Columns by which code is set in.
const CODE_INDENT: &str = "    ";

/// Lays out a page for lines of `width` columns; code keeps its own lines.
pub(crate) fn render(page: &str, width: usize, color: bool) -> String {
    let mut layout = Layout {
        out: String::new(),
        width: width.max(20),
        color,
        text: Vec::new(),
        lists: Vec::new(),
        marker: None,
        style: Style::new(),
        link: None,
        code: false,
        row: Vec::new(),
        rows: Vec::new(),
        tight: false,
    };
    for event in Parser::new_ext(page, Options::ENABLE_TABLES) {
        layout.event(event);
    }
    layout.out
}

struct Layout {
    out: String,
    width: usize,
    color: bool,
    /// The paragraph so far: pieces of text with their styles.
    text: Vec<(String, Style)>,
    /// The lists that are open: the number of the next item, or None for bullets.
    lists: Vec<Option<u64>>,
    /// What stands before the first line of the item that has begun.
    marker: Option<String>,
    style: Style,
    /// Where the link that is open leads to.
    link: Option<String>,
    /// Whether this is a block of code.
    code: bool,
    row: Vec<String>,
    rows: Vec<Vec<String>>,
    /// Whether the next block follows without an empty line.
    tight: bool,
}

impl Layout {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) if self.code => self.code(&text),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => {
                self.text.push((text.into_string(), self.style));
            }
            Event::Code(text) if self.color => {
                let style = self.style.fg_color(Some(AnsiColor::Cyan.into()));
                self.text.push((text.into_string(), style));
            }
            Event::Code(text) => self.text.push((format!("`{text}`"), self.style)),
            Event::SoftBreak | Event::HardBreak => self.text.push((" ".into(), self.style)),
            Event::Rule => {
                self.gap();
                self.out.push_str(&"-".repeat(self.width));
                self.out.push('\n');
            }
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Heading { level, .. } => {
                self.style = match level {
                    HeadingLevel::H1 => Style::new().bold().underline(),
                    _ => Style::new().bold(),
                };
            }
            Tag::CodeBlock(_) => {
                self.gap();
                self.code = true;
            }
            Tag::List(first) => {
                self.flush();
                self.tight = !self.lists.is_empty();
                self.lists.push(first);
            }
            Tag::Item => {
                let marker = match self.lists.last_mut() {
                    Some(Some(number)) => {
                        *number += 1;
                        format!("{}. ", *number - 1)
                    }
                    _ => "- ".to_owned(),
                };
                self.marker = Some(marker);
            }
            Tag::Emphasis => self.style = self.style.italic(),
            Tag::Strong => self.style = self.style.bold(),
            Tag::Link { dest_url, .. } => self.link = Some(dest_url.into_string()),
            Tag::Table(_) => self.rows.clear(),
            Tag::TableHead | Tag::TableRow => self.row.clear(),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(_) => {
                self.flush();
                self.style = Style::new();
            }
            TagEnd::Paragraph => self.flush(),
            TagEnd::CodeBlock => self.code = false,
            TagEnd::Item => {
                self.flush();
                self.tight = true;
            }
            TagEnd::List(_) => {
                self.lists.pop();
                self.tight = !self.lists.is_empty();
            }
            TagEnd::Emphasis | TagEnd::Strong => self.style = Style::new(),
            TagEnd::Link => {
                // Links to other pages of the repository lead nowhere from here.
                let to = self.link.take().filter(|to| to.starts_with("http"));
                if let Some(to) = to {
                    self.text.push((format!(" ({to})"), self.style));
                }
            }
            TagEnd::TableCell => {
                let cell = mem::take(&mut self.text);
                self.row
                    .push(cell.into_iter().map(|(text, _)| text).collect());
            }
            TagEnd::TableHead | TagEnd::TableRow => self.rows.push(mem::take(&mut self.row)),
            TagEnd::Table => self.table(),
            _ => {}
        }
    }

    /// An empty line between blocks.
    fn gap(&mut self) {
        self.flush();
        if !mem::take(&mut self.tight) && !self.out.is_empty() {
            self.out.push('\n');
        }
    }

    fn code(&mut self, text: &str) {
        for line in text.lines() {
            if !line.is_empty() {
                self.out.push_str(CODE_INDENT);
                self.out.push_str(line);
            }
            self.out.push('\n');
        }
    }

    /// Writes the paragraph, wrapped.
    fn flush(&mut self) {
        let text = mem::take(&mut self.text);
        if text.iter().all(|(text, _)| text.trim().is_empty()) {
            return;
        }
        self.gap();
        let nested = self.lists.len().saturating_sub(1);
        let mut indent = "  ".repeat(nested);
        let mut line = indent.clone();
        if let Some(marker) = self.marker.take() {
            line.push_str(&marker);
            indent.push_str(&" ".repeat(marker.len()));
        } else if !self.lists.is_empty() {
            indent.push_str("  ");
            line.clone_from(&indent);
        }
        let mut column = line.width();
        let start = column;
        for word in words(&text) {
            let width: usize = word.iter().map(|(part, _)| part.width()).sum();
            if column > start && column + 1 + width > self.width {
                line.push('\n');
                line.push_str(&indent);
                column = indent.width();
            } else if column > start {
                line.push(' ');
                column += 1;
            }
            for (part, style) in word {
                if self.color && style != Style::new() {
                    line.push_str(&format!("{style}{part}{style:#}"));
                } else {
                    line.push_str(&part);
                }
            }
            column += width;
        }
        self.out.push_str(&line);
        self.out.push('\n');
    }

    fn table(&mut self) {
        self.gap();
        let rows = mem::take(&mut self.rows);
        let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
        let width = |i: usize| {
            let cells = rows.iter().filter_map(|row| row.get(i));
            cells.map(|cell| cell.width()).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in &rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(cell);
                line.push_str(&" ".repeat(width - cell.width() + 2));
            }
            self.out.push_str(line.trim_end());
            self.out.push('\n');
        }
    }
}

/// The words of a paragraph, each of pieces with their styles.
fn words(text: &[(String, Style)]) -> Vec<Vec<(String, Style)>> {
    let mut words: Vec<Vec<(String, Style)>> = vec![Vec::new()];
    for (piece, style) in text {
        for (index, part) in piece.split([' ', '\n']).enumerate() {
            if index > 0 {
                words.push(Vec::new());
            }
            if let (false, Some(word)) = (part.is_empty(), words.last_mut()) {
                word.push((part.to_owned(), *style));
            }
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "\
# TH000: a-rule

A *sentence* with `code` in it, long enough to be wrapped, and a [link](https://x.org) to
follow, one [not](TH001.md) to.

```go
if a {

\tb()
}
```

- first item that is longer than a line may be here
- second
  - inner

1. one
2. two

| a | bb |
|---|---|
| `ccc` | d |

Last.
";

    #[test]
    fn a_page() {
        let want = "\
TH000: a-rule

A sentence with `code` in it, long
enough to be wrapped, and a link
(https://x.org) to follow, one not to.

    if a {

    \tb()
    }

- first item that is longer than a line
  may be here
- second
  - inner

1. one
2. two

a      bb
`ccc`  d

Last.
";
        assert_eq!(render(PAGE, 40, false), want);
    }

    #[test]
    fn colour_changes_no_word() {
        let colored = render(PAGE, 40, true);
        assert!(colored.contains("\x1b[36mcode\x1b[0m"), "{colored}");
        let plain: String = anstream::adapter::strip_str(&colored).to_string();
        let want = render(PAGE, 40, false).replace('`', "");
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(words(&plain), words(&want));
    }

    /// Anything may be on a page, at least for a while.
    #[test]
    fn bears_any_text() {
        for page in [
            "",
            "#",
            "> quoted\n> more",
            "<b>x</b>",
            "---",
            "|a|\n|-|",
            "- - -x",
            "~~~",
        ] {
            for width in [0, 1, 80] {
                render(page, width, true);
            }
        }
    }
}
