//! What is in the parentheses of a macro, as far as it can be read.

use proc_macro2::{Ident, Spacing, TokenStream, TokenTree};
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Block, Expr, Macro, Pat, Token};

use super::calls::spelled_path;
use super::known;
use super::offence::Offence;
use super::scope::{Carry, Value};
use super::state;
use super::walk::Walk;

/// Macros that await each of their arguments.
const JOINS: [&str; 3] = ["join", "join_all", "try_join"];

const SELECTS: [&str; 2] = ["select", "select_biased"];

/// Macros whose arguments are shown to somebody and go nowhere else.
const LOGS: [&str; 14] = [
    "debug",
    "debug_span",
    "eprint",
    "eprintln",
    "error",
    "event",
    "info",
    "info_span",
    "log",
    "print",
    "println",
    "trace",
    "warn",
    "span",
];

/// Whether a macro of this name waits for what it is given.
pub(super) fn waits(name: &str) -> bool {
    JOINS.contains(&name) || SELECTS.contains(&name)
}

/// `pattern = call => body`
struct SelectArm {
    pattern: Pat,
    call: Expr,
    body: Expr,
}

impl Walk<'_> {
    /// A macro: its arguments are walked if they are expressions or statements.
    pub(super) fn invocation(&mut self, invocation: &Macro) -> Value {
        let Some(last) = invocation.path.segments.last() else {
            return Value::default();
        };
        let name = super::walk::text(&last.ident);
        if SELECTS.contains(&name.as_str()) {
            return self.select(invocation, &name);
        }
        if state::is_thread_local(invocation) {
            self.report(Offence::ThreadLocal, &invocation.path, "");
            return Value::default();
        }
        if JOINS.contains(&name.as_str())
            && let Ok(branches) = branches.parse2(invocation.tokens.clone())
        {
            for branch in &branches {
                self.branch(branch, &name);
            }
            return Value::of(Carry::Result);
        }
        self.check_pointer(invocation, &name);
        let was_logged = self.logged;
        self.logged |= LOGS.contains(&name.as_str());
        let value = self.other(invocation);
        self.logged = was_logged;
        value
    }

    fn other(&mut self, invocation: &Macro) -> Value {
        let tokens = invocation.tokens.clone();
        let expressions = Punctuated::<Expr, Token![,]>::parse_terminated;
        if let Ok(arguments) = expressions.parse2(tokens.clone()) {
            // `name = value` in `format!` assigns nothing.
            return self.all(arguments.iter().map(|argument| match argument {
                Expr::Assign(named) => &*named.right,
                other => other,
            }));
        }
        if let Ok(statements) = Block::parse_within.parse2(tokens.clone()) {
            return self.within(|walk| walk.statements(&statements));
        }
        self.unreadable(tokens)
    }

    /// Something in a language of its own: the paths and the names in it are still seen.
    fn unreadable(&mut self, tokens: TokenStream) -> Value {
        let mut value = Value::default();
        for name in names(tokens.clone()) {
            if let Some(of_name) = self.scope.variable(&name) {
                value = value.and(of_name);
            }
        }
        if value.carry == Carry::Call {
            self.carried += 1;
        }
        for path in paths(tokens) {
            let resolved = self.scope.imports().resolve(&path);
            if let Some(offence) = resolved.as_deref().and_then(known::offence) {
                self.report(offence, &path, spelled_path(&path));
            }
        }
        value
    }

    fn select(&mut self, invocation: &Macro, name: &str) -> Value {
        let own = |input: ParseStream<'_>| {
            let context: Expr = input.parse()?;
            input.parse::<Token![;]>()?;
            Ok((context, input.call(arms)?))
        };
        let of_another = self.names(&invocation.path, "tokio", &SELECTS)
            || self.names(&invocation.path, "futures", &SELECTS)
            || self.names(&invocation.path, "futures_util", &SELECTS);
        match own.parse2(invocation.tokens.clone()) {
            Ok((context, arms)) if !of_another && self.scope.is_context(&context) => {
                self.arms(&arms)
            }
            _ => {
                self.report(Offence::Select, &invocation.path, name);
                Value::of(Carry::Result)
            }
        }
    }

    fn arms(&mut self, arms: &[SelectArm]) -> Value {
        let mut value = Value::default();
        for arm in arms {
            let won = self.awaited(&arm.call, &arm.call);
            value = value.and(self.within(|walk| {
                walk.bind(&arm.pattern, won);
                walk.value(&arm.body)
            }));
        }
        self.carried += 1;
        value
    }

    fn check_pointer(&mut self, invocation: &Macro, name: &str) {
        if !matches!(name, "format" | "format_args" | "write" | "writeln") {
            return;
        }
        let literals = invocation
            .tokens
            .clone()
            .into_iter()
            .filter_map(|token| match token {
                TokenTree::Literal(literal) => Some(literal),
                _ => None,
            });
        for literal in literals {
            if prints_pointer(&literal.to_string()) {
                self.report(Offence::Pointer, &literal, "");
            }
        }
    }
}

/// Whether a format has a `{:p}`.
fn prints_pointer(format: &str) -> bool {
    let format = format.replace("{{", "");
    let mut placeholders = format.split('{').skip(1);
    placeholders.any(|placeholder| {
        let inside = placeholder.split('}').next().unwrap_or_default();
        inside.contains(':') && inside.ends_with('p')
    })
}

/// The branches of `join!`, behind its `biased;`.
fn branches(input: ParseStream<'_>) -> syn::Result<Punctuated<Expr, Token![,]>> {
    if input.peek(syn::Ident) && input.peek2(Token![;]) {
        input.parse::<Ident>()?;
        input.parse::<Token![;]>()?;
    }
    Punctuated::parse_terminated(input)
}

fn arms(input: ParseStream<'_>) -> syn::Result<Vec<SelectArm>> {
    let mut arms = Vec::new();
    while !input.is_empty() {
        let pattern = Pat::parse_multi_with_leading_vert(input)?;
        input.parse::<Token![=]>()?;
        let call = input.parse()?;
        input.parse::<Token![=>]>()?;
        let body = input.parse()?;
        arms.push(SelectArm {
            pattern,
            call,
            body,
        });
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
    }
    Ok(arms)
}

/// All names in `tokens`.
pub(super) fn names(tokens: TokenStream) -> Vec<Ident> {
    let mut names = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => names.push(ident),
            TokenTree::Group(group) => names.extend(self::names(group.stream())),
            _ => {}
        }
    }
    names
}

/// All paths of more than one segment in `tokens`.
fn paths(tokens: TokenStream) -> Vec<syn::Path> {
    let mut found = Vec::new();
    let mut run = TokenStream::new();
    let mut close = |run: &mut TokenStream| {
        let tokens = std::mem::take(run);
        if let Ok(path) = syn::parse2::<syn::Path>(tokens)
            && path.segments.len() > 1
        {
            found.push(path);
        }
    };
    let mut inner = Vec::new();
    let mut ends_with_name = false;
    let mut after_colon = false;
    for token in tokens {
        match &token {
            TokenTree::Ident(_) => {
                if ends_with_name {
                    close(&mut run);
                }
                ends_with_name = true;
                run.extend([token]);
            }
            TokenTree::Punct(punct) if punct.as_char() == ':' => {
                // Only `::`, of which the first touches the second.
                if punct.spacing() == Spacing::Joint || after_colon {
                    ends_with_name = false;
                    run.extend([token.clone()]);
                } else {
                    close(&mut run);
                }
                after_colon = punct.spacing() == Spacing::Joint;
                continue;
            }
            other => {
                if let TokenTree::Group(group) = other {
                    inner.push(group.stream());
                }
                ends_with_name = false;
                close(&mut run);
            }
        }
        after_colon = false;
    }
    close(&mut run);
    for group in inner {
        found.extend(paths(group));
    }
    found
}
