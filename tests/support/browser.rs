//! Chromium, what steers it, and pages to show it.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::gateway::Gateway;
use super::tools;

/// A browser, what steers it, and a page to show.
pub(crate) struct Browser {
    pub(crate) node: PathBuf,
    program: PathBuf,
    modules: PathBuf,
}

impl Browser {
    /// Debian's Chromium; nothing, aloud, where it or something that it needs is missing.
    pub(crate) fn found() -> Option<Self> {
        Self::named("chromium", &["playwright-core", "axe-core"])
    }

    /// Debian's Firefox.
    pub(crate) fn firefox() -> Option<Self> {
        Self::named("firefox-esr", &["ws"])
    }

    /// Tells a script where everything is.
    pub(crate) fn at<'a>(&self, gateway: &Gateway, command: &'a mut Command) -> &'a mut Command {
        command.current_dir(env!("CARGO_MANIFEST_DIR")).env("CONSOLE", format!("http://{}", gateway.http()));
        command.env("BROWSER", &self.program).env("MODULES", &self.modules)
    }

    fn named(program: &str, packages: &[&str]) -> Option<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let modules = root.join("target/node/node_modules");
        let (node, program) = tools::find("node").zip(tools::find(program))?;
        let lacking = if packages.iter().any(|package| !modules.join(package).is_dir()) {
            Some("the packages that steer a browser are not installed (make test does it)")
        } else if !root.join("console/dist/index.html").is_file() || !root.join("console/sdk/dist/auricle.js").is_file() {
            Some("the console is not built (make console does it)")
        } else {
            None
        };
        lacking.map_or(Some(Self { node, program, modules }), |reason| {
            tools::skip(reason);
            None
        })
    }
}
