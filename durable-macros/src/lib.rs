//! The attributes of durable-runtime: [`macro@workflow`], [`macro@step`], [`macro@transaction`] and
//! [`macro@workflow_part`].
//!
//! Each reads an `async fn`, refuses what cannot be made durable, and puts a function of the same
//! name in its place. The body is emitted as it was written: no expression is changed, so errors,
//! `?` and borrows are rustc's own. What is generated around it is data and one call into the
//! runtime.
//!
//! Every refusal says what is wrong, why, and what to write instead; all mistakes of a declaration
//! are reported in one build, and callers compile against the refused declaration.

mod attributes;
mod code;
mod contexts;
mod diagnostics;
mod fallback;
mod function;
mod hash;
mod lifetimes;
mod lint;
mod machine;
mod options;
mod part;
mod paths;
mod role;
mod signature;
#[cfg(test)]
mod snapshots;
mod spelled;
mod step;
mod surface;
mod transaction;
mod workflow;

use proc_macro::TokenStream;

/// Makes an `async fn` a step: an effect whose result is recorded, so that a workflow which is
/// interrupted and taken up again gets the result instead of the effect.
///
/// ```
/// # use anyhow::Result;
/// # use durable_runtime::prelude::*;
/// # struct Client;
/// # impl Client {
/// #     async fn embed(&self, texts: Vec<String>, _: &str) -> Result<Vec<f32>> { Ok(vec![0.0; texts.len()]) }
/// # }
/// # fn is_transient(error: &anyhow::Error) -> bool { error.to_string().contains("busy") }
/// #[step(max_attempts = 3, interval = "1s", retry_if = is_transient)]
/// async fn embed(ctx: StepContext, texts: Vec<String>, model: &str) -> Result<Vec<f32>> {
///     let client = ctx.state::<Client>()?;
///     client.embed(texts, model).await
/// }
///
/// # #[workflow]
/// # async fn index(ctx: WorkflowContext, texts: Vec<String>) -> Result<usize> {
/// // in a workflow
/// let vectors = embed(&ctx, texts, "small").await?;
/// # Ok(vectors.len())
/// # }
/// ```
///
/// # Options
///
/// | option | default | meaning |
/// |---|---|---|
/// | `name = "…"` | the function's name | what the step is recorded as; a replay compares it |
/// | `max_attempts = 3` | `1` | how often the body is run at most, unless a call says otherwise with `.retry(…)`; the arguments must be `Clone` |
/// | `interval = "1s"` | `"1s"` | the wait before the second attempt |
/// | `backoff_rate = 2.0` | `2.0` | how much longer each further wait is |
/// | `max_interval = "1h"` | `"1h"` | the longest wait |
/// | `retry_if = path` | every error | a `fn(&Error) -> bool`, or a closure that captures nothing: whether an error is worth another attempt |
/// | `timeout = "30s"` | none | how long one attempt may take, unless a call says otherwise with `.timeout(…)` |
/// | `pure` | not set | running the body twice harms nobody and nobody outside saw its result: its record may wait for the next commit |
/// | `crate = path` | `::durable_runtime` | where the runtime is found, when it is renamed or re-exported |
///
/// Durations are a whole number and a unit: `ms`, `s`, `m`, `h` or `d`.
///
/// # What is generated
///
/// One function. It takes `&ctx` of a workflow instead of the context, and the other parameters as
/// they were declared; it is no `async fn`, but returns a `StepCall` to be awaited. Calling it
/// fixes the step's place in the workflow and runs nothing. Elided lifetimes of the parameters
/// become that of the call, which lifetime and type parameters have to outlive. Documentation,
/// `#[cfg]`, `#[deprecated]` and `#[must_use]` go to the function, all other attributes to the body.
///
/// # What is refused
///
/// A function that is not `async`, takes no `StepContext` first or takes it by reference, a method,
/// `unsafe`, `const` and `extern` functions, `&mut` arguments (a replay would not change what they
/// borrow), arguments without a name or under `#[cfg]`, a result that borrows, a return type that
/// is no `Result`, options that make no sense together. Calling a step from anything but a
/// workflow does not compile either.
///
/// # Where the guarantee stops
///
/// The body of a step runs at least once: a crash after the effect and before its record runs it
/// again. Make effects idempotent, for example by the workflow's id and the step's position, or
/// use [`macro@transaction`] for effects in the same database. Arguments are not recorded: on replay
/// they are computed again, and not used.
#[proc_macro_attribute]
pub fn step(attribute: TokenStream, item: TokenStream) -> TokenStream {
    step::expand(attribute.into(), item.into()).into()
}

/// Makes an `async fn` a transaction: a step whose writes and whose record are one commit, so that
/// they happen exactly once.
///
/// ```
/// # use anyhow::Result;
/// # use durable_runtime::prelude::*;
/// #[transaction]
/// async fn save(ctx: TransactionContext, title: String) -> Result<u64> {
///     let insert = sqlx::query("INSERT INTO documents (title) VALUES (?1)").bind(title);
///     Ok(insert.execute(ctx.sqlite()?).await?.rows_affected())
/// }
///
/// # #[workflow]
/// # async fn keep(ctx: WorkflowContext, title: String) -> Result<u64> {
/// // in a workflow
/// let rows = save(&ctx, title).await?;
/// # Ok(rows)
/// # }
/// ```
///
/// # Options
///
/// | option | default | meaning |
/// |---|---|---|
/// | `name = "…"` | the function's name | what the transaction is recorded as; a replay compares it |
/// | `max_attempts = 3` | `1` | how often the body is run at most, each time in a new database transaction, unless a call says otherwise with `.retry(…)` |
/// | `interval`, `backoff_rate`, `max_interval`, `retry_if` | as for [`macro@step`] | when to try again |
/// | `crate = path` | `::durable_runtime` | where the runtime is found, when it is renamed or re-exported |
///
/// # What is generated
///
/// The same as for [`macro@step`]. The arguments must be `Clone`, because a database may ask for a
/// transaction to be run again. The context is `mut` in the body, for its connection.
///
/// # What is refused
///
/// All that a step refuses, and the options `timeout` (nobody could tell whether the commit went
/// through) and `pure` (its body writes).
///
/// # Where the guarantee stops
///
/// Exactly once holds for what goes through the context's connection. Anything else in the body,
/// such as a request to another service, may happen more than once; that is what a step is for.
#[proc_macro_attribute]
pub fn transaction(attribute: TokenStream, item: TokenStream) -> TokenStream {
    transaction::expand(attribute.into(), item.into()).into()
}

/// Makes an `async fn` a workflow: a function that goes on after a crash where it stopped.
///
/// ```
/// # use anyhow::Result;
/// # use durable_runtime::prelude::*;
/// # #[step]
/// # async fn load(ctx: StepContext, path: String) -> Result<String> { Ok(std::fs::read_to_string(path)?) }
/// # #[step]
/// # async fn count(ctx: StepContext, text: &str) -> Result<usize> { Ok(text.len()) }
/// #[workflow]
/// async fn measure(ctx: WorkflowContext, path: String) -> Result<usize> {
///     let text = load(&ctx, path).await?;
///     count(&ctx, &text).await
/// }
///
/// # async fn outside(path: String) -> Result<()> {
/// let durable = Durable::open("sqlite://app.db").register::<measure>().launch().await?;
/// let length = measure(&durable, path).await?; // from outside
/// # Ok(())
/// # }
/// # #[workflow]
/// # async fn parent(ctx: WorkflowContext, path: String) -> Result<usize> {
/// let length = measure(&ctx, path).await?; // as a child, from another workflow
/// # Ok(length)
/// # }
/// ```
///
/// # Options
///
/// | option | default | meaning |
/// |---|---|---|
/// | `name = "…"` | the function's name | what the workflow is found by after a crash, and by other programs |
/// | `class = "…"` | none | the class that the name belongs to: a workflow is found by both; other languages' SDKs give the methods of a class one |
/// | `version = "…"` | a hash of the code | which code may continue a run; pin it to take responsibility for that yourself |
/// | `max_recovery_attempts = 50` | `100` | how often a run that keeps crashing is taken up again |
/// | `roles("admin", "editor")` | none | the roles of which a caller needs one; without the option everybody may run it |
/// | `parts(a, b::c)` | none | the [parts](macro@workflow_part) that it calls: their durable calls are in its machine, and their code in its version |
/// | `raw` | not set | takes all arguments in one parameter, a `Passed`: by position and by name, each the text that the caller wrote |
/// | `crate = path` | `::durable_runtime` | where the runtime is found, when it is renamed or re-exported |
///
/// # What is generated
///
/// A function that takes `&durable` or the `&ctx` of another workflow instead of the context and
/// returns a `WorkflowCall`; and a type of the same name, by which the workflow is registered. The
/// type carries the name, the parameters, the version, and the durable calls of the body with their
/// source locations and the ways between them, for errors that point at source lines and for
/// pictures.
///
/// A raw workflow is for callers whose arguments have no fixed types, or are to be handed on without a change:
///
/// ```
/// # use anyhow::Result;
/// # use durable_runtime::{Passed, prelude::*};
/// #[workflow(class = "interop", raw)]
/// async fn count(ctx: WorkflowContext, arguments: Passed) -> Result<usize> {
///     Ok(arguments.positional.len() + arguments.named.len())
/// }
/// ```
///
/// The version is a hash of the signature, the body and the parts, without comments, documentation,
/// lint attributes and whatever a formatter may add or drop. Options do not change it.
///
/// # What is refused
///
/// What a step refuses, and also generics, lifetimes, borrowed and `impl Trait` arguments: a
/// workflow is started again from its name and its recorded arguments alone. More than twelve
/// arguments belong into a struct. A raw workflow takes one, no more and no less.
///
/// A replay runs the body again and hands it the recorded results, so the body itself has to be
/// deterministic. What is not is refused at its own place, with what to write instead, and the
/// declaration is still checked and found as a whole:
///
/// | refused | instead |
/// |---|---|
/// | clocks | `ctx.now().await` |
/// | sleeping, timeouts, intervals | `ctx.sleep(d).await`, `#[step(timeout = "…")]` |
/// | random numbers and ids | `ctx.random().await`, `ctx.uuid().await` |
/// | tasks and threads, the context in one of them or in a `move` closure | `ctx.spawn(call)`, `join!`, a child workflow with `.start()` |
/// | several durable calls in one branch of `join!` | a child workflow |
/// | `select!` of other libraries, unordered futures | `durable_runtime::select!`, `join_all`, `ctx.wait_first` |
/// | the environment, files, the network, other programs | a step, or an argument |
/// | ending the process | an error |
/// | going through a `HashMap` or `HashSet`, hashes that differ | a `BTreeMap`, or sort first |
/// | `static`s that change, `thread_local!`, addresses | a variable |
/// | an `.await` of what does not get the context | a step |
///
/// Paths are known by the `use`s in the function, else by their last two segments.
///
/// # What may be allowed
///
/// ```
/// # use anyhow::Result;
/// # use durable_runtime::prelude::*;
/// # #[step]
/// # async fn count(ctx: StepContext, text: String) -> Result<usize> { Ok(text.len()) }
/// #[workflow]
/// async fn measure(ctx: WorkflowContext, text: String) -> Result<usize> {
///     #[allow_nondeterminism(reason = "how long this run took is only logged")]
///     let began = std::time::Instant::now();
///     let length = count(&ctx, text).await?;
///     println!("counted in {:?}", began.elapsed());
///     Ok(length)
/// }
/// ```
///
/// `#[allow_nondeterminism(reason = "…")]` stands on a whole statement or an arm of a `match`.
/// The reason is mandatory, and one that allows nothing is refused.
///
/// # Where the guarantee stops
///
/// A macro sees tokens: not the types of values, not what the module imports, and not into the plain
/// functions that the body calls. Neither does the hash see into them: make those that make durable
/// calls parts of it.
#[proc_macro_attribute]
pub fn workflow(attribute: TokenStream, item: TokenStream) -> TokenStream {
    workflow::expand(attribute.into(), item.into()).into()
}

/// Marks a helper that makes durable calls on behalf of workflows, so that its calls are in their
/// pictures and its code in their versions.
///
/// ```
/// # use anyhow::Result;
/// # use durable_runtime::prelude::*;
/// # #[step]
/// # async fn reserve(ctx: StepContext, order: u64) -> Result<u64> { Ok(order) }
/// # #[step]
/// # async fn charge(ctx: StepContext, order: u64) -> Result<u64> { Ok(order) }
/// #[workflow_part]
/// async fn pay(ctx: &WorkflowContext, order: u64) -> Result<u64> {
///     reserve(ctx, order).await?;
///     charge(ctx, order).await
/// }
///
/// #[workflow(parts(pay))]
/// async fn checkout(ctx: WorkflowContext, order: u64) -> Result<u64> {
///     pay(&ctx, order).await
/// }
/// # use durable_runtime::Workflow;
/// # assert_eq!(checkout::machine().sites.len(), 2);
/// ```
///
/// # Options
///
/// | option | default | meaning |
/// |---|---|---|
/// | `parts(a, b::c)` | none | the parts that this one calls in turn |
/// | `crate = path` | `::durable_runtime` | where the runtime is found, when it is renamed or re-exported |
///
/// # What is generated
///
/// The function as it was written, and a type of the same name, by which `parts(…)` finds what is
/// known of the function's code.
///
/// # What is refused
///
/// A function that is not `async`, or does not take a `&WorkflowContext` first: the context is that
/// of the workflow which calls it. Everything else is the function's own affair: generics, borrows,
/// a return type that is no `Result`.
///
/// # Where the guarantee stops
///
/// A workflow knows the parts that it names. One that it calls and does not name runs all the same;
/// it is a single box in the picture, and a change of it does not change the workflow's version.
#[proc_macro_attribute]
pub fn workflow_part(attribute: TokenStream, item: TokenStream) -> TokenStream {
    part::expand(attribute.into(), item.into()).into()
}
