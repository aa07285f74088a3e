use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use lopdf::{Dictionary, Document, Object, ObjectId};

use super::open::{Pdf, broken};
use crate::fault::Fault;

/// How deep pages may lie in the tree of pages.
const DEEPEST: usize = 64;
/// What a page has from the nodes of the tree above it, where it does not say so itself.
const INHERITED: [&[u8]; 4] = [b"Resources", b"MediaBox", b"CropBox", b"Rotate"];

/// A PDF that is put together from pages of others. Each page takes along what it needs, and nothing else.
pub(super) struct Assembly {
    document: Document,
    tree: ObjectId,
    pages: Vec<ObjectId>,
}

/// The copies of what one PDF has.
struct Copies {
    /// Where objects of the source are in the new document.
    known: BTreeMap<ObjectId, ObjectId>,
    /// Those that are still to be copied.
    waiting: Vec<ObjectId>,
    /// What is no part of a page, though pages refer to it: other pages, and the tree of them.
    outside: BTreeSet<ObjectId>,
}

impl Assembly {
    pub(super) fn new() -> Self {
        let mut document = Document::with_version("1.7");
        let tree = document.new_object_id();
        Self {
            document,
            tree,
            pages: Vec::new(),
        }
    }

    /// Adds pages, which count from 1.
    ///
    /// # Errors
    /// A page cannot be read.
    pub(super) fn add(&mut self, pdf: &Pdf, numbers: &[u32]) -> Result<(), Fault> {
        let source = pdf.document();
        let mut copies = Copies {
            known: BTreeMap::new(),
            waiting: Vec::new(),
            outside: tree_of(source, pdf.pages()),
        };
        let mut taken = Vec::new();
        for number in numbers {
            let place = usize::try_from(*number)
                .unwrap_or(usize::MAX)
                .wrapping_sub(1);
            let old = pdf.pages().get(place).copied();
            let old = old.ok_or_else(|| broken(pdf.path(), &format!("it has no page {number}")))?;
            let new = self.document.new_object_id();
            // References to a page that is there twice lead to the first.
            copies.known.entry(old).or_insert(new);
            taken.push((old, new));
        }
        for (old, new) in taken {
            let page = page(source, old).map_err(|error| broken(pdf.path(), &error.to_string()))?;
            let mut page = self.copy_dictionary(&page, &mut copies);
            page.set("Parent", self.tree);
            self.document.objects.insert(new, Object::Dictionary(page));
            self.pages.push(new);
        }
        while let Some(old) = copies.waiting.pop() {
            let Some(new) = copies.known.get(&old).copied() else {
                continue;
            };
            // What a reference does not find is null.
            let copy = match source.get_object(old) {
                Ok(found) => self.copy(found, &mut copies),
                Err(_) => Object::Null,
            };
            self.document.objects.insert(new, copy);
        }
        Ok(())
    }

    fn copy(&mut self, object: &Object, copies: &mut Copies) -> Object {
        match object {
            Object::Reference(old) => match copies.known.get(old) {
                Some(new) => Object::Reference(*new),
                None if copies.outside.contains(old) => Object::Null,
                None => {
                    let new = self.document.new_object_id();
                    copies.known.insert(*old, new);
                    copies.waiting.push(*old);
                    Object::Reference(new)
                }
            },
            Object::Array(items) => {
                Object::Array(items.iter().map(|item| self.copy(item, copies)).collect())
            }
            Object::Dictionary(entries) => {
                Object::Dictionary(self.copy_dictionary(entries, copies))
            }
            Object::Stream(stream) => {
                let mut copy = stream.clone();
                copy.dict = self.copy_dictionary(&stream.dict, copies);
                Object::Stream(copy)
            }
            other => other.clone(),
        }
    }

    fn copy_dictionary(&mut self, entries: &Dictionary, copies: &mut Copies) -> Dictionary {
        let mut copy = Dictionary::new();
        for (name, value) in entries {
            copy.set(name.clone(), self.copy(value, copies));
        }
        copy
    }

    /// The file, and how many pages it has.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn finish(mut self, path: &Path) -> Result<(Vec<u8>, usize), Fault> {
        let count = self.pages.len();
        let mut tree = Dictionary::new();
        tree.set("Type", Object::Name(b"Pages".to_vec()));
        tree.set("Count", i64::try_from(count).unwrap_or(i64::MAX));
        let kids: Vec<Object> = self.pages.into_iter().map(Object::Reference).collect();
        tree.set("Kids", kids);
        self.document
            .objects
            .insert(self.tree, Object::Dictionary(tree));
        let mut catalog = Dictionary::new();
        catalog.set("Type", Object::Name(b"Catalog".to_vec()));
        catalog.set("Pages", self.tree);
        let catalog = self.document.add_object(catalog);
        self.document.trailer.set("Root", catalog);
        let mut content = Vec::new();
        self.document.save_to(&mut content).map_err(|error| {
            Fault::of(
                "PDFError",
                format!("cannot write {}: {error}", path.display()),
            )
        })?;
        Ok((content, count))
    }
}

/// A page, with what it has from above.
fn page(source: &Document, id: ObjectId) -> lopdf::Result<Dictionary> {
    let mut page = source.get_dictionary(id)?.clone();
    let mut above = page.clone();
    for _ in 0..DEEPEST {
        for name in INHERITED {
            if let Ok(value) = above.get(name)
                && !page.has(name)
            {
                page.set(name, value.clone());
            }
        }
        let parent = above.get(b"Parent").and_then(Object::as_reference);
        let Some(parent) = parent.ok().and_then(|id| source.get_dictionary(id).ok()) else {
            break;
        };
        above = parent.clone();
    }
    page.remove(b"Parent");
    // Where the page is in a structure that is not taken along.
    page.remove(b"StructParents");
    Ok(page)
}

/// All pages, the nodes of their tree, and the catalog.
fn tree_of(source: &Document, pages: &[ObjectId]) -> BTreeSet<ObjectId> {
    let mut tree: BTreeSet<ObjectId> = pages.iter().copied().collect();
    for id in pages {
        let mut next = Some(*id);
        while let Some(id) = next {
            let parent = source
                .get_dictionary(id)
                .and_then(|node| node.get(b"Parent"));
            // One that is known has been gone up from before.
            next = parent
                .and_then(Object::as_reference)
                .ok()
                .filter(|parent| tree.insert(*parent));
        }
    }
    tree.extend(source.trailer.get(b"Root").and_then(Object::as_reference));
    tree
}
