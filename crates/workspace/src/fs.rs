//! Directories and files as this crate sees them: an overlay of texts in memory
//! first, then the disk; every directory is listed once.

use crate::store::Memo;
use rustc_hash::FxHashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A read-only file system with an overlay.
pub struct FileSystem {
    overlay: FxHashMap<PathBuf, Arc<[u8]>>,
    /// What the overlay adds to each directory on the way to its files.
    overlay_entries: FxHashMap<PathBuf, Vec<Entry>>,
    listings: Memo<PathBuf, Arc<Listing>>,
}

/// The entries of a directory, sorted by name; none if there is no such directory.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub(crate) exists: bool,
    /// Why a directory that is there can't be listed.
    pub(crate) error: Option<String>,
    /// Go files, and directories of some, whose names are not UTF-8. They are not
    /// among the entries: no import path and no output could name them.
    pub(crate) unnamable: Vec<PathBuf>,
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) name: Box<str>,
    pub(crate) kind: EntryKind,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum EntryKind {
    /// A file, also through a symbolic link, be it one that leads nowhere: reading
    /// it says so.
    File,
    Dir,
    /// A symbolic link to a directory: patterns do not follow it.
    DirLink,
}

impl FileSystem {
    /// The disk with `overlay` over it: absolute paths and their texts, which need
    /// not exist on disk.
    pub fn new(overlay: impl IntoIterator<Item = (PathBuf, Vec<u8>)>) -> FileSystem {
        let overlay: FxHashMap<PathBuf, Arc<[u8]>> = overlay
            .into_iter()
            .map(|(path, text)| (path, text.into()))
            .collect();
        let mut overlay_entries: FxHashMap<PathBuf, Vec<Entry>> = FxHashMap::default();
        for path in overlay.keys() {
            let mut kind = EntryKind::File;
            let mut child = path.as_path();
            while let (Some(dir), Some(name)) = (child.parent(), child.file_name()) {
                let entries = overlay_entries.entry(dir.to_owned()).or_default();
                if let Some(name) = name.to_str() {
                    if entries.iter().any(|e| &*e.name == name) {
                        break;
                    }
                    let name = name.into();
                    entries.push(Entry { name, kind });
                }
                kind = EntryKind::Dir;
                child = dir;
            }
        }
        FileSystem {
            overlay,
            overlay_entries,
            listings: Memo::new(),
        }
    }

    /// The bytes of a file.
    pub fn read(&self, path: &Path) -> io::Result<Box<[u8]>> {
        match self.overlay.get(path) {
            Some(text) => Ok((**text).into()),
            None => Ok(std::fs::read(path)?.into_boxed_slice()),
        }
    }

    /// A small configuration file as text; none if it is not there.
    pub(crate) fn read_text(&self, path: &Path) -> Option<String> {
        let bytes = self.read(path).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    pub(crate) fn list(&self, dir: &Path) -> Arc<Listing> {
        self.listings
            .get_or_init(dir, || Arc::new(self.read_dir(dir)))
    }

    fn read_dir(&self, dir: &Path) -> Listing {
        let mut listing = Listing::default();
        let entries = std::fs::read_dir(dir);
        if let Err(error) = &entries
            && error.kind() == io::ErrorKind::PermissionDenied
        {
            listing.exists = true;
            listing.error = Some(error.to_string());
        }
        if let Ok(entries) = entries {
            listing.exists = true;
            for entry in entries.flatten() {
                let Ok(name) = entry.file_name().into_string() else {
                    if holds_source(&entry.path()) {
                        listing.unnamable.push(entry.path());
                    }
                    continue;
                };
                let Ok(file_type) = entry.file_type() else {
                    continue;
                };
                let kind = if file_type.is_dir() {
                    EntryKind::Dir
                } else if file_type.is_file() {
                    EntryKind::File
                } else {
                    // Links are followed; pipes and sockets are not source.
                    match std::fs::metadata(entry.path()) {
                        Ok(target) if target.is_dir() => EntryKind::DirLink,
                        Ok(target) if target.is_file() => EntryKind::File,
                        Err(_) if name.ends_with(".go") => EntryKind::File,
                        _ => continue,
                    }
                };
                let name = name.into_boxed_str();
                listing.entries.push(Entry { name, kind });
            }
        }
        if let Some(extra) = self.overlay_entries.get(dir) {
            listing.exists = true;
            for entry in extra {
                if listing.entries.iter().all(|e| e.name != entry.name) {
                    listing.entries.push(entry.clone());
                }
            }
        }
        listing.entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        listing
    }
}

/// Whether a path is that of a Go file or of a directory with one.
fn holds_source(path: &Path) -> bool {
    let is_go = |path: &Path| path.extension().is_some_and(|extension| extension == "go");
    let entries = || std::fs::read_dir(path).into_iter().flatten().flatten();
    is_go(path) || entries().any(|entry| is_go(&entry.path()))
}

impl Default for FileSystem {
    fn default() -> FileSystem {
        FileSystem::new([])
    }
}

impl Listing {
    pub(crate) fn has_file(&self, name: &str) -> bool {
        let found = self.entries.binary_search_by(|e| (*e.name).cmp(name));
        found.is_ok_and(|i| self.entries[i].kind == EntryKind::File)
    }

    pub(crate) fn has_dir(&self, name: &str) -> bool {
        let found = self.entries.binary_search_by(|e| (*e.name).cmp(name));
        found.is_ok_and(|i| self.entries[i].kind != EntryKind::File)
    }

    /// Names of files ending in `.go`, whatever their constraints.
    pub(crate) fn go_files(&self) -> impl Iterator<Item = &str> {
        let files = self.entries.iter().filter(|e| e.kind == EntryKind::File);
        files.map(|e| &*e.name).filter(|name| name.ends_with(".go"))
    }

    pub(crate) fn has_go_files(&self) -> bool {
        self.go_files().next().is_some()
    }

    /// Names of directories that are not symbolic links.
    pub(crate) fn dirs(&self) -> impl Iterator<Item = &str> {
        let dirs = self.entries.iter().filter(|e| e.kind == EntryKind::Dir);
        dirs.map(|e| &*e.name)
    }
}
