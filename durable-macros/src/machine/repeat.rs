//! Loops.

use proc_macro2::Span;
use syn::visit::Visit;
use syn::{ExprForLoop, ExprLoop, ExprWhile, Label};

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
        let mark = self.flow.mark();
        let span = repeat.while_token.span;
        let text = format!("while {}", self.sketch(&repeat.cond));
        let head = self.head(text, span, repeat.label.as_ref());
        self.within("while", |walk| {
            let (yes, no) = if walk.makes_calls(&repeat.cond) {
                // Each round begins with the calls of the condition.
                walk.flow.rename(head, "while");
                walk.walk_condition("while", &repeat.cond, span)
            } else {
                walk.visit_expr(&repeat.cond);
                walk.flow.resume(head, Way::Next, Some("yes"));
                let yes = walk.flow.take();
                walk.flow.resume(head, Way::Next, Some("no"));
                (yes, walk.flow.take())
            };
            walk.flow.give(yes);
            walk.visit_block(&repeat.body);
            walk.flow.again(head);
            walk.flow.give(no);
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
