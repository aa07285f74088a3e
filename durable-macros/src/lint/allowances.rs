//! `#[allow_nondeterminism(reason = "…")]`, which makes the lints silent inside one statement.
//!
//! The attribute is no item of any crate: rustc must not see it. For reading, each is given its
//! number, by which the walk claims the ones that stand on statements.

use proc_macro2::{Delimiter, Group, Ident, Literal, Spacing, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Attribute, Expr, LitInt, LitStr, Meta, MetaNameValue, Stmt};

use crate::diagnostics::Diagnostics;

const NAME: &str = "allow_nondeterminism";

const FORM: &str = "write `#[allow_nondeterminism(reason = \"…\")]` on the statement, and say why it does no harm that a replay runs it again";

/// How the name is written by those who do not remember it.
const MISSPELT: [&str; 8] = [
    "allow_non_determinism",
    "allow_nondeterministic",
    "allow_non_deterministic",
    "allow_undeterminism",
    "allow_indeterminism",
    "allow_nondeterminsm",
    "allow_nondetermism",
    "allows_nondeterminism",
];

/// One allowance of a body.
pub(super) struct Allowance {
    /// From `#` to `]`, for errors.
    attribute: TokenStream,
    /// The name and what follows it in the brackets.
    content: TokenStream,
    is_inner: bool,
    claimed: bool,
    used: bool,
}

/// The allowances of a body, by number.
pub(super) struct Allowances {
    found: Vec<Allowance>,
}

/// The body with each allowance's number in its parentheses, and the allowances.
pub(super) fn number(body: &TokenStream) -> (TokenStream, Allowances) {
    let mut found = Vec::new();
    let body = rewrite(body.clone(), &mut |allowance| {
        let number = Literal::usize_unsuffixed(found.len());
        let name = Ident::new(NAME, Span::call_site());
        let is_inner = allowance.is_inner;
        found.push(allowance);
        // An inner attribute is no attribute of a statement: nobody will claim it.
        if is_inner {
            TokenStream::new()
        } else {
            quote!(#[#name(#number)])
        }
    });
    (body, Allowances { found })
}

/// The body without allowances; every other token keeps its place.
pub(super) fn strip(body: &TokenStream) -> TokenStream {
    rewrite(body.clone(), &mut |_| TokenStream::new())
}

fn rewrite(tokens: TokenStream, replace: &mut impl FnMut(Allowance) -> TokenStream) -> TokenStream {
    let mut written = TokenStream::new();
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut rest = tokens.as_slice();
    while let Some((token, after)) = rest.split_first() {
        if let Some((allowance, after)) = allowance(rest) {
            written.extend(replace(allowance));
            rest = after;
            continue;
        }
        rest = after;
        written.extend([match token {
            // A group keeps both its brackets' places only as long as it is not made anew.
            TokenTree::Group(group) if mentions(&group.stream()) => {
                let inside = rewrite(group.stream(), replace);
                let mut anew = Group::new(group.delimiter(), inside);
                anew.set_span(group.span());
                TokenTree::Group(anew)
            }
            other => other.clone(),
        }]);
    }
    written
}

fn mentions(tokens: &TokenStream) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Ident(ident) => is_name(&ident),
        TokenTree::Group(group) => mentions(&group.stream()),
        _ => false,
    })
}

fn is_name(ident: &Ident) -> bool {
    ident == NAME || MISSPELT.iter().any(|misspelt| ident == misspelt)
}

/// The allowance that `tokens` begin with, and what comes after it.
fn allowance(tokens: &[TokenTree]) -> Option<(Allowance, &[TokenTree])> {
    let (hash, mut rest) = tokens.split_first()?;
    if !is_punct(hash, '#') {
        return None;
    }
    let mut attribute = hash.to_token_stream();
    let bang = rest.first().filter(|token| is_punct(token, '!'));
    if let Some(bang) = bang {
        attribute.extend([bang.clone()]);
        rest = rest.get(1..)?;
    }
    let (TokenTree::Group(brackets), after) = rest.split_first()? else {
        return None;
    };
    if brackets.delimiter() != Delimiter::Bracket {
        return None;
    }
    // `durable_runtime::allow_nondeterminism` is meant for this one, too.
    let content: TokenStream = brackets
        .stream()
        .into_iter()
        .skip_while(|token| match token {
            TokenTree::Ident(ident) => !is_name(ident),
            TokenTree::Punct(punct) => punct.as_char() == ':',
            _ => false,
        })
        .collect();
    let Some(TokenTree::Ident(first)) = content.clone().into_iter().next() else {
        return None;
    };
    if !is_name(&first) {
        return None;
    }
    attribute.extend([TokenTree::Group(brackets.clone())]);
    let allowance = Allowance {
        attribute,
        content,
        is_inner: bang.is_some(),
        claimed: false,
        used: false,
    };
    Some((allowance, after))
}

fn is_punct(token: &TokenTree, character: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == character)
}

/// Refuses allowances on the function itself, and takes them away from it.
pub(super) fn refuse_on_function(attributes: &mut Vec<Attribute>, diagnostics: &mut Diagnostics) {
    attributes.retain(|attribute| {
        let last = attribute.path().segments.last();
        let is_allowance = last.is_some_and(|last| is_name(&last.ident));
        if is_allowance {
            diagnostics.refuse(
                attribute,
                "a whole workflow cannot be allowed what is not deterministic: everything in it would go unseen, now and in every later change",
                FORM,
            );
        }
        !is_allowance
    });
}

impl Allowances {
    /// Claims the allowances among the `attributes` of a statement: the number of the last.
    pub(super) fn claim(&mut self, attributes: &[Attribute]) -> Option<usize> {
        let numbers = attributes.iter().filter_map(|attribute| {
            let Meta::List(list) = &attribute.meta else {
                return None;
            };
            if !list.path.is_ident(NAME) {
                return None;
            }
            list.parse_args::<LitInt>().ok()?.base10_parse().ok()
        });
        let mut last = None;
        for number in numbers.collect::<Vec<usize>>() {
            if let Some(allowance) = self.found.get_mut(number) {
                allowance.claimed = true;
                last = Some(number);
            }
        }
        last
    }

    /// Takes note that an allowance made a lint silent.
    pub(super) fn uses(&mut self, number: usize) {
        if let Some(allowance) = self.found.get_mut(number) {
            allowance.used = true;
        }
    }

    /// Whether an allowance made a lint silent.
    pub(super) fn is_used(&self, number: usize) -> bool {
        self.found
            .get(number)
            .is_some_and(|allowance| allowance.used)
    }

    /// Refuses the allowances that are not as they should be.
    pub(super) fn finish(self, diagnostics: &mut Diagnostics) {
        for allowance in self.found {
            allowance.check(diagnostics);
        }
    }
}

impl Allowance {
    fn check(&self, diagnostics: &mut Diagnostics) {
        let Some(TokenTree::Ident(name)) = self.content.clone().into_iter().next() else {
            return;
        };
        if name != NAME {
            diagnostics.refuse(
                &name,
                format_args!("there is no attribute `{name}`: what allows a workflow something that is not deterministic is called `{NAME}`"),
                FORM,
            );
        } else if let Some((culprit, problem)) = self.problem() {
            diagnostics.refuse(culprit, problem, FORM);
        } else if !self.claimed {
            diagnostics.refuse(
                &self.attribute,
                "`#[allow_nondeterminism]` stands on a whole statement or on an arm of a `match`, so that everybody sees how far it reaches; this one stands elsewhere, or in a macro whose arguments are no statements",
                "put it in front of a statement: a `let`, an expression, a block, a loop or a macro call",
            );
        } else if !self.used {
            diagnostics.refuse(
                &self.attribute,
                "this allows nothing: nothing in the statement is refused. An allowance that is left over would hide the next mistake made here",
                "remove it",
            );
        }
    }

    /// What is wrong with the part in parentheses, and at which tokens.
    fn problem(&self) -> Option<(TokenStream, &'static str)> {
        const MISSING: &str = "a reason is missing: who reads this later has to know why a replay may do something else here";
        let Ok(Meta::List(list)) = syn::parse2::<Meta>(self.content.clone()) else {
            return Some((self.attribute.clone(), MISSING));
        };
        let Ok(named) = list.parse_args::<MetaNameValue>() else {
            return Some((self.attribute.clone(), MISSING));
        };
        if !named.path.is_ident("reason") {
            return Some((
                named.path.to_token_stream(),
                "`#[allow_nondeterminism]` has one option, its `reason`",
            ));
        }
        match syn::parse2::<LitStr>(named.value.to_token_stream()) {
            Err(_) => Some((
                named.value.to_token_stream(),
                "the reason is a text in quotes",
            )),
            Ok(reason) if reason.value().trim().is_empty() => Some((
                reason.to_token_stream(),
                "the reason is empty: who reads this later has to know why a replay may do something else here",
            )),
            Ok(_) => None,
        }
    }
}

/// The attributes at the front of a statement, which the parser gives to its leftmost operand.
pub(super) fn attributes(statement: &Stmt) -> &[Attribute] {
    match statement {
        Stmt::Local(local) => &local.attrs,
        Stmt::Macro(invocation) => &invocation.attrs,
        Stmt::Expr(expression, _) => of_expression(expression),
        Stmt::Item(syn::Item::Static(item)) => &item.attrs,
        Stmt::Item(syn::Item::Macro(item)) => &item.attrs,
        Stmt::Item(_) => &[],
    }
}

fn of_expression(expression: &Expr) -> &[Attribute] {
    match expression {
        Expr::Assign(inner) => of_expression(&inner.left),
        Expr::Binary(inner) => of_expression(&inner.left),
        Expr::Cast(inner) => of_expression(&inner.expr),
        Expr::Array(inner) => &inner.attrs,
        Expr::Async(inner) => &inner.attrs,
        Expr::Await(inner) => &inner.attrs,
        Expr::Block(inner) => &inner.attrs,
        Expr::Break(inner) => &inner.attrs,
        Expr::Call(inner) => &inner.attrs,
        Expr::Closure(inner) => &inner.attrs,
        Expr::Field(inner) => &inner.attrs,
        Expr::ForLoop(inner) => &inner.attrs,
        Expr::If(inner) => &inner.attrs,
        Expr::Index(inner) => &inner.attrs,
        Expr::Lit(inner) => &inner.attrs,
        Expr::Loop(inner) => &inner.attrs,
        Expr::Macro(inner) => &inner.attrs,
        Expr::Match(inner) => &inner.attrs,
        Expr::MethodCall(inner) => &inner.attrs,
        Expr::Paren(inner) => &inner.attrs,
        Expr::Path(inner) => &inner.attrs,
        Expr::Reference(inner) => &inner.attrs,
        Expr::Return(inner) => &inner.attrs,
        Expr::Struct(inner) => &inner.attrs,
        Expr::Try(inner) => &inner.attrs,
        Expr::Tuple(inner) => &inner.attrs,
        Expr::Unary(inner) => &inner.attrs,
        Expr::Unsafe(inner) => &inner.attrs,
        Expr::While(inner) => &inner.attrs,
        _ => &[],
    }
}

/// Whether a statement waits for something: by `.await`, or in a macro that does.
pub(super) fn waits(statement: &TokenStream) -> bool {
    let tokens: Vec<TokenTree> = statement.clone().into_iter().collect();
    tokens.iter().enumerate().any(|(index, token)| match token {
        TokenTree::Group(group) => waits(&group.stream()),
        TokenTree::Ident(ident) if ident == "await" => {
            index.checked_sub(1).and_then(|before| tokens.get(before)).is_some_and(|token| {
                matches!(token, TokenTree::Punct(dot) if dot.as_char() == '.' && dot.spacing() == Spacing::Alone)
            })
        }
        TokenTree::Ident(ident) => {
            let is_macro = tokens
                .get(index + 1)
                .is_some_and(|next| is_punct(next, '!'));
            is_macro && super::macros::waits(&ident.to_string())
        }
        _ => false,
    })
}
