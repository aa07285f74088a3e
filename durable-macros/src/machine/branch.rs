//! `if`, `match`, `let … else`, and operators that may leave their right side out.

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::visit::Visit;
use syn::{BinOp, Expr, ExprBinary, ExprIf, ExprMatch, Local, LocalInit, Pat, UnOp};

use super::flow::End;
use super::walk::Walk;
use super::{JointKind, Node, Way, line};

impl Walk {
    pub(super) fn walk_if(&mut self, branch: &ExprIf) {
        let mark = self.flow.mark();
        let (yes, no) = self.walk_condition("if", &branch.cond, branch.if_token.span);
        self.flow.give(yes);
        self.within("if", |walk| walk.visit_block(&branch.then_branch));
        let mut ends = self.flow.take();
        self.flow.give(no);
        if let Some((_, otherwise)) = &branch.else_branch {
            self.within("else", |walk| walk.visit_expr(otherwise));
        }
        ends.append(&mut self.flow.take());
        self.flow.give(ends);
        self.flow.settle(mark);
    }

    /// Walks a condition: the ways on which it is true, and those on which it is not.
    pub(super) fn walk_condition(
        &mut self,
        word: &str,
        condition: &Expr,
        span: Span,
    ) -> (Vec<End>, Vec<End>) {
        match condition {
            Expr::Paren(inner) => self.walk_condition(word, &inner.expr, span),
            Expr::Unary(inner)
                if matches!(inner.op, UnOp::Not(_)) && self.is_outcome(&inner.expr) =>
            {
                let (yes, no) = self.walk_condition(word, &inner.expr, span);
                (no, yes)
            }
            // The right side may make calls, or not be reached: two decisions.
            Expr::Binary(both)
                if matches!(both.op, BinOp::And(_)) && self.makes_calls(condition) =>
            {
                let (yes, mut no) = self.walk_condition(word, &both.left, span);
                self.flow.give(yes);
                let (yes, mut more) = self.walk_condition(word, &both.right, span);
                no.append(&mut more);
                (yes, no)
            }
            Expr::Binary(either)
                if matches!(either.op, BinOp::Or(_)) && self.makes_calls(condition) =>
            {
                let (mut yes, no) = self.walk_condition(word, &either.left, span);
                self.flow.give(no);
                let (mut more, no) = self.walk_condition(word, &either.right, span);
                yes.append(&mut more);
                (yes, no)
            }
            condition => {
                self.visit_expr(condition);
                let (yes, no) = match condition {
                    Expr::Let(inner) if self.is_outcome(&inner.expr) => {
                        (self.sketch(&inner.pat), "else")
                    }
                    _ => ("yes".to_owned(), "no"),
                };
                let text = format!("{word} {}", self.sketch(condition));
                let from = self.decide(condition, text, span);
                self.flow.resume(from, Way::Next, Some(&yes));
                let yes = self.flow.take();
                self.flow.resume(from, Way::Next, Some(no));
                (yes, self.flow.take())
            }
        }
    }

    /// `a && b` outside of a condition.
    pub(super) fn walk_short_circuit(&mut self, binary: &ExprBinary) {
        let (yes, no) = self.walk_condition("if", &binary.left, binary.left.span());
        let (on, skipped) = match binary.op {
            BinOp::Or(_) => (no, yes),
            _ => (yes, no),
        };
        self.flow.give(on);
        self.visit_expr(&binary.right);
        self.flow.give(skipped);
    }

    pub(super) fn walk_let_else(&mut self, local: &Local, init: &LocalInit) {
        self.visit_pat(&local.pat);
        self.visit_expr(&init.expr);
        let mark = self.flow.mark();
        let pattern = self.sketch(&local.pat);
        let text = format!("let {pattern} = {}", self.sketch(&init.expr));
        let is_outcome = self.is_outcome(&init.expr);
        let when = if is_outcome { &pattern } else { "yes" };
        let from = self.decide(&init.expr, text, local.let_token.span);
        self.flow.resume(from, Way::Next, Some("else"));
        if let Some((_, otherwise)) = &init.diverge {
            self.visit_expr(otherwise);
        }
        let ends = self.flow.take();
        self.flow.resume(from, Way::Next, Some(when));
        self.flow.give(ends);
        self.flow.settle(mark);
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
            self.scope.enter("arm");
            let otherwise = match &arm.pat {
                // The guard makes a call: when it is false, the other arms are tried.
                Pat::Guard(guard) if self.makes_calls(&guard.guard) => {
                    let when = self.sketch(&guard.pat);
                    self.flow.resume(from, Way::Next, Some(&when));
                    let (yes, no) = self.walk_condition("if", &guard.guard, guard.if_token.span);
                    self.flow.give(yes);
                    Some(no)
                }
                pattern => {
                    let when = self.sketch(pattern);
                    self.flow.resume(from, Way::Next, Some(&when));
                    self.visit_pat(pattern);
                    None
                }
            };
            self.visit_expr(&arm.body);
            self.scope.leave();
            ends.append(&mut self.flow.take());
            if let Some(failed) = otherwise {
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

    /// The node where ways part: the call itself if its outcome decides, else a new one.
    fn decide(&mut self, decides: &Expr, text: String, span: Span) -> Node {
        match self.flow.last_call() {
            Some(call) if self.is_outcome(decides) => call,
            _ => self.flow.joint(JointKind::Choice, text, line(span)),
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
