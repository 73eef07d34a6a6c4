//! What happened in a run, for those who wonder.

use std::time::Duration;

use tophash_workspace::Workspace;

use crate::progress::Stage;

/// What happened in a run.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// What was loaded: Go distribution, platform, modules; one line each.
    pub loaded: Vec<String>,
    /// Files of dependencies that were read for what they declare.
    pub dependency_files: u64,
    /// Wall time of each stage, in order.
    pub stages: Vec<(Stage, Duration)>,
}

impl Trace {
    pub(crate) fn describe(&mut self, workspace: &Workspace) {
        self.loaded.push(match workspace.goroot() {
            Some(goroot) => format!("GOROOT {} (go{})", goroot.src.display(), goroot.version),
            None => "no GOROOT: the standard library is unknown".into(),
        });
        let build = workspace.build();
        let cgo = if build.cgo { "with cgo" } else { "without cgo" };
        let mut tags: Vec<&str> = build.tags.iter().map(String::as_str).collect();
        tags.sort_unstable();
        let tags = tags.join(",");
        self.loaded
            .push(format!("{}/{} {cgo}, tags {tags}", build.os, build.arch));
        let packages = workspace.roots().iter().map(|&id| workspace.package(id));
        let mut modules: Vec<String> = packages
            .filter_map(|package| package.module.as_ref())
            .map(|module| format!("module {} in {}", module.path, module.dir.display()))
            .collect();
        modules.sort();
        modules.dedup();
        self.loaded.extend(modules);
    }
}
