use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The node types of CasareRPA, by family.
const NAMES: &str = include_str!("foreign.txt");
/// Families that only a Windows desktop can run.
const DESKTOP: [&str; 2] = ["System, clipboard, dialogs", "Desktop, Office (Windows)"];

/// A node type of CasareRPA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Foreign {
    /// The family it belongs to.
    pub family: &'static str,
}

impl Foreign {
    /// Whether it needs a desktop that somebody sits at.
    pub fn is_for_desktops(&self) -> bool {
        DESKTOP.contains(&self.family)
    }
}

static FOREIGN: LazyLock<BTreeMap<&'static str, Foreign>> = LazyLock::new(|| {
    let mut types = BTreeMap::new();
    let mut family = "";
    for line in NAMES.lines() {
        match line.strip_prefix("# ") {
            Some(name) => family = name,
            None => {
                types.insert(line, Foreign { family });
            }
        }
    }
    types
});

/// The node type that CasareRPA has under this name, whether it can be run here or not.
pub fn foreign(name: &str) -> Option<Foreign> {
    FOREIGN.get(name).copied()
}
