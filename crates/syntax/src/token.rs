//! The tokens of Go.

/// A kind of token. The order groups literals, operators and keywords.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(crate) enum Tok {
    Eof,
    Ident,
    Int,
    Float,
    Imag,
    Char,
    String,

    Add,
    Sub,
    Mul,
    Quo,
    Rem,
    And,
    Or,
    Xor,
    Shl,
    Shr,
    AndNot,

    AddAssign,
    SubAssign,
    MulAssign,
    QuoAssign,
    RemAssign,
    AndAssign,
    OrAssign,
    XorAssign,
    ShlAssign,
    ShrAssign,
    AndNotAssign,

    LAnd,
    LOr,
    Arrow,
    Inc,
    Dec,
    Eql,
    Lss,
    Gtr,
    Assign,
    Not,
    Tilde,
    Neq,
    Leq,
    Geq,
    Define,
    Ellipsis,
    LParen,
    LBrack,
    LBrace,
    Comma,
    Period,
    RParen,
    RBrack,
    RBrace,
    Semi,
    Colon,

    Break,
    Case,
    Chan,
    Const,
    Continue,
    Default,
    Defer,
    Else,
    Fallthrough,
    For,
    Func,
    Go,
    Goto,
    If,
    Import,
    Interface,
    Map,
    Package,
    Range,
    Return,
    Select,
    Struct,
    Switch,
    Type,
    Var,
}

/// A set of tokens.
#[derive(Clone, Copy)]
pub(crate) struct Set(u128);

impl Set {
    pub(crate) const fn of(toks: &[Tok]) -> Set {
        let mut bits = 0;
        let mut i = 0;
        while i < toks.len() {
            bits |= 1 << toks[i] as u8;
            i += 1;
        }
        Set(bits)
    }

    pub(crate) const fn and(self, other: Set) -> Set {
        Set(self.0 | other.0)
    }

    pub(crate) fn has(self, tok: Tok) -> bool {
        self.0 >> tok as u8 & 1 != 0
    }
}

/// Tokens after which a newline ends a statement.
pub(crate) const ENDS_STATEMENT: Set = Set::of(&[
    Tok::Ident,
    Tok::Int,
    Tok::Float,
    Tok::Imag,
    Tok::Char,
    Tok::String,
    Tok::Break,
    Tok::Continue,
    Tok::Fallthrough,
    Tok::Return,
    Tok::Inc,
    Tok::Dec,
    Tok::RParen,
    Tok::RBrack,
    Tok::RBrace,
]);

/// Keywords that only start statements.
pub(crate) const STATEMENT_START: Set = Set::of(&[
    Tok::Break,
    Tok::Const,
    Tok::Continue,
    Tok::Defer,
    Tok::Fallthrough,
    Tok::For,
    Tok::Go,
    Tok::Goto,
    Tok::If,
    Tok::Return,
    Tok::Select,
    Tok::Switch,
    Tok::Type,
    Tok::Var,
]);

/// Keywords that start declarations.
pub(crate) const DECLARATION_START: Set =
    Set::of(&[Tok::Func, Tok::Type, Tok::Var, Tok::Const, Tok::Import]);

/// Tokens that may follow an expression and end it.
pub(crate) const EXPRESSION_END: Set = Set::of(&[
    Tok::Comma,
    Tok::Colon,
    Tok::Semi,
    Tok::RParen,
    Tok::RBrack,
    Tok::RBrace,
]);

impl Tok {
    /// Binding strength as a binary operator, 1 to 5; 0 for other tokens.
    #[inline]
    pub(crate) fn precedence(self) -> u8 {
        PRECEDENCE[self as usize]
    }

    /// Its spelling, or what it stands for.
    pub(crate) fn text(self) -> &'static str {
        TEXT[self as usize]
    }

    /// The keyword that the first `len` bytes of `source` spell.
    #[inline]
    pub(crate) fn keyword(source: &[u8], len: usize) -> Option<Tok> {
        let word = source.get(..len)?;
        if len < 2 {
            return None;
        }
        let keyword = &KEYWORDS[keyword_slot(word)];
        if keyword.len != len {
            return None;
        }
        let found = match source.first_chunk() {
            // What follows a short word is shifted out.
            Some(start) if len <= 8 => {
                u64::from_le_bytes(*start) << (64 - 8 * len) == keyword.start
            }
            _ => keyword.tok.text().as_bytes() == word,
        };
        found.then_some(keyword.tok)
    }
}

const PRECEDENCE: [u8; 96] = {
    let mut table = [0; 96];
    let levels: [&[Tok]; 5] = [
        &[Tok::LOr],
        &[Tok::LAnd],
        &[Tok::Eql, Tok::Neq, Tok::Lss, Tok::Leq, Tok::Gtr, Tok::Geq],
        &[Tok::Add, Tok::Sub, Tok::Or, Tok::Xor],
        &[
            Tok::Mul,
            Tok::Quo,
            Tok::Rem,
            Tok::Shl,
            Tok::Shr,
            Tok::And,
            Tok::AndNot,
        ],
    ];
    let mut level = 0;
    while level < levels.len() {
        let mut i = 0;
        while i < levels[level].len() {
            table[levels[level][i] as usize] = level as u8 + 1;
            i += 1;
        }
        level += 1;
    }
    table
};

/// A perfect hash of the keywords (that of cmd/compile/internal/syntax).
const fn keyword_slot(word: &[u8]) -> usize {
    ((((word[0] as usize) << 4) ^ word[1] as usize) + word.len()) & 63
}

#[derive(Clone, Copy)]
struct Keyword {
    tok: Tok,
    len: usize,
    /// Its first bytes, up to eight, as the upper ones of a little-endian number.
    start: u64,
}

const KEYWORDS: [Keyword; 64] = {
    let none = Keyword {
        tok: Tok::Eof,
        len: 0,
        start: 0,
    };
    let mut table = [none; 64];
    let mut n = Tok::Break as usize;
    while n <= Tok::Var as usize {
        let text = TEXT[n].as_bytes();
        let mut start = 0;
        let mut i = 0;
        while i < text.len() && i < 8 {
            start = start >> 8 | (text[i] as u64) << 56;
            i += 1;
        }
        table[keyword_slot(text)] = Keyword {
            tok: KEYWORD_TOKENS[n - Tok::Break as usize],
            len: text.len(),
            start,
        };
        n += 1;
    }
    table
};

const KEYWORD_TOKENS: [Tok; 25] = [
    Tok::Break,
    Tok::Case,
    Tok::Chan,
    Tok::Const,
    Tok::Continue,
    Tok::Default,
    Tok::Defer,
    Tok::Else,
    Tok::Fallthrough,
    Tok::For,
    Tok::Func,
    Tok::Go,
    Tok::Goto,
    Tok::If,
    Tok::Import,
    Tok::Interface,
    Tok::Map,
    Tok::Package,
    Tok::Range,
    Tok::Return,
    Tok::Select,
    Tok::Struct,
    Tok::Switch,
    Tok::Type,
    Tok::Var,
];

const TEXT: [&str; 80] = [
    "EOF",
    "identifier",
    "integer",
    "float",
    "imaginary",
    "rune",
    "string", //
    "+",
    "-",
    "*",
    "/",
    "%",
    "&",
    "|",
    "^",
    "<<",
    ">>",
    "&^", //
    "+=",
    "-=",
    "*=",
    "/=",
    "%=",
    "&=",
    "|=",
    "^=",
    "<<=",
    ">>=",
    "&^=", //
    "&&",
    "||",
    "<-",
    "++",
    "--",
    "==",
    "<",
    ">",
    "=",
    "!",
    "~", //
    "!=",
    "<=",
    ">=",
    ":=",
    "...",
    "(",
    "[",
    "{",
    ",",
    ".",
    ")",
    "]",
    "}",
    ";",
    ":", //
    "break",
    "case",
    "chan",
    "const",
    "continue",
    "default",
    "defer",
    "else",
    "fallthrough",
    "for",
    "func",
    "go",
    "goto",
    "if",
    "import",
    "interface",
    "map",
    "package",
    "range",
    "return",
    "select",
    "struct",
    "switch",
    "type",
    "var",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_found_by_their_text() {
        for tok in KEYWORD_TOKENS {
            let text = tok.text();
            assert_eq!(Tok::keyword(text.as_bytes(), text.len()), Some(tok));
            let before_others = format!("{text} and more");
            assert_eq!(
                Tok::keyword(before_others.as_bytes(), text.len()),
                Some(tok)
            );
        }
        assert_eq!(Tok::keyword(b"breaks", 6), None);
        assert_eq!(Tok::keyword(b"breaks and more", 6), None);
        assert_eq!(Tok::keyword(b"if_", 3), None);
        assert_eq!(Tok::keyword(b"ig and more", 2), None);
        assert_eq!(Tok::Eof as usize, 0);
        assert_eq!(Tok::Colon.text(), ":");
    }

    #[test]
    fn precedences_are_those_of_the_specification() {
        assert_eq!(Tok::LOr.precedence(), 1);
        assert_eq!(Tok::Or.precedence(), 4);
        assert_eq!(Tok::AndNot.precedence(), 5);
        assert_eq!(Tok::Assign.precedence(), 0);
    }
}
