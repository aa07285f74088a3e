//! Expansions against the ones in `snapshots/`: `declared.rs` expands to `expanded.rs`.
//!
//! `SNAPSHOTS=overwrite cargo test -p durable-macros` writes the expansions anew.

use std::path::{Path, PathBuf};
use std::{env, fs};

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Attribute, Item, ItemFn, Meta};

use crate::{part, step, transaction, workflow};

#[test]
fn expansions_are_the_committed_ones() {
    let mut different = Vec::new();
    for case in cases() {
        let expanded = expand(&read(&case.join("declared.rs")));
        let snapshot = case.join("expanded.rs");
        if env::var("SNAPSHOTS").is_ok_and(|value| value == "overwrite") {
            fs::write(&snapshot, &expanded).unwrap();
        } else if expanded != read(&snapshot) {
            different.push(format!("{}:\n{expanded}", snapshot.display()));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn a_pure_expansion_is_the_same_every_time() {
    for case in cases() {
        let declared = read(&case.join("declared.rs"));
        assert_eq!(expand(&declared), expand(&declared));
    }
}

fn cases() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots");
    let mut cases: Vec<PathBuf> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    cases.sort();
    assert!(!cases.is_empty());
    cases
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn expand(declared: &str) -> String {
    let mut function: ItemFn = syn::parse_str(declared).unwrap();
    let position = function
        .attrs
        .iter()
        .position(|attribute| role(attribute).is_some())
        .unwrap();
    let attribute = function.attrs.remove(position);
    let options = match &attribute.meta {
        Meta::List(list) => list.tokens.clone(),
        _ => TokenStream::new(),
    };
    let expanded = role(&attribute).unwrap()(options, function.to_token_stream());
    let items = syn::parse2::<syn::File>(expanded).unwrap();
    let count = |item: &&Item| matches!(item, Item::Fn(_));
    assert_eq!(
        items.items.iter().filter(count).count(),
        1,
        "one public function"
    );
    prettyplease::unparse(&items)
}

type Expand = fn(TokenStream, TokenStream) -> TokenStream;

fn role(attribute: &Attribute) -> Option<Expand> {
    let path = attribute.path();
    if path.is_ident("step") {
        Some(step::expand)
    } else if path.is_ident("transaction") {
        Some(transaction::expand)
    } else if path.is_ident("workflow") {
        Some(workflow::expand)
    } else if path.is_ident("workflow_part") {
        Some(part::expand)
    } else {
        None
    }
}
