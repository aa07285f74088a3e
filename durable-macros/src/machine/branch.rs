//! `if`, `match`, `let … else`, and operators that may leave their right side out.

use proc_macro2::Span;
use syn::visit::Visit;
use syn::{BinOp, Expr, ExprBinary, ExprIf, ExprMatch, Local, LocalInit, Pat};

use super::flow::{End, Mark};
use super::walk::Walk;
use super::{JointKind, Node, Way, line};

/// One of the ways at a branch, and the case in which it is taken.
pub(super) type Alternative<'a> = (String, Box<dyn FnOnce(&mut Walk) + 'a>);

impl Walk {
    pub(super) fn walk_if(&mut self, branch: &ExprIf) {
        self.visit_expr(&branch.cond);
        let (yes, no) = self.cases(&branch.cond);
        let text = format!("if {}", self.sketch(&branch.cond));
        let alternatives: [Alternative<'_>; 2] = [
            (
                yes,
                Box::new(|walk| walk.within("if", |walk| walk.visit_block(&branch.then_branch))),
            ),
            (
                no,
                Box::new(|walk| {
                    if let Some((_, otherwise)) = &branch.else_branch {
                        walk.within("else", |walk| walk.visit_expr(otherwise));
                    }
                }),
            ),
        ];
        self.choose(&branch.cond, text, branch.if_token.span, alternatives);
    }

    pub(super) fn walk_let_else(&mut self, local: &Local, init: &LocalInit) {
        self.visit_pat(&local.pat);
        self.visit_expr(&init.expr);
        let pattern = self.sketch(&local.pat);
        let text = format!("let {pattern} = {}", self.sketch(&init.expr));
        let is_outcome = self.is_outcome(&init.expr);
        let yes = if is_outcome { pattern } else { "yes".into() };
        let alternatives: [Alternative<'_>; 2] = [
            (yes, Box::new(|_| {})),
            (
                "else".to_owned(),
                Box::new(|walk| {
                    if let Some((_, otherwise)) = &init.diverge {
                        walk.visit_expr(otherwise);
                    }
                }),
            ),
        ];
        self.choose(&init.expr, text, local.let_token.span, alternatives);
    }

    pub(super) fn walk_binary(&mut self, binary: &ExprBinary) {
        self.visit_expr(&binary.left);
        let (right, skipped) = match binary.op {
            BinOp::And(_) => ("yes", "no"),
            BinOp::Or(_) => ("no", "yes"),
            _ => return self.visit_expr(&binary.right),
        };
        let text = format!("if {}", self.sketch(&binary.left));
        let alternatives: [Alternative<'_>; 2] = [
            (
                right.to_owned(),
                Box::new(|walk| walk.visit_expr(&binary.right)),
            ),
            (skipped.to_owned(), Box::new(|_| {})),
        ];
        self.choose(&binary.left, text, Span::call_site(), alternatives);
    }

    pub(super) fn walk_match(&mut self, branch: &ExprMatch) {
        self.visit_expr(&branch.expr);
        let text = format!("match {}", self.sketch(&branch.expr));
        let span = branch.match_token.span;
        let mark = self.flow.mark();
        let mut from = self.decide(&branch.expr, text.clone(), span);
        let mut ends: Vec<End> = Vec::new();
        self.scope.enter("match");
        for arm in &branch.arms {
            let when = self.sketch(&arm.pat);
            self.flow.resume(from, Way::Next, Some(&when));
            self.scope.enter("arm");
            let before = self.flow.mark();
            self.visit_pat(&arm.pat);
            let otherwise = match &arm.pat {
                Pat::Guard(guard) if self.flow.calls_since(&before) => {
                    // The guard makes a call: when it is false, the other arms are tried.
                    let text = format!("if {}", self.sketch(&guard.guard));
                    let decision = self.decide(&guard.guard, text, guard.if_token.span);
                    self.flow.resume(decision, Way::Next, Some("yes"));
                    Some(decision)
                }
                _ => None,
            };
            self.visit_expr(&arm.body);
            self.scope.leave();
            ends.append(&mut self.flow.take());
            if let Some(decision) = otherwise {
                self.flow.resume(decision, Way::Next, Some("no"));
                let failed = self.flow.take();
                self.flow.resume(from, Way::Next, Some("otherwise"));
                self.flow.give(failed);
                from = self.flow.joint(JointKind::Choice, text.clone(), line(span));
            }
        }
        self.scope.leave();
        self.flow.take();
        self.flow.give(ends);
        self.flow.settle(mark);
    }

    /// Walks all ways at a branch that `decides`; they meet after it.
    fn choose<const N: usize>(
        &mut self,
        decides: &Expr,
        text: String,
        span: Span,
        alternatives: [Alternative<'_>; N],
    ) {
        let mark = self.flow.mark();
        let from = self.decide(decides, text, span);
        self.part(from, mark, alternatives);
    }

    /// Walks all ways from a node; they meet after it.
    pub(super) fn part<const N: usize>(
        &mut self,
        from: Node,
        mark: Mark,
        alternatives: [Alternative<'_>; N],
    ) {
        let mut ends = Vec::new();
        for (when, walk) in alternatives {
            self.flow.resume(from, Way::Next, Some(&when));
            walk(self);
            ends.append(&mut self.flow.take());
        }
        self.flow.give(ends);
        self.flow.settle(mark);
    }

    /// The node where ways part: the call itself if its outcome decides, else a new one.
    pub(super) fn decide(&mut self, decides: &Expr, text: String, span: Span) -> Node {
        match self.flow.last_call() {
            Some(call) if self.is_outcome(decides) => call,
            _ => self.flow.joint(JointKind::Choice, text, line(span)),
        }
    }

    /// How the two cases of a condition are called.
    pub(super) fn cases(&self, condition: &Expr) -> (String, String) {
        match condition {
            Expr::Let(condition) if self.is_outcome(&condition.expr) => {
                (self.sketch(&condition.pat), "else".to_owned())
            }
            _ => ("yes".to_owned(), "no".to_owned()),
        }
    }

    /// Whether an expression is what a durable call returns, and nothing else.
    fn is_outcome(&self, expression: &Expr) -> bool {
        match expression {
            Expr::Await(inner) => self.is_outcome(&inner.base),
            Expr::Try(inner) => self.is_outcome(&inner.expr),
            Expr::Paren(inner) => self.is_outcome(&inner.expr),
            Expr::Reference(inner) => self.is_outcome(&inner.expr),
            Expr::Let(inner) => self.is_outcome(&inner.expr),
            call => self.is_durable(call),
        }
    }
}
