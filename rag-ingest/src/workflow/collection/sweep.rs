//! The documents whose files are gone.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::RunRequest;
use crate::collection::session::{Session, rows};
use crate::collection::{Scope, bury, living, unseen};
use crate::workflow::IngestError;
use crate::workflow::clock::now_ms;

/// So many documents are taken out without a look at their share, unless a share is given.
const FEW: usize = 10;
const USUAL_PERCENT: u8 = 20;

/// How many of a source's documents one run may take out because their files are gone. More than that looks like a
/// disk that is not mounted, and then none is taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaxDelete {
    /// A fifth, or ten; but never the last ones.
    #[default]
    Usual,
    /// So many in a hundred.
    Percent(u8),
}

impl MaxDelete {
    fn allows(self, gone: usize, of: usize) -> bool {
        let within = |percent: u8| gone * 100 <= of * usize::from(percent);
        match self {
            Self::Usual => gone < of && (gone <= FEW || within(USUAL_PERCENT)),
            Self::Percent(percent) => within(percent),
        }
    }
}

impl FromStr for MaxDelete {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.strip_suffix('%').unwrap_or(text);
        match number.trim().parse() {
            Ok(percent) if percent <= 100 => Ok(Self::Percent(percent)),
            _ => Err(format!(
                "`{text}` is no share of a collection; write a percentage from 0% to 100%"
            )),
        }
    }
}

/// What became of the documents whose files are gone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Swept {
    /// They were taken out.
    pub(super) vanished: usize,
    /// They are too many, and were kept.
    pub(super) kept: usize,
}

/// Takes out what was not seen since the run began, after everything was listed. What lies where something could not
/// be looked at stays.
pub(super) async fn sweep_sources(
    session: &mut Session<'_>,
    run: &str,
    request: &RunRequest,
    scopes: &[Scope],
    begun_ms: i64,
) -> Result<Swept, IngestError> {
    let max = request.max_delete;
    let selection = request.rules.compile().map_err(IngestError::other)?;
    let mut swept = Swept::default();
    for scope in scopes {
        let hidden: Vec<(String,)> = rows!(
            session,
            "SELECT path FROM rag_problems WHERE run_id = $1 AND source_id = $2 AND hides = 1",
            run,
            scope.source
        )?;
        let is_hidden = |path: &str| {
            hidden.iter().any(|(place,)| {
                let place = Scope {
                    part: place.clone(),
                    ..scope.clone()
                };
                place.holds(path)
            })
        };
        let gone: Vec<i64> = unseen(session, scope.source, begun_ms)
            .await?
            .into_iter()
            // What the run was not to look at is as it was.
            .filter(|(_, path)| selection.takes_file(scope, path))
            .filter(|(_, path)| scope.holds(path) && !is_hidden(path))
            .map(|(id, _)| id)
            .collect();
        if gone.is_empty() {
            continue;
        }
        let of = living(session, scope.source, &scope.part).await?;
        let of = usize::try_from(of).unwrap_or(0);
        if !max.allows(gone.len(), of) {
            tracing::warn!(
                gone = gone.len(),
                of,
                folder = scope.location,
                "so many files are gone that their documents are kept"
            );
            swept.kept += gone.len();
            continue;
        }
        for document in &gone {
            bury(session, *document, run, now_ms()).await?;
        }
        swept.vanished += gone.len();
    }
    Ok(swept)
}

#[cfg(test)]
mod tests {
    use super::MaxDelete;

    #[test]
    fn usually_a_few_or_a_fifth_may_go_but_never_all() {
        assert!(MaxDelete::Usual.allows(1, 2));
        assert!(MaxDelete::Usual.allows(10, 11));
        assert!(!MaxDelete::Usual.allows(1, 1));
        assert!(!MaxDelete::Usual.allows(30, 100));
        assert!(MaxDelete::Usual.allows(20, 100));
    }

    #[test]
    fn a_share_that_is_given_is_kept_to() {
        let share: MaxDelete = "20%".parse().unwrap();
        assert!(share.allows(1, 5) && !share.allows(2, 5));
        assert!("100%".parse::<MaxDelete>().unwrap().allows(3, 3));
        assert!(!"0".parse::<MaxDelete>().unwrap().allows(1, 100));
        assert!("120%".parse::<MaxDelete>().unwrap_err().contains("120%"));
    }
}
