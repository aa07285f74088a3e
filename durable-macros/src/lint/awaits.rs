//! Whether an `.await` waits for something that is recorded.
//!
//! A macro sees no types, so it follows the context. An awaited expression **carries the context**
//! if
//!
//! 1. the context or an alias of it is mentioned in it, outside of items and other than through
//!    one of its [`ACCESSORS`], which give plain data;
//! 2. a variable is mentioned in it that was bound (by `let`, `for`, a pattern, an assignment) to
//!    something which carries the context and was not awaited yet, or into which such a thing was
//!    put ([`COLLECTS`]): a pending call, a vector of calls, a reader of a stream;
//! 3. it is, or is a method of, something taken out of an awaited one: a handle. Handing such a
//!    value to a function is not enough: `reqwest::get(url)` with a recorded `url` asks the
//!    network. The exceptions are [`COMBINATORS`], which await what they are given.
//!
//! What was awaited inside an expression is a result there, as if it had a name of its own:
//! `reqwest::get(url(&ctx).await?)` carries nothing.
//!
//! A closure or `async` block in which the context is carried anywhere carries it. The parameters
//! of a closure are what the receiver of its method is: `handles.iter().map(|h| h.result())`. An
//! `async` block of its own can be awaited, as each `.await` in it is looked at; and what was
//! refused for another reason is not refused again for being awaited.

use quote::ToTokens;
use syn::Expr;

use super::offence::Offence;
use super::scope::{Carry, Shape, Value};
use super::walk::Walk;

/// Methods of the context that give plain data.
pub(super) const ACCESSORS: [&str; 7] = [
    "assumed_role",
    "deprecate_patch",
    "name",
    "patch",
    "roles",
    "user",
    "workflow_id",
];

/// Methods that put their argument into their receiver.
pub(super) const COLLECTS: [&str; 9] = [
    "append",
    "extend",
    "get_or_insert",
    "insert",
    "or_insert",
    "push",
    "push_back",
    "push_front",
    "replace",
];

/// Methods that give what is in their receiver together with what is in their argument.
pub(super) const JOINS: [&str; 6] = ["chain", "merge", "or", "unwrap_or", "xor", "zip"];

/// Methods of a handle or a reader that are calls, also where they are not awaited at once.
pub(super) const CALLS: [&str; 5] = ["cancel", "next", "result", "resume", "status"];

/// Methods that give what their closure makes.
pub(super) const MAPS: [&str; 9] = [
    "and_then",
    "filter_map",
    "flat_map",
    "fold",
    "map",
    "map_ok",
    "map_or",
    "map_or_else",
    "then",
];

/// Functions that await what they are given, or hand it on as it is.
pub(super) const COMBINATORS: [&str; 11] = [
    "join",
    "join3",
    "join4",
    "join5",
    "join_all",
    "iter",
    "pin",
    "try_join",
    "try_join3",
    "try_join_all",
    "ready",
];

/// Types that hold what their constructor is given.
pub(super) const HOLDERS: [&str; 9] = [
    "Arc", "Box", "BTreeMap", "Cell", "Mutex", "Pin", "Rc", "Vec", "VecDeque",
];

impl Walk<'_> {
    /// Something awaited; `culprit` is what says so.
    pub(super) fn awaited(&mut self, base: &Expr, culprit: impl ToTokens) -> Value {
        let offences = self.offences;
        let value = self.value(base);
        if value.carry >= Carry::Result {
            self.carried += 1;
            let shape = is_time(base).then_some(Shape::Moment);
            return Value {
                carry: Carry::Result,
                shape,
            };
        }
        if self.offences == offences && self.has_context() && !is_seen_through(base) {
            self.report(Offence::Await, culprit, "");
        }
        Value::default()
    }
}

/// Whether all that is awaited stands here itself.
fn is_seen_through(expression: &Expr) -> bool {
    match expression {
        Expr::Async(_) => true,
        Expr::Paren(inner) => is_seen_through(&inner.expr),
        Expr::Group(inner) => is_seen_through(&inner.expr),
        // `Box::pin(async { … })`, `ready(1)`.
        Expr::Call(call) => match &*call.func {
            Expr::Path(path) => match path.path.segments.last() {
                Some(last) if last.ident == "pin" => call.args.iter().all(is_seen_through),
                Some(last) => last.ident == "ready",
                None => false,
            },
            _ => false,
        },
        _ => false,
    }
}

/// Whether an expression is `ctx.now()`.
fn is_time(expression: &Expr) -> bool {
    matches!(expression, Expr::MethodCall(call) if call.method == "now" && call.args.is_empty())
}
