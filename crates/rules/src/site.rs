//! From places in the program to places in a report.

use tophash_analysis::Loc;
use tophash_finding::{Evidence, Place};
use tophash_syntax::{Ast, Span};
use tophash_types::{FileId, Program, World};

use crate::places::Places;

/// Turns what the analysis says into what a report says.
pub(crate) struct Sites<'a> {
    program: &'a Program<'a>,
    places: Places<'a>,
}

impl<'a> Sites<'a> {
    pub(crate) fn new(program: &'a Program<'a>, places: Places<'a>) -> Sites<'a> {
        Sites { program, places }
    }

    /// The packages and files that the places are in.
    pub(crate) fn world(&self) -> &dyn World {
        self.program
    }

    /// The place of an extent.
    pub(crate) fn place(&self, loc: Loc) -> Place {
        let tree = self.program.file(loc.file).tree;
        Place::new(
            self.path(loc),
            tree.position(loc.span.start),
            tree.position(loc.span.end),
        )
    }

    /// The file of an extent.
    pub(crate) fn path(&self, loc: Loc) -> String {
        self.places.path(self.program.workspace_file(loc.file))
    }

    /// The line of an extent.
    pub(crate) fn line(&self, loc: Loc) -> u32 {
        self.program.file(loc.file).tree.position(loc.span.start).0
    }

    /// `line 12`, or `cache/pod.go:12` as seen from another file.
    pub(crate) fn mention(&self, loc: Loc, from: Loc) -> String {
        if loc.file == from.file {
            format!("line {}", self.line(loc))
        } else {
            self.file_and_line(loc)
        }
    }

    /// `cache/pod.go:12`
    pub(crate) fn file_and_line(&self, loc: Loc) -> String {
        format!("{}:{}", self.path(loc), self.line(loc))
    }

    /// A step of an argument.
    pub(crate) fn evidence(&self, loc: Loc, function: &str, message: String) -> Evidence {
        Evidence {
            place: self.place(loc),
            function: (!function.is_empty()).then(|| function.to_owned()),
            message,
        }
    }

    /// Whether a file is a test.
    pub(crate) fn is_test(&self, loc: Loc) -> bool {
        self.path(loc).ends_with("_test.go")
    }

    /// Whether a file is one of those that the patterns name.
    pub(crate) fn is_root(&self, loc: Loc) -> bool {
        self.program
            .package(self.program.package_of(loc.file))
            .is_root
    }

    /// Whether a file says that it is generated.
    pub(crate) fn is_generated(&self, loc: Loc) -> bool {
        let file = self.program.workspace_file(loc.file);
        self.program.workspace().file(file).header.is_generated
    }

    /// The tree and the bytes of a file.
    pub(crate) fn source(&self, file: FileId) -> (&Ast, &[u8]) {
        let file = self.program.file(file);
        (&file.tree.ast, file.source)
    }

    /// The text of an extent.
    pub(crate) fn text(&self, file: FileId, span: Span) -> Option<String> {
        let text = span.of(self.program.file(file).source);
        std::str::from_utf8(text).ok().map(str::to_owned)
    }
}
