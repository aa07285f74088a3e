//! Which browser is used, and whether there is one.

use std::path::{Path, PathBuf};

/// What browsers of the Chromium family are called.
const NAMES: [&str; 5] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
];
/// Names the program that is to be used.
const VARIABLE: &str = "CHROME";

/// The program of a browser: the one that a node names, or that the environment variable CHROME names, or the first on the
/// path that is known.
pub(crate) fn find(named: Option<&str>) -> Result<PathBuf, String> {
    let named = named.map(str::trim).filter(|name| !name.is_empty());
    if let Some(name) = named {
        return on_path(name).ok_or_else(|| {
            format!("there is no browser {name} here; correct `executable_path`, or leave it out")
        });
    }
    if let Some(name) = std::env::var_os(VARIABLE).filter(|name| !name.is_empty()) {
        let name = name.to_string_lossy().into_owned();
        return on_path(&name).ok_or_else(|| {
            format!("there is no browser {name}, which the environment variable {VARIABLE} names")
        });
    }
    NAMES.iter().find_map(|name| on_path(name)).ok_or_else(|| {
        format!(
            "this host has no Chromium: none of {} is on the path; install it (Debian: apt-get install chromium), or name it \
             with the environment variable {VARIABLE}",
            NAMES.join(", ")
        )
    })
}

fn on_path(name: &str) -> Option<PathBuf> {
    if name.contains('/') {
        return Some(PathBuf::from(name)).filter(|path| is_program(path));
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;

    std::fs::metadata(path)
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_a_node_names_has_to_be_there() {
        assert_eq!(find(Some("/bin/sh")), Ok(PathBuf::from("/bin/sh")));
        assert!(find(Some("sh")).is_ok());
        for missing in ["/bin/no-such-browser", "no-such-browser", "/etc/passwd"] {
            let refused = find(Some(missing)).unwrap_err();
            assert!(
                refused.contains(missing) && refused.contains("executable_path"),
                "{refused}"
            );
        }
    }
}
