//! What the names in a type mean: in the package of the working directory, in the files given
//! with `--struct`, in the standard library and in modules.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tophash_rules::Options;
use tophash_runtime::types::GoType;
use tophash_syntax::Symbol;
use tophash_types::{Checker, Program, TypeId, World};
use tophash_workspace::{Header, ProblemKind, Workspace};

use super::convert::Converter;
use super::notation::{Leaf, MapParts, Notation, Role, located};

/// The file that is added to a package to ask about types there.
const QUERY: &str = "tophash_size_query";

/// `--struct FILE.go:NAME`.
#[derive(Clone, Debug)]
pub(super) struct StructOption {
    file: PathBuf,
    name: String,
}

impl StructOption {
    /// Reads the option's value.
    ///
    /// # Errors
    /// It has not that form.
    pub(super) fn read(text: &str) -> Result<StructOption, String> {
        let parts = text.rsplit_once(':');
        let parts = parts.filter(|(file, name)| file.ends_with(".go") && !name.is_empty());
        let (file, name) = parts.ok_or_else(|| {
            format!("--struct {text:?}: give a file and a type in it, as in user.go:User")
        })?;
        Ok(StructOption {
            file: PathBuf::from(file),
            name: name.to_owned(),
        })
    }
}

/// Where types are asked about.
struct Place {
    /// A directory that packages are found from.
    dir: PathBuf,
    /// The name of the package that the question is put into.
    package: String,
    /// What to open: a pattern, or files.
    patterns: Vec<String>,
    /// The file given with `--struct`; the directory if there is none.
    file: PathBuf,
    /// The file of the question.
    query: PathBuf,
}

/// Finds out what key and element of a map type are.
///
/// # Errors
/// A sentence that names the place in the type and says what to give.
pub(super) fn resolve(
    notation: &Notation,
    structs: &[StructOption],
    options: &Options,
) -> Result<MapParts, String> {
    let leaves = notation.leaves()?;
    let mut found: Vec<(Leaf, Vec<Arc<GoType>>)> = Vec::new();
    for leaf in leaves {
        let given = structs.iter().find(|given| given.name == leaf.name);
        let (place, ty) = match given {
            Some(given) => {
                let mut place = struct_place(given, &options.dir)?;
                let asked = leaf.unqualified();
                let mut ty = ask(notation, &asked, &place, options);
                // The build may leave the file out: then it stands for itself.
                if matches!(ty, Err(Why::Absent)) {
                    place.patterns = vec![path_text(&place.file), path_text(&place.query)];
                    ty = ask(notation, &asked, &place, options);
                }
                (place, ty)
            }
            None => {
                let place = here(&options.dir);
                let ty = ask(notation, &leaf, &place, options);
                (place, ty)
            }
        };
        let ty = ty.map_err(|why| {
            let subject = match given {
                Some(given) => format!("{}:{}", given.file.display(), given.name),
                None => leaf.written.clone(),
            };
            let message = match why {
                Why::Absent if given.is_some() => {
                    format!("{subject}: the file declares no such type")
                }
                Why::Absent => absent(notation, &leaf, &place, options),
                Why::Layout(_) if leaf.role == Role::Length => {
                    absent(notation, &leaf, &place, options)
                }
                Why::Layout(why) => format!("{subject} {why}"),
                Why::Message(message) => message,
            };
            located(notation.text(), leaf.column, &message)
        })?;
        found.push((leaf, ty));
    }
    notation.layout(&mut |leaf| {
        let known = found.iter().find(|(known, _)| known == leaf);
        known
            .map(|(_, types)| types.clone())
            .ok_or_else(|| located(notation.text(), leaf.column, "not found"))
    })
}

/// Why a part of a type has no layout.
enum Why {
    /// Nothing of that name was found.
    Absent,
    /// It was found, and this clause about it says what is missing.
    Layout(String),
    /// All there is to say.
    Message(String),
}

fn absent(notation: &Notation, leaf: &Leaf, place: &Place, options: &Options) -> String {
    if leaf.role == Role::Length {
        return format!("the length {} can't be found", leaf.written);
    }
    if let Some((package, name)) = leaf.packages.first() {
        let written = notation.paths().iter().find(|(ident, _)| ident == package);
        if let Some((_, path)) = written {
            return format!(
                "from {} no package {path} with a type {name} is found: run in a module that \
                 imports it, or give its file, --struct FILE.go:{name}",
                place.dir.display()
            );
        }
        return format!(
            "there is no {} to be found: run in a module that has it, write the import path, as in \
             example.com/{package}.{name}, or give its file, --struct FILE.go:{name}{}",
            leaf.written,
            without_library(package, place, options)
        );
    }
    let dir = place.dir.display();
    format!(
        "{dir} declares no type {}: run in the package that does (-C DIR), or give its file, \
         --struct FILE.go:{0}",
        leaf.written
    )
}

/// What is to be said if a package that is not imported may be of the standard library, which
/// can't be looked into.
fn without_library(package: &str, place: &Place, options: &Options) -> &'static str {
    let workspace = open(place, options, String::new());
    let here = root(&workspace, place);
    let imported = here.and_then(|here| imported_as(package, here, &workspace));
    match (imported, workspace.goroot()) {
        (None, None) => " (no Go installation is found: set GOROOT for the standard library)",
        _ => "",
    }
}

/// The package of a directory, or an empty one.
fn here(dir: &Path) -> Place {
    let mut names: Vec<String> = go_files(dir)
        .iter()
        .filter(|file| !file.to_string_lossy().ends_with("_test.go"))
        .filter_map(|file| package_name(file).ok())
        .collect();
    names.sort();
    // Most files decide, as they do when the package is read.
    let package = names
        .chunk_by(|a, b| a == b)
        .max_by_key(|same| same.len())
        .and_then(|same| same.first().cloned());
    Place {
        dir: dir.to_owned(),
        package: package.unwrap_or_else(|| "main".to_owned()),
        patterns: Vec::new(),
        file: dir.to_owned(),
        query: dir.join(format!("{QUERY}.go")),
    }
}

fn struct_place(given: &StructOption, dir: &Path) -> Result<Place, String> {
    let shown = given.file.display();
    let found = dir.join(&given.file).canonicalize();
    let file = found.map_err(|error| format!("--struct {shown}: {error}"))?;
    let package = package_name(&file).map_err(|error| format!("--struct {shown}: {error}"))?;
    let parent = file.parent().unwrap_or(dir).to_owned();
    let suffix = match file.to_string_lossy().ends_with("_test.go") {
        true => "_test.go",
        false => ".go",
    };
    Ok(Place {
        patterns: Vec::new(),
        query: parent.join(format!("{QUERY}{suffix}")),
        dir: parent,
        package,
        file,
    })
}

fn path_text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn package_name(file: &Path) -> Result<String, String> {
    let bytes = fs::read(file).map_err(|error| error.to_string())?;
    let name = Header::scan(&bytes).package;
    match name.is_empty() {
        true => Err("the file has no package clause".to_owned()),
        false => Ok(name.into()),
    }
}

fn go_files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "go"))
        .filter(|path| {
            let name = path.file_name().map(|name| name.to_string_lossy());
            name.is_some_and(|name| !name.starts_with(['_', '.']))
        })
        .collect();
    files.sort();
    files
}

/// The layout of a part of a type.
fn ask(
    notation: &Notation,
    leaf: &Leaf,
    place: &Place,
    options: &Options,
) -> Result<Vec<Arc<GoType>>, Why> {
    let mut imports: Vec<(String, String)> = Vec::new();
    let mut text = leaf.text.clone();
    for (package, name) in &leaf.packages {
        if imports.iter().any(|(alias, _)| alias == package) {
            continue;
        }
        if let Some((_, path)) = notation.paths().iter().find(|(ident, _)| ident == package) {
            imports.push((package.clone(), path.clone()));
            continue;
        }
        match import_path(package, name, place, options)? {
            Some(path) => imports.push((package.clone(), path)),
            // The package's own name before its own type.
            None if *package == place.package => {
                text = text.replace(&format!("{package}."), "");
            }
            None => return Err(Why::Absent),
        }
    }
    let mut answers = query(place, options, &imports, &[text], leaf.role);
    answers.pop().unwrap_or(Err(Why::Absent))
}

/// The import path that a package's name stands for: as the files of the package import it, or
/// in the module and the standard library.
fn import_path(
    package: &str,
    name: &str,
    place: &Place,
    options: &Options,
) -> Result<Option<String>, Why> {
    let workspace = open(place, options, String::new());
    let here = root(&workspace, place);
    let imported = here.and_then(|here| imported_as(package, here, &workspace));
    if imported.is_some() || package == place.package {
        return Ok(imported);
    }
    let mut candidates = Vec::new();
    if let Some(module) = here.and_then(|here| workspace.package(here).module.as_ref()) {
        packages_named(package, &module.dir, &module.path, &mut candidates);
    }
    if let Some(goroot) = workspace.goroot() {
        packages_named(package, &goroot.src, "", &mut candidates);
    }
    candidates.sort();
    let imports: Vec<(String, String)> = candidates
        .iter()
        .enumerate()
        .map(|(i, path)| (format!("{QUERY}{i}"), path.clone()))
        .collect();
    let texts: Vec<String> = imports
        .iter()
        .map(|(alias, _)| format!("{alias}.{name}"))
        .collect();
    let answers = query(place, options, &imports, &texts, Role::Type);
    let known: Vec<&String> = candidates
        .iter()
        .zip(&answers)
        .filter(|(_, answer)| !matches!(answer, Err(Why::Absent)))
        .map(|(path, _)| path)
        .collect();
    match known.as_slice() {
        [] => Ok(None),
        [path] => Ok(Some((*path).clone())),
        [first, second, ..] => Err(Why::Message(format!(
            "{package}.{name} may be of {first} or of {second}: write {first}.{name}"
        ))),
    }
}

/// The path by which files of a package import another of this name.
fn imported_as(
    package: &str,
    importer: tophash_workspace::PackageId,
    workspace: &Workspace,
) -> Option<String> {
    let files = &workspace.package(importer).files;
    let imports = files.iter().flat_map(|&id| {
        let imports = workspace.tree(id).imports();
        imports.map(|import| (import.name.map(|name| name.name), import.path))
    });
    let mut imports: Vec<(Option<Symbol>, Symbol)> = imports.collect();
    imports.sort_by_key(|(name, path)| (name.is_none(), path.as_str()));
    imports.dedup();
    imports.into_iter().find_map(|(name, path)| {
        let matches = match name {
            Some(name) => name.as_str() == package,
            None => {
                let found = workspace.import(importer, path.as_str());
                found.is_some_and(|id| *workspace.package(id).name == *package)
            }
        };
        matches.then(|| path.as_str().to_owned())
    })
}

/// Adds the import paths below a directory that end in a name. `path` is the directory's own,
/// empty for the standard library.
fn packages_named(package: &str, dir: &Path, path: &str, found: &mut Vec<String>) {
    let mut open = vec![(dir.to_owned(), path.to_owned())];
    while let Some((dir, path)) = open.pop() {
        for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_dir = entry.file_type().is_ok_and(|ty| ty.is_dir());
            let is_left_out = name.starts_with(['.', '_'])
                || matches!(&*name, "vendor" | "testdata" | "node_modules")
                || path.is_empty() && matches!(&*name, "internal" | "cmd");
            // A module inside another has paths of its own.
            if !is_dir || is_left_out || entry.path().join("go.mod").is_file() {
                continue;
            }
            let path = match path.is_empty() {
                true => name.clone(),
                false => format!("{path}/{name}"),
            };
            if name == package {
                found.push(path.clone());
            }
            open.push((entry.path(), path));
        }
    }
}

/// Opens the package of a place, with a file more.
fn open(place: &Place, options: &Options, query: String) -> Workspace {
    let query = match query.is_empty() {
        true => format!("package {}\n", place.package),
        false => query,
    };
    Options {
        dir: place.dir.clone(),
        patterns: place.patterns.clone(),
        tests: true,
        overlay: vec![(place.query.clone(), query.into_bytes())],
        ..options.clone()
    }
    .open()
}

/// The package that holds the question.
fn root(workspace: &Workspace, place: &Place) -> Option<tophash_workspace::PackageId> {
    let holds = |&&id: &&tophash_workspace::PackageId| {
        let files = &workspace.package(id).files;
        files
            .iter()
            .any(|&file| workspace.file(file).path == place.query)
    };
    workspace.roots().iter().find(holds).copied()
}

/// Asks what types are in a package, given further imports: of map types, for keys and elements.
fn query(
    place: &Place,
    options: &Options,
    imports: &[(String, String)],
    texts: &[String],
    role: Role,
) -> Vec<Result<Vec<Arc<GoType>>, Why>> {
    let mut source = format!("package {}\n", place.package);
    for (alias, path) in imports {
        source.push_str(&format!("import {alias} {path:?}\n"));
    }
    let mut starts = Vec::new();
    for (i, text) in texts.iter().enumerate() {
        source.push_str("var ");
        starts.push(source.len() as u32);
        source.push_str(&format!("{QUERY}_{i} {text}\n"));
    }
    let workspace = open(place, options, source);
    let program = Program::new(&workspace);
    let package = root(&workspace, place).map(|id| program.package_id(id));
    let file = package.and_then(|package| {
        let files = program.files(package).iter().copied();
        let mut files =
            files.filter(|&id| workspace.file(program.workspace_file(id)).path == place.query);
        files.next()
    });
    let Some(file) = file else {
        return texts.iter().map(|_| Err(Why::Absent)).collect();
    };
    let mut checker = Checker::new(&program);
    let body = checker.check_initialisers(file);
    let answers: Vec<Result<Vec<Arc<GoType>>, Why>> = starts
        .iter()
        .map(|&start| {
            let object = body.definition(start).ok_or(Why::Absent)?;
            match checker.type_of(object) {
                TypeId::UNKNOWN => Err(Why::Absent),
                ty => {
                    let mut converter = Converter::new(&mut checker);
                    let answer = match role {
                        Role::Map => converter.map_parts(ty),
                        Role::Type | Role::Length => converter.convert(ty).map(|ty| vec![ty]),
                    };
                    answer.map_err(Why::Layout)
                }
            }
        })
        .collect();
    answers
        .into_iter()
        .map(|answer| answer.map_err(|why| with_missing_import(why, &workspace)))
        .collect()
}

/// Names the import that could not be found, which is why a type is not known.
fn with_missing_import(why: Why, workspace: &Workspace) -> Why {
    let Why::Layout(clause) = why else {
        return why;
    };
    let missing = workspace
        .problems()
        .into_iter()
        .find_map(|problem| match problem.kind {
            ProblemKind::ImportNotFound(path) => Some(path),
            _ => None,
        });
    Why::Layout(match missing {
        Some(path) => format!("{clause} (import {path:?} was not found)"),
        None => clause,
    })
}
