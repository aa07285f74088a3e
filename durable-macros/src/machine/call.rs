//! Calls, and what is done with them.

use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Expr, ExprCall, ExprMethodCall, ExprPath, Local, Path};

use super::SiteKind::{Call, Child, Operation};
use super::Way;
use super::flow::FrameKind;
use super::walk::{Closure, Walk, bound};

/// What can only be done with the call of a workflow.
const OF_A_WORKFLOW: [&str; 17] = [
    "attribute",
    "debounce",
    "debounce_timeout",
    "deduplication_id",
    "delay",
    "duplication_policy",
    "id",
    "no_timeout",
    "partition_key",
    "priority",
    "queue",
    "reject_existing",
    "roles",
    "start",
    "timeout",
    "user",
    "version",
];

/// What a context tells about the run: no durable calls.
const TELLING: [&str; 6] = [
    "assumed_role",
    "clone",
    "name",
    "roles",
    "user",
    "workflow_id",
];

/// Operations that are done when they return: nothing of them is awaited.
const DONE_AT_ONCE: [&str; 2] = ["deprecate_patch", "patch"];

impl Walk {
    pub(super) fn walk_call(&mut self, call: &ExprCall) {
        self.walk_function_call(call, false);
    }

    fn walk_function_call(&mut self, call: &ExprCall, is_child: bool) {
        if let Some(path) = callee(&call.func)
            && let Some(name) = path.path.segments.last().map(|segment| &segment.ident)
            && !self.is_call(call)
            && matches!(
                name.to_string().as_str(),
                "join" | "join3" | "join4" | "join5" | "join_all" | "try_join" | "try_join_all"
            )
        {
            let name = name.unraw().to_string();
            return self.walk_together(&name, name.ends_with("_all"), &call.args, call.span());
        }
        let site = if self.is_call(call)
            && let Some(path) = callee(&call.func)
            && let Some(segment) = path.path.segments.last()
        {
            let kind = if is_child { Child } else { Call };
            // The location of a call is where its callee starts, which is the path's first token.
            let site = self.record(&segment.ident, kind, call.func.span());
            self.note_path(site, &path.path);
            Some(site)
        } else {
            None
        };
        self.visit_expr(&call.func);
        for argument in &call.args {
            self.visit_expr(argument);
        }
        if let Some(site) = site {
            self.flow.call(site);
        }
    }

    pub(super) fn walk_method_call(&mut self, call: &ExprMethodCall, is_child: bool) {
        let of_a_workflow = OF_A_WORKFLOW.iter().any(|name| call.method == name);
        let is_child_too = of_a_workflow && self.is_durable(&call.receiver);
        match &*call.receiver {
            Expr::Call(inner) if is_child_too => self.walk_function_call(inner, true),
            Expr::MethodCall(inner) if is_child_too => self.walk_method_call(inner, true),
            receiver => {
                // The closure that is collected here makes the calls that are waited for there.
                let closure = std::mem::take(&mut self.closure);
                if matches!(closure, Closure::Each) {
                    self.closure = Closure::Each;
                }
                self.visit_expr(receiver);
                if matches!(closure, Closure::Each) {
                    self.closure = Closure::Each;
                }
            }
        }
        if self.is_saga(call) {
            return self.walk_undoable(call);
        }
        let site = self.is_site(call).then(|| {
            let kind = if is_child || call.method == "enqueue" {
                Child
            } else if self.contexts.is_context(&call.receiver) {
                Operation
            } else {
                Call
            };
            self.record(&call.method, kind, call.method.span())
        });
        for argument in &call.args {
            if !matches!(self.closure, Closure::Each) {
                self.closure = Closure::Of(call.method.unraw().to_string());
            }
            self.visit_expr(argument);
        }
        self.closure = Closure::Unknown;
        if let Some(site) = site {
            self.flow.call(site);
        }
    }

    /// Whether a call is a durable one, as far as it is told by its first argument.
    pub(super) fn is_call(&self, call: &ExprCall) -> bool {
        let takes_context = call
            .args
            .first()
            .is_some_and(|argument| self.contexts.is_context(argument));
        takes_context && callee(&call.func).is_some_and(|path| !is_new_saga(&path.path))
    }

    fn is_site(&self, call: &ExprMethodCall) -> bool {
        let is_operation = self.contexts.is_context(&call.receiver)
            && !TELLING.iter().any(|name| call.method == name);
        let takes_context = call
            .args
            .first()
            .is_some_and(|argument| self.contexts.is_context(argument));
        is_operation || takes_context
    }

    /// Whether an expression is a durable call that is not awaited yet, perhaps with options.
    pub(super) fn is_durable(&self, expression: &Expr) -> bool {
        match expression {
            Expr::Call(call) => self.is_call(call),
            Expr::MethodCall(call) => {
                self.is_site(call)
                    || OF_A_WORKFLOW.iter().any(|name| call.method == name)
                        && self.is_durable(&call.receiver)
            }
            Expr::Paren(inner) => self.is_durable(&inner.expr),
            Expr::Group(inner) => self.is_durable(&inner.expr),
            _ => false,
        }
    }

    pub(super) fn is_pending(&self, call: &ExprMethodCall) -> bool {
        let done = self.contexts.is_context(&call.receiver)
            && DONE_AT_ONCE.iter().any(|name| call.method == name);
        let is_durable = self.is_site(call)
            || OF_A_WORKFLOW.iter().any(|name| call.method == name)
                && self.is_durable(&call.receiver);
        is_durable && !done
    }

    /// Whether the code of an expression makes durable calls.
    pub(super) fn makes_calls(&self, expression: &Expr) -> bool {
        struct Search<'a> {
            walk: &'a Walk,
            found: bool,
        }
        impl Visit<'_> for Search<'_> {
            fn visit_expr(&mut self, expression: &Expr) {
                self.found |= self.walk.is_durable(expression);
                visit::visit_expr(self, expression);
            }
        }
        let mut search = Search {
            walk: self,
            found: false,
        };
        search.visit_expr(expression);
        search.found
    }

    /// Takes note of a `let saga = Saga::new(…)`.
    pub(super) fn note_saga(&mut self, local: &Local) {
        let Some(name) = bound(&local.pat) else {
            return;
        };
        let is_saga = match local.init.as_ref().map(|init| &*init.expr) {
            Some(Expr::Call(call)) => {
                callee(&call.func).is_some_and(|path| is_new_saga(&path.path))
            }
            _ => false,
        };
        if is_saga {
            self.sagas.insert(name.clone());
        } else {
            self.sagas.remove(name);
        }
    }

    fn is_saga(&self, call: &ExprMethodCall) -> bool {
        let adds = call.method == "step" || call.method == "defer";
        adds && match &*call.receiver {
            Expr::Path(path) => path
                .path
                .get_ident()
                .is_some_and(|name| self.sagas.contains(name)),
            _ => false,
        }
    }

    /// A call and the closure that undoes it: not on the way, but reached from the call if
    /// something fails later.
    fn walk_undoable(&mut self, call: &ExprMethodCall) {
        for argument in &call.args {
            let Expr::Closure(closure) = argument else {
                self.visit_expr(argument);
                continue;
            };
            let before = self.flow.open();
            self.flow.by(Way::Undo);
            self.flow.enter(FrameKind::Inner, None);
            self.within("undo", |walk| walk.visit_expr(&closure.body));
            self.flow.leave();
            self.flow.take();
            self.flow.give(before);
        }
    }
}

/// The path that a call names, if it names one.
pub(super) fn callee(function: &Expr) -> Option<&ExprPath> {
    match function {
        Expr::Path(path) => Some(path),
        Expr::Paren(inner) => callee(&inner.expr),
        Expr::Group(inner) => callee(&inner.expr),
        _ => None,
    }
}

fn is_new_saga(path: &Path) -> bool {
    let mut names = path.segments.iter().rev();
    names.next().is_some_and(|name| name.ident == "new")
        && names.next().is_some_and(|name| name.ident == "Saga")
}
