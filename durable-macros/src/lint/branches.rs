//! The branches of `join!`: one durable call each.

use syn::visit::{self, Visit};
use syn::{Expr, ExprAsync, ExprCall, ExprForLoop, ExprLoop, ExprMethodCall, ExprWhile, Item};

use super::awaits::ACCESSORS;
use super::offence::Offence;
use super::scope::Scope;
use super::walk::Walk;

impl Walk<'_> {
    /// One branch of the macro called `name`.
    pub(super) fn branch(&mut self, branch: &Expr, name: &str) {
        if let Some(block) = block_of(branch) {
            let mut sites = Sites {
                scope: &self.scope,
                count: 0,
            };
            sites.visit_block(&block.block);
            if sites.count > 1 {
                self.report(Offence::Branch, block.async_token, name);
            }
        }
        self.awaited(branch, branch);
    }
}

fn block_of(branch: &Expr) -> Option<&ExprAsync> {
    match branch {
        Expr::Async(block) => Some(block),
        Expr::Paren(inner) => block_of(&inner.expr),
        Expr::Group(inner) => block_of(&inner.expr),
        _ => None,
    }
}

/// Counts durable calls; one in a loop is several.
struct Sites<'s> {
    scope: &'s Scope,
    count: usize,
}

impl Sites<'_> {
    fn repeated(&mut self, walk: impl FnOnce(&mut Self)) {
        let before = self.count;
        walk(self);
        self.count += self.count - before;
    }
}

impl Visit<'_> for Sites<'_> {
    fn visit_expr_call(&mut self, call: &ExprCall) {
        let first = call.args.first();
        self.count += usize::from(first.is_some_and(|first| self.scope.is_context(first)));
        visit::visit_expr_call(self, call);
    }

    fn visit_expr_method_call(&mut self, call: &ExprMethodCall) {
        let is_of_context = self.scope.is_context(&call.receiver)
            && !ACCESSORS.iter().any(|accessor| call.method == accessor)
            && call.method != "clone";
        let first = call.args.first();
        let takes_context = first.is_some_and(|first| self.scope.is_context(first));
        self.count += usize::from(is_of_context || takes_context);
        visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_for_loop(&mut self, repeat: &ExprForLoop) {
        self.visit_expr(&repeat.expr);
        self.repeated(|sites| sites.visit_block(&repeat.body));
    }

    fn visit_expr_while(&mut self, repeat: &ExprWhile) {
        self.repeated(|sites| visit::visit_expr_while(sites, repeat));
    }

    fn visit_expr_loop(&mut self, repeat: &ExprLoop) {
        self.repeated(|sites| visit::visit_expr_loop(sites, repeat));
    }

    fn visit_item(&mut self, _: &Item) {}
}
