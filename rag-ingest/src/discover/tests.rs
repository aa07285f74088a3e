use std::fs;
use std::path::Path;

use tempfile::{TempDir, tempdir};

use super::{DiscoverError, Listing, discover};

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

fn list(root: &Path) -> Listing {
    discover(&[root.to_owned()]).unwrap()
}

fn paths(listing: &Listing) -> Vec<&str> {
    listing
        .files
        .iter()
        .map(|file| file.path.as_str())
        .collect()
}

#[test]
fn files_are_listed_by_the_bytes_of_their_paths() {
    let folder = folder(&[("b/z.md", ""), ("a.txt", ""), ("b.txt", ""), ("B.TXT", "")]);
    assert_eq!(
        paths(&list(folder.path())),
        ["B.TXT", "a.txt", "b.txt", "b/z.md"]
    );
}

#[test]
fn a_file_is_described_by_size_time_and_hash() {
    let folder = folder(&[("a.txt", "Hello World")]);
    let listing = list(folder.path());
    let file = &listing.files[0];
    assert_eq!(file.size, 11);
    assert_eq!(file.hash, blake3::hash(b"Hello World").to_hex().to_string());
    assert!(file.mtime_ms > 1_600_000_000_000);
    assert_eq!(fs::read(file.location()).unwrap(), b"Hello World");
}

#[test]
fn other_kinds_of_files_are_counted_by_extension() {
    let folder = folder(&[("a.PNG", ""), ("b.png", ""), ("core", ""), ("c.txt", "")]);
    let ignored = list(folder.path()).ignored.unsupported;
    assert_eq!(
        ignored.into_iter().collect::<Vec<_>>(),
        [(String::new(), 1), ("png".into(), 2)]
    );
}

#[test]
fn hidden_files_and_those_named_by_ignore_files_are_left_out() {
    let folder = folder(&[
        (".hidden.txt", ""),
        (".gitignore", "drafts/\n"),
        (".ragignore", "*.log\n"),
        ("drafts/a.txt", ""),
        ("b.log", ""),
        ("c.txt", ""),
    ]);
    assert_eq!(paths(&list(folder.path())), ["c.txt"]);
}

#[test]
fn a_missing_root_is_an_error_that_names_it() {
    let folder = folder(&[("a.txt", "")]);
    let missing = folder.path().join("nowhere");
    let error = discover(&[folder.path().to_owned(), missing]).unwrap_err();
    assert!(matches!(&error, DiscoverError::Root { root, .. } if root.ends_with("nowhere")));
    assert!(error.to_string().contains("No such file"), "{error}");
}

#[test]
fn no_root_at_all_is_an_error() {
    assert_eq!(discover(&[]).unwrap_err(), DiscoverError::NoRoots);
}

#[test]
fn a_single_file_can_be_a_root() {
    let folder = folder(&[("a.txt", "x"), ("b.txt", "y")]);
    let listing = list(&folder.path().join("a.txt"));
    assert_eq!(paths(&listing), ["a.txt"]);
    assert_eq!(fs::read(listing.files[0].location()).unwrap(), b"x");
}

#[test]
fn a_file_under_two_roots_is_listed_once() {
    let folder = folder(&[("in/a.txt", "x")]);
    let roots = [folder.path().to_owned(), folder.path().join("in")];
    assert_eq!(paths(&discover(&roots).unwrap()), ["in/a.txt"]);
}

#[cfg(unix)]
mod links {
    use std::os::unix::fs::symlink;

    use super::{folder, list, paths};

    #[test]
    fn a_link_to_a_folder_it_lies_in_is_reported_as_a_loop() {
        let folder = folder(&[("in/a.txt", "")]);
        symlink("..", folder.path().join("in/up")).unwrap();
        let listing = list(folder.path());
        assert_eq!(paths(&listing), ["in/a.txt"]);
        assert_eq!(listing.problems.len(), 1);
        assert!(listing.problems[0].path.ends_with("in/up"));
        assert!(listing.problems[0].error.contains("symbolic link loop"));
    }

    #[test]
    fn a_link_to_itself_is_reported_as_a_loop() {
        let folder = folder(&[]);
        symlink("self", folder.path().join("self")).unwrap();
        let problems = list(folder.path()).problems;
        assert!(
            problems[0].error.contains("symbolic link loop"),
            "{problems:?}"
        );
    }

    #[test]
    fn a_dangling_link_is_reported_with_its_target() {
        let folder = folder(&[("a.txt", "")]);
        symlink("gone.txt", folder.path().join("b.txt")).unwrap();
        let listing = list(folder.path());
        assert_eq!(paths(&listing), ["a.txt"]);
        assert!(
            listing.problems[0]
                .error
                .contains("gone.txt does not exist")
        );
    }

    #[test]
    fn other_links_are_counted_and_not_followed() {
        let folder = folder(&[("in/a.txt", "")]);
        symlink("in/a.txt", folder.path().join("b.txt")).unwrap();
        symlink("in", folder.path().join("other")).unwrap();
        let listing = list(folder.path());
        assert_eq!(
            (paths(&listing), listing.ignored.links),
            (vec!["in/a.txt"], 2)
        );
        assert_eq!(listing.problems, []);
    }

    #[test]
    fn a_root_may_be_a_link() {
        let folder = folder(&[("in/a.txt", "")]);
        let root = folder.path().join("root");
        symlink("in", &root).unwrap();
        assert_eq!(paths(&list(&root)), ["a.txt"]);
    }

    #[test]
    fn what_may_not_be_read_is_a_problem_with_its_reason() {
        use std::fs::{self, Permissions};
        use std::os::unix::fs::PermissionsExt;

        let folder = folder(&[("a.txt", ""), ("b.txt", ""), ("in/c.txt", "")]);
        for name in ["b.txt", "in"] {
            fs::set_permissions(folder.path().join(name), Permissions::from_mode(0o000)).unwrap();
        }
        // The superuser may read everything, so there is nothing to see.
        let superuser = fs::read_dir(folder.path().join("in")).is_ok();
        let listing = list(folder.path());
        fs::set_permissions(folder.path().join("in"), Permissions::from_mode(0o700)).unwrap();
        if !superuser {
            assert_eq!(paths(&listing), ["a.txt"]);
            assert_eq!(listing.problems.len(), 2);
            assert!(
                listing
                    .problems
                    .iter()
                    .all(|it| it.error.contains("ermission denied"))
            );
        }
    }
}
