//! The `use`s and items in a body: what the first segment of a path stands for.

use std::collections::BTreeMap;

use proc_macro2::Ident;
use syn::ext::IdentExt;
use syn::{ExprPath, Item, Path, Stmt, UseTree};

/// The imports of the blocks around one place.
#[derive(Default)]
pub(super) struct Imports {
    blocks: Vec<Names>,
}

#[derive(Default)]
struct Names {
    /// What a name stands for; nothing for an item of the body itself.
    names: BTreeMap<String, Option<Vec<String>>>,
    globs: Vec<Vec<String>>,
}

impl Imports {
    /// Reads the items of a block: they can be named before they are written.
    pub(super) fn enter(&mut self, statements: &[Stmt]) {
        let mut names = Names::default();
        for statement in statements {
            if let Stmt::Item(item) = statement {
                names.item(item);
            }
        }
        self.blocks.push(names);
    }

    /// How many blocks are around this place.
    pub(super) fn mark(&self) -> usize {
        self.blocks.len()
    }

    /// Leaves the blocks since a mark.
    pub(super) fn back_to(&mut self, mark: usize) {
        self.blocks.truncate(mark);
    }

    /// What a path names, from its crate on as far as that can be seen; nothing if it is the
    /// author's own.
    pub(super) fn resolve(&self, path: &Path) -> Option<Vec<String>> {
        let mut segments = segments(path);
        if path.leading_colon.is_none() {
            // An import may start at another one; no body chains more than a few.
            for _ in 0..4 {
                let Some(target) = segments.first().and_then(|first| self.name(first)) else {
                    break;
                };
                let target = target.as_ref()?;
                let is_itself = segments.first() == target.first() && target.len() == 1;
                let mut resolved = target.clone();
                resolved.extend(segments.drain(1..));
                segments = resolved;
                if is_itself || segments.first() == target.last() {
                    break;
                }
            }
        }
        let first = segments.first_mut()?;
        match first.as_str() {
            "crate" | "self" | "super" | "Self" => return None,
            "core" | "alloc" => "std".clone_into(first),
            _ => {}
        }
        Some(segments)
    }

    /// The modules of which all names are here.
    pub(super) fn globs(&self) -> impl Iterator<Item = &Vec<String>> {
        self.blocks.iter().flat_map(|block| &block.globs)
    }

    fn name(&self, name: &str) -> Option<&Option<Vec<String>>> {
        let mut blocks = self.blocks.iter().rev();
        blocks.find_map(|block| block.names.get(name))
    }
}

impl Names {
    fn item(&mut self, item: &Item) {
        let own = match item {
            Item::Use(item) => {
                self.tree(&mut Vec::new(), &item.tree);
                return;
            }
            Item::Const(item) => &item.ident,
            Item::Enum(item) => &item.ident,
            Item::Fn(item) => &item.sig.ident,
            Item::Mod(item) => &item.ident,
            Item::Static(item) => &item.ident,
            Item::Struct(item) => &item.ident,
            Item::Trait(item) => &item.ident,
            Item::Type(item) => &item.ident,
            _ => return,
        };
        self.names.insert(text(own), None);
    }

    fn tree(&mut self, prefix: &mut Vec<String>, tree: &UseTree) {
        match tree {
            UseTree::Path(path) => {
                prefix.push(text(&path.ident));
                self.tree(prefix, &path.tree);
                prefix.pop();
            }
            UseTree::Name(name) if name.ident == "self" => {
                if let Some(last) = prefix.last() {
                    self.names.insert(last.clone(), Some(prefix.clone()));
                }
            }
            UseTree::Name(name) => self.insert(prefix, &name.ident, &name.ident),
            UseTree::Rename(rename) if rename.ident == "self" => {
                self.names
                    .insert(text(&rename.rename), Some(prefix.clone()));
            }
            UseTree::Rename(rename) => self.insert(prefix, &rename.ident, &rename.rename),
            UseTree::Glob(_) => self.globs.push(prefix.clone()),
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.tree(prefix, tree);
                }
            }
        }
    }

    fn insert(&mut self, prefix: &[String], name: &Ident, called: &Ident) {
        let mut path = prefix.to_vec();
        path.push(text(name));
        self.names.insert(text(called), Some(path));
    }
}

fn text(ident: &Ident) -> String {
    ident.unraw().to_string()
}

/// The names of a path's segments.
pub(super) fn segments(path: &Path) -> Vec<String> {
    path.segments
        .iter()
        .map(|segment| text(&segment.ident))
        .collect()
}

/// A variable's name, if a path may be one.
pub(super) fn variable(path: &ExprPath) -> Option<&Ident> {
    if path.qself.is_some() {
        return None;
    }
    path.path.get_ident()
}
