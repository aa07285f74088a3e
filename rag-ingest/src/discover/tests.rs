use std::fs;
use std::path::Path;

use tempfile::{TempDir, tempdir};

use super::{
    Cursor, DiscoverError, FoundFile, Ignored, Links, Problem, Rules, Walker, distinct, resolve,
};
use crate::collection::Scope;

/// All of a walk, in one piece.
#[derive(Debug, Default, PartialEq, Eq)]
struct Found {
    files: Vec<FoundFile>,
    problems: Vec<Problem>,
    ignored: Ignored,
}

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

fn scopes(root: &Path) -> Vec<Scope> {
    let roots = resolve(&[root.to_owned()]).unwrap();
    roots
        .into_iter()
        .map(|root| Scope {
            source: 1,
            location: root.folder,
            part: root.file.unwrap_or_default(),
        })
        .collect()
}

/// Walks in pages of `entries`, each by a walker of its own, as after a crash.
fn walked(scopes: &[Scope], entries: usize) -> Found {
    let mut found = Found::default();
    let mut next = Some(Cursor::default());
    while let Some(cursor) = next {
        let page = Walker::new(scopes.to_vec(), cursor).page(entries);
        found
            .files
            .extend(page.files.into_iter().map(|(_, file)| file));
        for (_, problem) in page.problems {
            // A folder that cannot be opened is met again by the walk that goes on behind it.
            if !found.problems.contains(&problem) {
                found.problems.push(problem);
            }
        }
        found.ignored.add(&page.ignored);
        next = page.next;
    }
    found
}

fn list(root: &Path) -> Found {
    walked(&scopes(root), usize::MAX)
}

fn paths(listing: &Found) -> Vec<&str> {
    listing
        .files
        .iter()
        .map(|file| file.path.as_str())
        .collect()
}

#[test]
fn files_are_listed_by_the_bytes_of_their_names_folder_by_folder() {
    let folder = folder(&[("b/z.md", ""), ("a.txt", ""), ("b.txt", ""), ("B.TXT", "")]);
    assert_eq!(
        paths(&list(folder.path())),
        ["B.TXT", "a.txt", "b/z.md", "b.txt"]
    );
}

#[test]
fn a_file_is_described_by_size_and_time_and_told_apart_by_its_hash() {
    let folder = folder(&[("a.txt", "Hello World")]);
    let listing = list(folder.path());
    let file = &listing.files[0];
    assert_eq!(file.size, 11);
    assert!(file.mtime_ns > 1_600_000_000_000_000_000);
    let (stamp, hash) = super::examine(&file.location()).unwrap();
    assert_eq!((stamp.size, stamp.mtime_ns), (file.size, file.mtime_ns));
    assert_eq!(hash, blake3::hash(b"Hello World").to_hex().to_string());
}

#[test]
fn pages_of_any_size_give_the_same_files_in_the_same_order() {
    let names = [
        "a/b/c.txt",
        "a/b.txt",
        "a.txt",
        "a-b/x.md",
        "a b/y.md",
        "z.txt",
        "a/b/d/e/f.txt",
        "a0.txt",
        "m/image.png",
        "m/n.txt",
    ];
    let files: Vec<_> = names.iter().map(|name| (*name, "x")).collect();
    let folder = folder(&files);
    let scopes = scopes(folder.path());
    let whole = walked(&scopes, usize::MAX);
    assert_eq!(whole.files.len(), 9);
    for entries in 1..=names.len() + 1 {
        assert_eq!(walked(&scopes, entries), whole, "pages of {entries}");
    }
}

#[test]
fn a_walk_that_goes_on_does_not_list_again_what_it_has_passed() {
    let folder = folder(&[("a/1.txt", ""), ("a/2.txt", ""), ("b/1.txt", "")]);
    let scopes = scopes(folder.path());
    let from = Cursor {
        scope: 0,
        path: "a/1.txt".to_owned(),
    };
    let page = Walker::new(scopes, from).page(10);
    let paths: Vec<_> = page
        .files
        .iter()
        .map(|(_, file)| file.path.as_str())
        .collect();
    assert_eq!(paths, ["a/2.txt", "b/1.txt"]);
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
    let error = resolve(&[folder.path().to_owned(), missing]).unwrap_err();
    assert!(matches!(&error, DiscoverError::Root { root, .. } if root.ends_with("nowhere")));
    assert!(error.to_string().contains("No such file"), "{error}");
}

#[test]
fn no_root_at_all_is_an_error() {
    assert_eq!(resolve(&[]).unwrap_err(), DiscoverError::NoRoots);
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
    let whole = Scope {
        source: 1,
        location: "/docs".to_owned(),
        part: String::new(),
    };
    let part = Scope {
        part: "in".to_owned(),
        ..whole.clone()
    };
    let other = Scope {
        source: 2,
        ..part.clone()
    };
    assert_eq!(
        distinct(vec![part, whole.clone(), other.clone(), whole.clone()]),
        [whole, other]
    );
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
            assert_eq!(listing.problems.len(), 1);
            let problem = &listing.problems[0];
            assert!(problem.path == "in" && problem.hides, "{problem:?}");
            assert!(problem.error.contains("ermission denied"), "{problem:?}");
            // It can be listed; that it cannot be read is found out when it is.
            assert_eq!(paths(&listing), ["a.txt", "b.txt"]);
            let refused = super::super::hash(&folder.path().join("b.txt")).unwrap_err();
            assert_eq!(refused.kind(), std::io::ErrorKind::PermissionDenied);
        }
    }
}

/// As [`walked`], by some rules; in pages of one, so that every place is a place to go on from.
#[cfg(unix)]
fn linked(root: &Path, links: Links) -> Found {
    let rules = Rules {
        links,
        ..Rules::default()
    };
    let mut found = Found::default();
    let mut next = Some(Cursor::default());
    while let Some(cursor) = next {
        let selection = rules.compile().unwrap();
        let page = Walker::new(scopes(root), cursor)
            .selecting(selection)
            .page(1);
        found
            .files
            .extend(page.files.into_iter().map(|(_, file)| file));
        for (_, problem) in page.problems {
            if !found.problems.contains(&problem) {
                found.problems.push(problem);
            }
        }
        next = page.next;
    }
    found
}

#[cfg(unix)]
#[test]
fn links_are_followed_as_the_policy_says_and_loops_end() {
    use std::os::unix::fs::symlink;

    let outside = folder(&[("far.txt", "x")]);
    let folder = folder(&[("a/b.txt", "x"), ("c/d.txt", "y")]);
    symlink("../a", folder.path().join("c/within")).unwrap();
    symlink(outside.path(), folder.path().join("c/without")).unwrap();
    symlink("..", folder.path().join("c/up")).unwrap();
    symlink("nowhere", folder.path().join("dangling")).unwrap();

    assert_eq!(
        paths(&linked(folder.path(), Links::Skip)),
        ["a/b.txt", "c/d.txt"]
    );
    let inside = linked(folder.path(), Links::Inside);
    assert_eq!(paths(&inside), ["a/b.txt", "c/d.txt", "c/within/b.txt"]);
    let all = linked(folder.path(), Links::Follow);
    assert_eq!(
        paths(&all),
        ["a/b.txt", "c/d.txt", "c/within/b.txt", "c/without/far.txt"]
    );
    for found in [&inside, &all] {
        let at = |path: &str| found.problems.iter().find(|problem| problem.path == path);
        let looped = at("c/up").unwrap();
        assert!(looped.error.contains("loop") && !looped.hides, "{looped:?}");
        let dangling = at("dangling").unwrap();
        assert!(
            dangling.error.contains("dangling") && dangling.hides,
            "{dangling:?}"
        );
    }
}

#[cfg(unix)]
#[test]
fn links_that_are_passed_by_are_counted() {
    let outside = folder(&[("far.txt", "x")]);
    let folder = folder(&[("a.txt", "x")]);
    std::os::unix::fs::symlink(outside.path(), folder.path().join("link")).unwrap();
    for links in [Links::Skip, Links::Inside] {
        let rules = Rules {
            links,
            ..Rules::default()
        };
        let mut walker = Walker::new(scopes(folder.path()), Cursor::default())
            .selecting(rules.compile().unwrap());
        assert_eq!(walker.page(usize::MAX).ignored.links, 1, "{links:?}");
    }
}
