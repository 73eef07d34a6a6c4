//! What settings say of goroutines: names of functions and types with their packages.

/// Functions that run others in goroutines, and types whose methods goroutines share.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Concurrency {
    /// Functions and methods that run what they are given in a goroutine of its own, as
    /// `import/path.Function` or `import/path.Type.Method`.
    pub entry_points: Vec<String>,
    /// Those that run it in several goroutines at once.
    pub handlers: Vec<String>,
    /// Types whose exported methods are called at the same time, as `import/path.Type`.
    pub shared_types: Vec<String>,
}

impl Concurrency {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        self.entry_points.is_empty() && self.handlers.is_empty() && self.shared_types.is_empty()
    }

    pub(crate) fn add(&mut self, other: &Concurrency) {
        self.entry_points.extend_from_slice(&other.entry_points);
        self.handlers.extend_from_slice(&other.handlers);
        self.shared_types.extend_from_slice(&other.shared_types);
    }
}

/// What a name is the name of.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Parts {
    Function,
    Type,
}

impl Parts {
    /// Whether a name can be one: the import path, of which the last element may have dots,
    /// then identifiers.
    pub(crate) fn check(self, name: &str) -> Result<(), String> {
        let tail = name.rsplit('/').next().unwrap_or(name);
        let names = tail.split('.').collect::<Vec<_>>();
        let last = names.last().copied().unwrap_or_default();
        let fits = names.len() >= 2
            && names.iter().all(|part| !part.is_empty())
            && is_identifier(last)
            && !name.contains(|c: char| c.is_whitespace() || "()*[]".contains(c));
        if fits {
            return Ok(());
        }
        let (what, form) = match self {
            Parts::Function => (
                "function",
                "import/path.Function or import/path.Type.Method",
            ),
            Parts::Type => ("type", "import/path.Type"),
        };
        Err(format!(
            "{name:?} is no {what} with its package: write {form}"
        ))
    }
}

fn is_identifier(word: &str) -> bool {
    let mut chars = word.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
        && chars.all(|c| c.is_alphanumeric() || c == '_')
}
