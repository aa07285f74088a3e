//! Making vectors of chunks: a step for each request to the model.

use std::sync::Arc;

use durable_runtime::prelude::*;
use serde::{Deserialize, Serialize};

use super::super::blocking;
use super::super::clock::now_ms;
use super::super::failure::IngestError;
use super::FileRequest;
use super::reading::prepare;
use crate::collection::requests::{Admission, Wish, admit, budget, settle};
use crate::collection::session::Session;
use crate::collection::{self, Cost, bytes_of, model_name};
use crate::desk::{Fresh, Prepared};
use crate::embed::{EmbedError, Terms, check};
use crate::pipeline::{Pipeline, amount};

/// How much of a text that is refused is told.
const TOLD: usize = 40;

/// A batch, or a part of one that was refused as a whole: the chunks at these places among those of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Part {
    batch: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    places: Option<(u32, u32)>,
}

impl Part {
    pub(super) fn whole(batch: u32) -> Self {
        Self {
            batch,
            places: None,
        }
    }

    fn of(self, from: usize, to: usize) -> Self {
        let place = |place| u32::try_from(place).unwrap_or(u32::MAX);
        Self {
            places: Some((place(from), place(to))),
            ..self
        }
    }

    fn range(self, prepared: &Prepared, pipeline: &Pipeline) -> std::ops::Range<usize> {
        let place = |place| usize::try_from(place).unwrap_or(usize::MAX);
        let range = match self.places {
            Some((from, to)) => place(from)..place(to),
            None => {
                let batches = prepared.batches(pipeline.embedder.batch());
                batches.get(place(self.batch)).cloned().unwrap_or_default()
            }
        };
        // With other settings than before a crash there may be fewer chunks.
        let most = prepared.keys.len();
        range.start.min(most)..range.end.min(most)
    }
}

/// What became of a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub(super) enum Embedding {
    /// All of its texts have a vector.
    Done {
        embedded: usize,
        reused: usize,
        tokens: usize,
    },
    /// The limits of the service allow it only later.
    Later { wait_ms: u64 },
    /// The service refused it, which may be because of one text: each half is tried.
    Halves { first: Part, second: Part },
}

/// The file, its pipeline, and the number of its model.
#[derive(Clone, Copy)]
struct Work<'w> {
    file: &'w FileRequest,
    pipeline: &'w Pipeline,
    prepared: &'w Arc<Prepared>,
}

/// Makes the vectors of a part of the chunks, but for those of texts that have one.
#[step]
pub(super) async fn embed(
    ctx: StepContext,
    file: &FileRequest,
    part: Part,
    rides: bool,
) -> Result<Embedding, IngestError> {
    let pipeline = ctx.state::<Pipeline>()?;
    if pipeline.fingerprint != file.fingerprint {
        return Err(IngestError::OtherSettings);
    }
    embed_part(&pipeline, ctx.workflow_id(), file, part, rides).await
}

/// The same by a quick model, for what is saved with the document: nothing is committed before that.
#[step(pure, name = "embed")]
pub(super) async fn embed_quickly(
    ctx: StepContext,
    file: &FileRequest,
    part: Part,
) -> Result<Embedding, IngestError> {
    let pipeline = ctx.state::<Pipeline>()?;
    if pipeline.fingerprint != file.fingerprint {
        return Err(IngestError::OtherSettings);
    }
    embed_part(&pipeline, ctx.workflow_id(), file, part, true).await
}

/// Makes the vectors of a part of what lies on the desk of a workflow.
pub(super) async fn embed_part(
    pipeline: &Pipeline,
    workflow: &str,
    file: &FileRequest,
    part: Part,
    rides: bool,
) -> Result<Embedding, IngestError> {
    let prepared = prepare(pipeline, workflow, file).await?;
    let work = Work {
        file,
        pipeline,
        prepared: &prepared,
    };
    let range = part.range(&prepared, pipeline);
    let keys = prepared.keys.get(range.clone()).unwrap_or_default();
    let missing = {
        let mut look = pipeline.collection.look().await?;
        let known = collection::known_vectors(&mut look.session(), pipeline.model, keys).await?;
        missing_of(keys, range.start, |key| known.contains_key(key))
    };
    let reused = keys.len() - missing.len();
    let cost = Cost {
        batch: i64::from(part.batch),
        reused: number(reused),
        ..Cost::default()
    };
    match pipeline.terms() {
        Some(terms) if !missing.is_empty() => {
            let asked = ask(work, part, &terms, &missing, cost).await;
            if let Err(IngestError::BudgetSpent { .. }) = &asked {
                pipeline.desk.clear(workflow);
            }
            asked
        }
        terms => {
            let rides = rides && terms.is_none();
            compute(work, part, rides, missing, cost).await
        }
    }
}

/// Has a model of this program make vectors of some chunks.
async fn compute(
    work: Work<'_>,
    part: Part,
    rides: bool,
    missing: Vec<usize>,
    mut cost: Cost,
) -> Result<Embedding, IngestError> {
    let embedded = missing.len();
    let tokens: usize = work
        .prepared
        .pick(&missing)
        .iter()
        .map(|(_, chunk, _)| chunk.tokens as usize)
        .sum();
    cost.embedded = number(embedded);
    cost.tokens = number(tokens);
    cost.requests = i64::from(embedded > 0);
    let reused = usize::try_from(cost.reused).unwrap_or_default();
    let (vectors, _) = make(work, missing).await?;
    let fresh = Fresh { vectors, cost };
    if rides {
        work.prepared.lay_aside(part.batch, fresh);
    } else {
        let mut transaction = work.pipeline.collection.begin().await?;
        keep(&mut transaction.session(), work.pipeline, work.file, &fresh).await?;
        transaction.commit().await?;
    }
    Ok(Embedding::Done {
        embedded,
        reused,
        tokens,
    })
}

/// Sends some chunks to a service when its limits and the budget allow it. What comes back, what it cost, and that the
/// service may be asked again, is committed together at once: it is paid.
async fn ask(
    work: Work<'_>,
    part: Part,
    terms: &Terms,
    missing: &[usize],
    mut cost: Cost,
) -> Result<Embedding, IngestError> {
    let Work {
        file,
        pipeline,
        prepared,
    } = work;
    let weight: usize = prepared
        .pick(missing)
        .iter()
        .map(|(_, chunk, _)| chunk.weight())
        .sum();
    let weight = weight as u64;
    let first = missing.first().copied().unwrap_or_default();
    let holder = format!("{}.{}.{first}", file.workflow_id, part.batch);
    let service = pipeline.embedder.id();
    let wish = Wish {
        service,
        holder: &holder,
        collection: &file.collection,
        terms: *terms,
        tokens: weight,
        micros: pipeline.price_of(weight),
    };
    let admission = {
        let mut transaction = pipeline.collection.begin().await?;
        let admission = admit(&mut transaction.session(), &wish).await?;
        transaction.commit().await?;
        admission
    };
    let request = match admission {
        Admission::Granted(request) => request,
        Admission::Later(wait) => {
            let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            return Ok(Embedding::Later { wait_ms });
        }
        Admission::Spent {
            budget_micros,
            spent_micros,
        } => return Err(spent(budget_micros, spent_micros)),
    };
    cost.requests = 1;
    let made = make(work, missing.to_vec()).await;
    let (vectors, tokens, outcome) = match made {
        Ok((vectors, tokens)) => {
            let counted: usize = prepared
                .pick(missing)
                .iter()
                .map(|(_, chunk, _)| chunk.tokens as usize)
                .sum();
            let tokens = tokens.unwrap_or(counted as u64);
            let outcome = Embedding::Done {
                embedded: vectors.len(),
                reused: usize::try_from(cost.reused).unwrap_or_default(),
                tokens: usize::try_from(tokens).unwrap_or(usize::MAX),
            };
            cost.embedded = number(vectors.len());
            cost.tokens = i64::try_from(tokens).unwrap_or(i64::MAX);
            cost.micros = pipeline.price_of(tokens);
            (vectors, tokens, Ok(outcome))
        }
        Err(error) => {
            cost.retries = 1;
            cost.reused = 0;
            (Vec::new(), weight, refused(work, part, missing, error))
        }
    };
    let pause = outcome.as_ref().err().and_then(IngestError::pause);
    let fresh = Fresh { vectors, cost };
    let mut transaction = pipeline.collection.begin().await?;
    let session = &mut transaction.session();
    settle(session, (service, &terms.rate), request, tokens, pause).await?;
    keep(session, pipeline, file, &fresh).await?;
    transaction.commit().await?;
    outcome
}

/// What is done about texts that the service refused: the halves are tried, until one text is alone.
fn refused(
    work: Work<'_>,
    part: Part,
    missing: &[usize],
    error: IngestError,
) -> Result<Embedding, IngestError> {
    let IngestError::Embed(EmbedError::Input {
        model, status, why, ..
    }) = &error
    else {
        return Err(error);
    };
    let range = part.range(work.prepared, work.pipeline);
    if let Some(middle) = missing.get(missing.len() / 2)
        && missing.len() > 1
    {
        return Ok(Embedding::Halves {
            first: part.of(range.start, *middle),
            second: part.of(*middle, range.end),
        });
    }
    let Some((document, chunk, _)) = work.prepared.pick(missing).into_iter().next() else {
        return Err(error);
    };
    let text = chunk.text(document);
    let begin: String = text.chars().take(TOLD).collect();
    let begin = begin.split_whitespace().collect::<Vec<_>>().join(" ");
    let page = chunk.pages.map(|(page, _)| format!(" on page {page}"));
    Err(IngestError::Embed(EmbedError::Input {
        model: model.clone(),
        status: *status,
        what: format!(
            "the passage{} of {} that begins `{begin}` ({} bytes)",
            page.unwrap_or_default(),
            work.file.name(),
            text.len()
        ),
        why: why.clone(),
    }))
}

fn spent(budget_micros: i64, spent_micros: i64) -> IngestError {
    IngestError::BudgetSpent {
        budget: amount(budget_micros),
        spent: amount(spent_micros),
    }
}

/// Refuses to begin with a file when nothing may be spent any more.
pub(super) async fn still_in_budget(
    pipeline: &Pipeline,
    file: &FileRequest,
) -> Result<(), IngestError> {
    if pipeline.terms().is_none() {
        return Ok(());
    }
    let found = {
        let mut look = pipeline.collection.look().await?;
        budget(&mut look.session(), &file.collection).await?
    };
    match found {
        Some((budget_micros, spent_micros, true)) => Err(spent(budget_micros, spent_micros)),
        _ => Ok(()),
    }
}

/// The places, from `first` on, of keys without a vector, one for each text.
fn missing_of(keys: &[String], first: usize, is_known: impl Fn(&str) -> bool) -> Vec<usize> {
    let mut taken = std::collections::BTreeSet::new();
    keys.iter()
        .enumerate()
        .filter(|(_, key)| !is_known(key) && taken.insert(key.as_str()))
        .map(|(index, _)| first + index)
        .collect()
}

/// Vectors by the keys of their texts, and how many tokens the model says it was.
type Made = (Vec<(String, Vec<u8>)>, Option<u64>);

/// Has the model make vectors of some chunks, and checks them.
async fn make(work: Work<'_>, chunks: Vec<usize>) -> Result<Made, IngestError> {
    if chunks.is_empty() {
        return Ok((Vec::new(), None));
    }
    tracing::info!(texts = chunks.len(), "texts are embedded");
    let embedder = Arc::clone(&work.pipeline.embedder);
    let prepared = Arc::clone(work.prepared);
    let made = blocking(move || {
        let wanted = prepared.pick(&chunks);
        let texts: Vec<String> = wanted
            .iter()
            .map(|(document, chunk, _)| chunk.embedding_text(document))
            .collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let answer = embedder.answer(&texts)?;
        let (id, dimension) = (embedder.id(), embedder.dimension());
        check(id, dimension, texts.len(), &answer.vectors)?;
        let keyed = wanted.into_iter().zip(&answer.vectors);
        let vectors = keyed
            .map(|((_, _, key), vector)| (key.clone(), bytes_of(vector)))
            .collect();
        Ok::<_, EmbedError>((vectors, answer.tokens))
    });
    Ok(made.await??)
}

/// Writes vectors and what they cost.
pub(super) async fn keep(
    session: &mut Session<'_>,
    pipeline: &Pipeline,
    file: &FileRequest,
    fresh: &Fresh,
) -> Result<(), IngestError> {
    collection::insert_vectors(session, pipeline.model, &fresh.vectors).await?;
    let name = model_name(pipeline.embedder.id(), pipeline.embedder.dimension());
    let work = (
        file.workflow_id.as_str(),
        file.collection.as_str(),
        file.run_id.as_str(),
        file.document,
        name.as_str(),
    );
    collection::pay(session, &fresh.cost, work, now_ms()).await?;
    Ok(())
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
