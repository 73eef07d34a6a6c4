//! Build constraint expressions: `//go:build linux && !cgo` and the older
//! `// +build linux,!cgo` (go/build/constraint, Go 1.26).

/// A boolean expression over build tags.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Expr {
    /// A tag, satisfied if the build has it.
    Tag(Box<str>),
    /// `!x`.
    Not(Box<Expr>),
    /// `x && y`.
    And(Box<Expr>, Box<Expr>),
    /// `x || y`.
    Or(Box<Expr>, Box<Expr>),
}

/// More operands than this and the expression is rejected, as in Go; it also
/// bounds the depth of the recursion.
const MAX_SIZE: usize = 1000;

impl Expr {
    /// Parses the text after `//go:build`; none if it is malformed.
    pub fn parse(text: &str) -> Option<Expr> {
        let mut parser = Parser {
            rest: text,
            token: Token::End,
            size: 0,
        };
        let expr = parser.or()?;
        (parser.token == Token::End).then_some(expr)
    }

    /// Parses the text after one `// +build`: words are alternatives, commas
    /// within a word mean "and". None if it is too complex.
    pub fn parse_plus_build(text: &str) -> Option<Expr> {
        const MAX_OLD_SIZE: usize = 100;
        let literal = |word: &str| {
            let (negated, tag) = match word.strip_prefix('!') {
                Some(tag) => (true, tag),
                None => (false, word),
            };
            if negated && (tag.is_empty() || tag.starts_with('!')) {
                return Expr::tag("ignore");
            }
            let valid = !tag.is_empty() && tag.chars().all(is_tag_char);
            let expr = Expr::tag(if valid { tag } else { "ignore" });
            if negated {
                Expr::Not(Box::new(expr))
            } else {
                expr
            }
        };
        let mut size = 0;
        let mut any: Option<Expr> = None;
        for clause in text.split_whitespace() {
            let mut all: Option<Expr> = None;
            for word in clause.split(',') {
                let right = literal(word);
                all = Some(match all {
                    None => right,
                    Some(left) => {
                        size += 1;
                        Expr::And(Box::new(left), Box::new(right))
                    }
                });
            }
            any = match (any, all) {
                (None, right) => right,
                (left, None) => left,
                (Some(left), Some(right)) => {
                    size += 1;
                    Some(Expr::Or(Box::new(left), Box::new(right)))
                }
            };
            if size > MAX_OLD_SIZE {
                return None;
            }
        }
        Some(any.unwrap_or_else(|| Expr::tag("ignore")))
    }

    fn tag(name: &str) -> Expr {
        Expr::Tag(name.into())
    }

    /// Whether the expression holds when `has` tells which tags the build has.
    pub fn eval(&self, has: &dyn Fn(&str) -> bool) -> bool {
        match self {
            Expr::Tag(tag) => has(tag),
            Expr::Not(x) => !x.eval(has),
            Expr::And(x, y) => x.eval(has) && y.eval(has),
            Expr::Or(x, y) => x.eval(has) || y.eval(has),
        }
    }

    /// The minor Go version that the expression requires at least: 22 for
    /// `linux && go1.22`; none if it can hold without any such tag.
    pub fn min_go_minor(&self) -> Option<u16> {
        self.min_version(false)
    }

    fn min_version(&self, negated: bool) -> Option<u16> {
        match self {
            Expr::Not(x) => x.min_version(!negated),
            // None sorts below every version: the larger for "and", the smaller for "or".
            Expr::And(x, y) if !negated => x.min_version(false).max(y.min_version(false)),
            Expr::Or(x, y) if negated => x.min_version(true).max(y.min_version(true)),
            Expr::And(x, y) | Expr::Or(x, y) => x.min_version(negated).min(y.min_version(negated)),
            Expr::Tag(_) if negated => None,
            Expr::Tag(tag) if &**tag == "go1" => Some(0),
            Expr::Tag(tag) => tag.strip_prefix("go1.")?.parse().ok(),
        }
    }
}

fn is_tag_char(c: char) -> bool {
    c.is_alphabetic() || c.is_numeric() || c == '_' || c == '.'
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Open,
    Close,
    Not,
    And,
    Or,
    Tag(&'a str),
    End,
}

struct Parser<'a> {
    rest: &'a str,
    token: Token<'a>,
    size: usize,
}

impl Parser<'_> {
    fn or(&mut self) -> Option<Expr> {
        let mut x = self.and()?;
        while self.token == Token::Or {
            x = Expr::Or(Box::new(x), Box::new(self.and()?));
        }
        Some(x)
    }

    fn and(&mut self) -> Option<Expr> {
        let mut x = self.not()?;
        while self.token == Token::And {
            x = Expr::And(Box::new(x), Box::new(self.not()?));
        }
        Some(x)
    }

    fn not(&mut self) -> Option<Expr> {
        self.size += 1;
        if self.size > MAX_SIZE {
            return None;
        }
        self.next()?;
        if self.token != Token::Not {
            return self.atom();
        }
        self.next()?;
        Some(Expr::Not(Box::new(self.atom()?)))
    }

    fn atom(&mut self) -> Option<Expr> {
        match self.token {
            Token::Open => {
                let x = self.or()?;
                if self.token != Token::Close {
                    return None;
                }
                self.next()?;
                Some(x)
            }
            Token::Tag(name) => {
                let x = Expr::tag(name);
                self.next()?;
                Some(x)
            }
            _ => None,
        }
    }

    fn next(&mut self) -> Option<()> {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
        let (token, len) = match self.rest.as_bytes() {
            [] => (Token::End, 0),
            [b'(', ..] => (Token::Open, 1),
            [b')', ..] => (Token::Close, 1),
            [b'!', ..] => (Token::Not, 1),
            [b'&', b'&', ..] => (Token::And, 2),
            [b'|', b'|', ..] => (Token::Or, 2),
            _ => {
                let len = self
                    .rest
                    .find(|c| !is_tag_char(c))
                    .unwrap_or(self.rest.len());
                if len == 0 {
                    return None;
                }
                (Token::Tag(&self.rest[..len]), len)
            }
        };
        self.token = token;
        self.rest = &self.rest[len..];
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::Expr;

    fn holds(text: &str, tags: &[&str]) -> Option<bool> {
        Expr::parse(text).map(|x| x.eval(&|t| tags.contains(&t)))
    }

    #[test]
    fn evaluates() {
        assert_eq!(holds("linux && !cgo || windows", &["linux"]), Some(true));
        assert_eq!(
            holds("linux && !cgo || windows", &["linux", "cgo"]),
            Some(false)
        );
        assert_eq!(holds("!(linux || darwin)", &["windows"]), Some(true));
        assert_eq!(holds("386", &["386"]), Some(true));
    }

    #[test]
    fn rejects_what_go_rejects() {
        for bad in [
            "",
            "!!linux",
            "linux darwin",
            "(linux",
            "linux)",
            "a & b",
            "a,b",
            "!",
            "a ||",
        ] {
            assert_eq!(Expr::parse(bad), None, "{bad}");
        }
        assert_eq!(Expr::parse(&"(".repeat(5000)), None);
        assert_eq!(Expr::parse(&"a||".repeat(5000)), None);
    }

    #[test]
    fn old_form() {
        let holds = |text: &str, tags: &[&str]| {
            Expr::parse_plus_build(text).map(|x| x.eval(&|t| tags.contains(&t)))
        };
        assert_eq!(holds("linux,!cgo darwin", &["linux"]), Some(true));
        assert_eq!(holds("linux,!cgo darwin", &["linux", "cgo"]), Some(false));
        assert_eq!(holds("", &["linux"]), Some(false));
        assert_eq!(holds("!!linux", &["linux"]), Some(false));
    }

    #[test]
    fn minimum_version() {
        let min = |t| Expr::parse(t).and_then(|x| x.min_go_minor());
        assert_eq!(min("linux && go1.22"), Some(22));
        assert_eq!(min("(linux && go1.22) || (windows && go1.20)"), Some(20));
        assert_eq!(min("linux || (windows && go1.22)"), None);
        assert_eq!(min("!go1.22"), None);
        assert_eq!(min("!!go1.22"), None);
        assert_eq!(min("!(!linux || !go1.21)"), Some(21));
        assert_eq!(min("linux"), None);
    }
}
