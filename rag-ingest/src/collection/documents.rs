//! Whole documents, and what collections there are.

use std::collections::BTreeMap;

use serde::Serialize;

use super::session::rows;
use super::{Collection, CollectionError};
use crate::discover::location_of;

/// A document with its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WholeDocument {
    /// Its number.
    pub document: i64,
    /// The file.
    pub path: String,
    /// The word for what it was made from, see [`Kind`](crate::document::Kind).
    pub kind: String,
    /// The title that it gives itself.
    pub title: Option<String>,
    /// When the file was last changed, in nanoseconds since 1970.
    pub modified_ns: i64,
    /// How many chunks it was cut into.
    pub chunks: i64,
    /// The normalised text, which the places of chunks count in; nothing if it is not kept.
    pub text: Option<String>,
}

/// A collection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CollectionState {
    /// Its name.
    pub name: String,
    /// How many documents can be found.
    pub documents: i64,
    /// How many of them have vectors by each model.
    pub models: BTreeMap<String, i64>,
}

impl Collection {
    /// A document of a collection; nothing if there is none with this number, or no version of it that is searched.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn document(
        &self,
        collection: &str,
        id: i64,
    ) -> Result<Option<WholeDocument>, CollectionError> {
        type Row = (
            String,
            String,
            String,
            Option<String>,
            i64,
            i64,
            Option<String>,
            Option<String>,
        );
        let failed = || CollectionError::statement("read a document");
        let mut look = self.look().await.map_err(failed())?;
        let session = &mut look.session();
        let found: Vec<Row> = rows!(
            session,
            "SELECT s.location, d.path, d.kind, d.title, d.mtime_ns, d.chunks, COALESCE(f.text_key, d.text_key), f.path
             FROM rag_documents d JOIN rag_sources s ON s.id = d.source_id
             LEFT JOIN rag_documents f ON f.id = d.member_of
             WHERE d.id = $1 AND d.collection = $2 AND d.content_hash <> ''",
            id,
            collection
        )
        .map_err(failed())?;
        let Some((root, path, kind, title, modified_ns, chunks, key, file)) =
            found.into_iter().next()
        else {
            return Ok(None);
        };
        let loaded = match key {
            Some(key) => super::text(session, &key).await.map_err(failed())?,
            None => None,
        };
        let member = file.and_then(|file| {
            path.strip_prefix(&file)?
                .strip_prefix("!/")
                .map(str::to_owned)
        });
        let text = loaded.and_then(|loaded| {
            let mut documents = loaded.documents();
            let own = documents.find(|(place, _)| *place == member.as_deref());
            own.map(|(_, document)| document.text.clone())
        });
        Ok(Some(WholeDocument {
            document: id,
            path: location_of(&root, &path).display().to_string(),
            kind,
            title,
            modified_ns,
            chunks,
            text,
        }))
    }

    /// The collections of the database, by name.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn collections(&self) -> Result<Vec<CollectionState>, CollectionError> {
        let failed = || CollectionError::statement("list the collections");
        let mut look = self.look().await.map_err(failed())?;
        let session = &mut look.session();
        let found: Vec<(String, String, i64)> = rows!(
            session,
            "SELECT collection, model, COUNT(*) FROM rag_documents WHERE content_hash <> ''
             GROUP BY collection, model ORDER BY collection, model"
        )
        .map_err(failed())?;
        let mut states: Vec<CollectionState> = Vec::new();
        for (name, model, documents) in found {
            if states.last().is_none_or(|state| state.name != name) {
                states.push(CollectionState {
                    name,
                    documents: 0,
                    models: BTreeMap::new(),
                });
            }
            if let Some(state) = states.last_mut() {
                state.documents += documents;
                state.models.insert(model, documents);
            }
        }
        Ok(states)
    }
}
