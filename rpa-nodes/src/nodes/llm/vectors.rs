//! Collections of documents with their vectors: a file each, that is read as a whole and replaced at once.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::files::write_whole;
use crate::fault::Fault;
use crate::value::Object;
use crate::visit::Work;

/// A document of a collection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Document {
    pub(super) id: String,
    pub(super) content: String,
    #[serde(default)]
    pub(super) metadata: Object,
    /// 32-bit floats, little endian, in base64.
    vector: String,
}

impl Document {
    pub(super) fn new(id: String, content: String, metadata: Object, vector: &[f32]) -> Self {
        let bytes: Vec<u8> = vector.iter().flat_map(|one| one.to_le_bytes()).collect();
        Self {
            id,
            content,
            metadata,
            vector: STANDARD.encode(bytes),
        }
    }

    fn vector(&self) -> Option<Vec<f32>> {
        let bytes = STANDARD.decode(&self.vector).ok()?;
        let (numbers, rest) = bytes.as_chunks::<4>();
        rest.is_empty()
            .then(|| numbers.iter().map(|one| f32::from_le_bytes(*one)).collect())
    }
}

/// A collection.
pub(super) struct Collection {
    path: PathBuf,
    pub(super) documents: Vec<Document>,
    /// Held by who changes it, so that two do not lose what the other one did.
    lock: Option<File>,
}

impl Collection {
    /// The collection that a node names, as it is. One that does not exist is empty.
    ///
    /// # Errors
    /// It cannot be read, or is none.
    pub(super) fn read(work: &Work) -> Result<Self, Fault> {
        Self::open(Self::path(work)?, None)
    }

    /// The same to change it; nobody else changes it meanwhile.
    ///
    /// # Errors
    /// It cannot be read or locked, or is none.
    pub(super) fn change(work: &Work) -> Result<Self, Fault> {
        let path = Self::path(work)?;
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| Fault::file("create", folder, &error))?;
        }
        let guard = path.with_extension("lock");
        let lock = File::create(&guard).map_err(|error| Fault::file("create", &guard, &error))?;
        lock.lock()
            .map_err(|error| Fault::file("lock", &guard, &error))?;
        Self::open(path, Some(lock))
    }

    fn path(work: &Work) -> Result<PathBuf, Fault> {
        let name = match work.text("collection").trim() {
            "" => "default".to_owned(),
            name => name.to_owned(),
        };
        let is_plain = |letter: char| letter.is_alphanumeric() || "-_ ".contains(letter);
        if !name.chars().all(is_plain) {
            return Err(Fault::value(format!(
                "`{name}` cannot be the name of a collection; it may have letters, digits, `-` and `_`"
            )));
        }
        Ok(work.path("store_path")?.join(format!("{name}.jsonl")))
    }

    fn open(path: PathBuf, lock: Option<File>) -> Result<Self, Fault> {
        let content = match fs::read_to_string(&path) {
            Ok(content) => content,
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            Err(error) => return Err(Fault::file("read", &path, &error)),
        };
        let read = content.lines().enumerate().map(|(line, said)| {
            serde_json::from_str(said).map_err(|error| {
                Fault::of(
                    "VectorStoreError",
                    format!("{} line {}: {error}", path.display(), line + 1),
                )
            })
        });
        let documents = read.collect::<Result<_, _>>()?;
        Ok(Self {
            path,
            documents,
            lock,
        })
    }

    /// Puts documents in; one that has the id of another takes its place.
    ///
    /// # Errors
    /// A vector is of another length than those that are there.
    pub(super) fn put(&mut self, new: Vec<Document>) -> Result<(), Fault> {
        for document in new {
            let length = |one: &Document| one.vector.len();
            if let Some(first) = self.documents.first()
                && length(first) != length(&document)
            {
                return Err(Fault::of(
                    "VectorStoreError",
                    "the vectors of this collection are of another length; they were made by another model",
                ));
            }
            match self.documents.iter_mut().find(|one| one.id == document.id) {
                Some(known) => *known = document,
                None => self.documents.push(document),
            }
        }
        Ok(())
    }

    /// Writes it, at once.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn save(self) -> Result<(), Fault> {
        let mut content = String::new();
        for document in &self.documents {
            content.push_str(
                &serde_json::to_string(document).map_err(|error| Fault::new(error.to_string()))?,
            );
            content.push('\n');
        }
        write_whole(&self.path, content.as_bytes(), true)?;
        // Closed, it is unlocked.
        drop(self.lock);
        Ok(())
    }

    /// The documents that are most like a vector and have this metadata, the best first: by the cosine of the angle.
    ///
    /// # Errors
    /// The vector is of another length than those that are there.
    pub(super) fn nearest(
        &self,
        wanted: &[f32],
        filter: &Object,
        count: usize,
    ) -> Result<Vec<(f64, &Document)>, Fault> {
        let mut found = Vec::new();
        for document in &self.documents {
            let fits = filter
                .iter()
                .all(|(name, value)| document.metadata.get(name) == Some(value));
            if !fits {
                continue;
            }
            let vector = document
                .vector()
                .filter(|vector| vector.len() == wanted.len());
            let Some(vector) = vector else {
                return Err(Fault::of(
                    "VectorStoreError",
                    format!(
                        "the vector of `{}` is not of the length {}; it was made by another model",
                        document.id,
                        wanted.len()
                    ),
                ));
            };
            found.push((cosine(wanted, &vector), document));
        }
        found.sort_by(|(left, _), (right, _)| right.total_cmp(left));
        found.truncate(count);
        Ok(found)
    }
}

fn cosine(left: &[f32], right: &[f32]) -> f64 {
    let dot = |left: &[f32], right: &[f32]| -> f64 {
        left.iter()
            .zip(right)
            .map(|(left, right)| f64::from(*left) * f64::from(*right))
            .sum()
    };
    let length = (dot(left, left) * dot(right, right)).sqrt();
    if length == 0.0 {
        0.0
    } else {
        dot(left, right) / length
    }
}

/// A vector as the world writes it.
///
/// # Errors
/// It is no list of numbers.
pub(super) fn numbers(value: &Value) -> Result<Vec<f32>, Fault> {
    let list = value.as_array().filter(|list| !list.is_empty());
    let numbers = list.and_then(|list| {
        // Vectors are kept as they are compared, in half the precision.
        #[expect(
            clippy::cast_possible_truncation,
            reason = "32 bits are what models compute with"
        )]
        list.iter()
            .map(|one| Some(one.as_f64()? as f32))
            .collect::<Option<Vec<_>>>()
    });
    numbers.ok_or_else(|| Fault::value("a vector has to be a list of numbers"))
}
