//! Macros: those that wait for several calls, and those whose arguments are expressions.

use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::visit::Visit;
use syn::{Expr, Macro, Pat, Token};

use super::flow::FrameKind;
use super::walk::{Closure, Walk};
use super::{JointKind, SiteKind, Way, line};

/// `&ctx; pattern = call => body, …`
struct Select {
    context: Expr,
    arms: Vec<SelectArm>,
}

struct SelectArm {
    pattern: Pat,
    call: Expr,
    body: Expr,
}

impl Walk {
    pub(super) fn walk_macro(&mut self, invocation: &Macro) {
        let Some(name) = invocation.path.segments.last() else {
            return;
        };
        let name = name.ident.unraw();
        if name == "select"
            && let Ok(select) = select.parse2(invocation.tokens.clone())
            && self.contexts.is_context(&select.context)
        {
            return self.walk_select(&name, &select, invocation.path.span());
        }
        let Ok(arguments) = arguments.parse2(invocation.tokens.clone()) else {
            return self.mention_all(&invocation.tokens);
        };
        match name.to_string().as_str() {
            name @ ("join" | "try_join" | "select") => {
                let span = invocation.path.span();
                let name = name.to_owned();
                self.within(&name, |walk| {
                    walk.walk_together(&format!("{name}!"), false, &arguments, span);
                });
            }
            "bail" => {
                self.walk_arguments(&arguments);
                self.flow.end(true);
            }
            "ensure" => {
                self.walk_arguments(&arguments);
                self.flow.attempt();
            }
            // Nothing follows them, and that they are reached is a mistake in the program.
            "panic" | "todo" | "unimplemented" | "unreachable" => {
                self.walk_arguments(&arguments);
                self.flow.take();
            }
            // Other macros, such as `format!`, say nothing about the order of calls.
            _ => self.walk_arguments(&arguments),
        }
    }

    fn walk_arguments(&mut self, arguments: &Punctuated<Expr, Token![,]>) {
        for argument in arguments {
            self.visit_expr(argument);
        }
    }

    /// Calls that are waited for together: each argument is one, or its closure makes one each.
    pub(super) fn walk_together(
        &mut self,
        name: &str,
        each: bool,
        branches: &Punctuated<Expr, Token![,]>,
        span: Span,
    ) {
        let mark = self.flow.mark();
        let fork = self
            .flow
            .joint(JointKind::Fork, name.to_owned(), line(span));
        let listed = branches.first().filter(|_| each).and_then(list);
        let mut ends = Vec::new();
        for branch in listed.as_ref().unwrap_or(branches) {
            self.flow.resume(fork, Way::Fork, None);
            self.flow.enter(FrameKind::Inner, None);
            if each {
                self.closure = Closure::Each;
            }
            self.visit_expr(branch);
            self.closure = Closure::Unknown;
            self.flow.leave();
            ends.append(&mut self.flow.take());
        }
        self.flow.give(ends);
        self.flow
            .joint(JointKind::Join, "all done".to_owned(), line(span));
        self.flow.settle(mark);
    }

    /// The calls are made one after the other, and race; the body of the first follows.
    fn walk_select(&mut self, name: &syn::Ident, select: &Select, span: Span) {
        self.within("select", |walk| {
            let site = walk.record(name, SiteKind::Operation, span);
            walk.flow.call(site);
            let mut ends = Vec::new();
            for arm in &select.arms {
                walk.within("arm", |walk| {
                    walk.flow.resume(super::Node::Site(site), Way::Race, None);
                    walk.visit_expr(&arm.call);
                    walk.visit_pat(&arm.pattern);
                    let when = match &arm.call {
                        // What this branch waits for was called before.
                        call if walk.flow.last_call().is_none() => walk.sketch(call),
                        _ => "first".to_owned(),
                    };
                    walk.flow.when(&when);
                    walk.visit_expr(&arm.body);
                });
                ends.append(&mut walk.flow.take());
            }
            walk.flow.give(ends);
        });
    }
}

/// The elements of `[a, b]` or `vec![a, b]`.
fn list(expression: &Expr) -> Option<Punctuated<Expr, Token![,]>> {
    match expression {
        Expr::Array(array) => Some(array.elems.clone()),
        Expr::Macro(invocation) if invocation.mac.path.is_ident("vec") => {
            arguments.parse2(invocation.mac.tokens.clone()).ok()
        }
        _ => None,
    }
}

fn select(input: ParseStream<'_>) -> syn::Result<Select> {
    let context = input.parse()?;
    input.parse::<Token![;]>()?;
    let mut arms = Vec::new();
    while !input.is_empty() {
        let pattern = input.call(Pat::parse_multi_with_leading_vert)?;
        input.parse::<Token![=]>()?;
        let call = input.parse()?;
        input.parse::<Token![=>]>()?;
        let body = input.parse()?;
        input.parse::<Option<Token![,]>>()?;
        arms.push(SelectArm {
            pattern,
            call,
            body,
        });
    }
    Ok(Select { context, arms })
}

/// `a, b, c`, also behind the `biased;` of a join, or `value; count` of an array.
fn arguments(input: ParseStream<'_>) -> syn::Result<Punctuated<Expr, Token![,]>> {
    let mut arguments = Punctuated::new();
    while !input.is_empty() {
        arguments.push_value(input.parse()?);
        if input.is_empty() {
            break;
        }
        match input.parse::<Option<Token![;]>>()? {
            Some(_) => arguments.push_punct(Token![,](Span::call_site())),
            None => arguments.push_punct(input.parse()?),
        }
    }
    Ok(arguments)
}
