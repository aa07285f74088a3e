//! Loops.

use proc_macro2::Span;
use syn::visit::Visit;
use syn::{ExprForLoop, ExprLoop, ExprWhile, Label};

use super::branch::Alternative;
use super::flow::FrameKind;
use super::walk::Walk;
use super::{JointKind, Node, Way, line};

impl Walk {
    pub(super) fn walk_for(&mut self, repeat: &ExprForLoop) {
        self.visit_expr(&repeat.expr);
        let (pattern, values) = (self.sketch(&repeat.pat), self.sketch(&repeat.expr));
        let text = format!("for {pattern} in {values}");
        let mark = self.flow.mark();
        let head = self.head(text, repeat.for_token.span, repeat.label.as_ref());
        self.within("for", |walk| walk.visit_block(&repeat.body));
        self.flow.again(head);
        self.flow.resume(head, Way::Next, Some("done"));
        self.flow.leave();
        self.flow.settle(mark);
    }

    pub(super) fn walk_while(&mut self, repeat: &ExprWhile) {
        let condition = self.sketch(&repeat.cond);
        let mark = self.flow.mark();
        let text = format!("while {condition}");
        let head = self.head(text, repeat.while_token.span, repeat.label.as_ref());
        self.within("while", |walk| {
            let before = walk.flow.mark();
            walk.visit_expr(&repeat.cond);
            let (yes, no) = walk.cases(&repeat.cond);
            let from = if walk.flow.calls_since(&before) {
                // The condition makes calls: each round begins with them.
                walk.flow.rename(head, "while");
                walk.decide(
                    &repeat.cond,
                    format!("while {condition}"),
                    repeat.while_token.span,
                )
            } else {
                head
            };
            let alternatives: [Alternative<'_>; 2] = [
                (
                    yes,
                    Box::new(|walk| {
                        walk.visit_block(&repeat.body);
                        walk.flow.again(head);
                    }),
                ),
                (no, Box::new(|_| {})),
            ];
            walk.part(from, before, alternatives);
        });
        self.flow.leave();
        self.flow.settle(mark);
    }

    pub(super) fn walk_loop(&mut self, repeat: &ExprLoop) {
        let mark = self.flow.mark();
        let head = self.head(
            "loop".to_owned(),
            repeat.loop_token.span,
            repeat.label.as_ref(),
        );
        self.within("loop", |walk| walk.visit_block(&repeat.body));
        self.flow.again(head);
        self.flow.leave();
        self.flow.settle(mark);
    }

    fn head(&mut self, text: String, span: Span, label: Option<&Label>) -> Node {
        let head = self.flow.joint(JointKind::Loop, text, line(span));
        let label = label.map(|label| label.name.ident.to_string());
        self.flow.enter(FrameKind::Loop(head), label);
        head
    }
}
