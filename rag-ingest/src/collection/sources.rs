//! Where documents come from: folders, each known in its collection by a name.
//!
//! A document is known by its source and its path in it, so a folder that moves takes its documents with it. Sources
//! never lie in each other: a folder below a source is a part of it, and a folder above one takes its documents over.

use super::session::{Session, rows, run};

/// A part of a source that a run looks at.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Scope {
    /// The number of the source in the database.
    pub source: i64,
    /// The folder, absolute, in the spelling of [`FoundFile`](crate::discover::FoundFile).
    pub location: String,
    /// What of it is looked at: a path below the folder; all of it when empty.
    pub part: String,
}

impl Scope {
    /// Whether a path below the source's folder belongs to it.
    pub fn holds(&self, path: &str) -> bool {
        self.below(path).is_some()
    }

    /// A path below the source's folder as it is below the part; nothing when it does not lie there.
    pub(crate) fn below<'p>(&self, path: &'p str) -> Option<&'p str> {
        below(path, &self.part)
    }
}

/// Finds the source of a root, or makes one. `is_there` tells whether a folder exists: one that is gone and has the
/// name of the root has moved there.
pub(crate) async fn scope(
    session: &mut Session<'_>,
    collection: &str,
    folder: &str,
    file: Option<&str>,
    is_there: impl Fn(&str) -> bool,
) -> sqlx::Result<Scope> {
    let sources: Vec<(i64, String, String)> = rows!(
        session,
        "SELECT id, name, location FROM rag_sources WHERE collection = $1 ORDER BY id",
        collection
    )?;
    let join = |part: &str| match (part, file) {
        (part, None) => part.to_owned(),
        ("", Some(file)) => file.to_owned(),
        (part, Some(file)) => format!("{part}/{file}"),
    };
    for (id, _, location) in &sources {
        if let Some(part) = below(folder, location) {
            return Ok(Scope {
                source: *id,
                location: location.clone(),
                part: join(part),
            });
        }
    }
    let name = name_of(folder);
    let moved = sources
        .iter()
        .find(|(_, known, location)| *known == name && !is_there(location));
    let source = match moved {
        Some((id, _, _)) => {
            run!(
                session,
                "UPDATE rag_sources SET location = $1 WHERE id = $2",
                folder,
                *id
            )?;
            *id
        }
        None => id_of(session, collection, folder).await?,
    };
    for (id, _, location) in &sources {
        if *id == source {
            continue;
        }
        if let Some(part) = below(location, folder) {
            run!(
                session,
                "UPDATE rag_documents SET source_id = $1, path = $2 || '/' || path WHERE source_id = $3",
                source,
                part,
                *id
            )?;
            run!(session, "DELETE FROM rag_sources WHERE id = $1", *id)?;
        }
    }
    Ok(Scope {
        source,
        location: folder.to_owned(),
        part: join(""),
    })
}

/// The number of the source with this folder; it is made when it is new, under the folder's name or the first free
/// one like it.
pub(super) async fn id_of(
    session: &mut Session<'_>,
    collection: &str,
    folder: &str,
) -> sqlx::Result<i64> {
    let name = name_of(folder);
    for number in 1.. {
        let found: Vec<(i64,)> = rows!(
            session,
            "SELECT id FROM rag_sources WHERE collection = $1 AND location = $2",
            collection,
            folder
        )?;
        if let Some((id,)) = found.first() {
            return Ok(*id);
        }
        let name = match number {
            1 => name.to_owned(),
            number => format!("{name}-{number}"),
        };
        run!(
            session,
            "INSERT INTO rag_sources (collection, name, location) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            collection,
            &name,
            folder
        )?;
    }
    Err(sqlx::Error::RowNotFound)
}

/// The last part of a folder's path.
fn name_of(folder: &str) -> &str {
    folder
        .rsplit('/')
        .find(|part| !part.is_empty())
        .unwrap_or("/")
}

/// What is left of a path below a folder; empty if it is that folder.
fn below<'p>(path: &'p str, folder: &str) -> Option<&'p str> {
    let rest = path.strip_prefix(folder.trim_end_matches('/'))?;
    if rest.is_empty() || folder.is_empty() {
        return Some(rest.strip_prefix('/').unwrap_or(rest));
    }
    rest.strip_prefix('/')
}

#[cfg(test)]
mod tests {
    use super::{below, name_of};

    #[test]
    fn only_whole_names_are_below_a_folder() {
        assert_eq!(below("/a/b/c", "/a/b"), Some("c"));
        assert_eq!(below("/a/b", "/a/b"), Some(""));
        assert_eq!(below("/a/bc", "/a/b"), None);
        assert_eq!(below("/a", "/"), Some("a"));
        assert_eq!(below("a/b", ""), Some("a/b"));
    }

    #[test]
    fn a_source_is_named_after_its_folder() {
        assert_eq!(name_of("/home/me/docs"), "docs");
        assert_eq!(name_of("/"), "/");
    }
}
