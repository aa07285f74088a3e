mod allowed;
mod awaits;
mod offences;

use proc_macro2::TokenStream;
use syn::parse_quote;

use super::{Allowed, check};
use crate::diagnostics::Diagnostics;
use crate::signature::Argument;

/// What is said about a body of a workflow with arguments.
fn checked(body: &str) -> (Vec<String>, Allowed) {
    let body: TokenStream = body.parse().unwrap();
    let mut diagnostics = Diagnostics::default();
    let arguments: [Argument; 3] = [
        ("prices", parse_quote!(HashMap<String, u64>)),
        ("url", parse_quote!(String)),
        ("files", parse_quote!(Vec<String>)),
    ]
    .map(|(name, ty)| Argument {
        name: syn::parse_str(name).unwrap(),
        ty,
    });
    let context = parse_quote!(ctx: WorkflowContext);
    let allowed = check(Some(&context), &body, &arguments, &mut diagnostics);
    (diagnostics.messages(), allowed)
}

fn messages(body: &str) -> Vec<String> {
    checked(&format!("{{ {body} }}")).0
}

/// Asserts that a body has one offence, about which is said what is `expected`.
#[track_caller]
fn refused(body: &str, expected: &str) {
    let messages = messages(body);
    assert_eq!(messages.len(), 1, "{body}\n{messages:#?}");
    assert!(messages[0].contains(expected), "{body}\n{messages:#?}");
    assert!(messages[0].contains("\nhelp: "), "{messages:#?}");
}

#[track_caller]
fn accepted(body: &str) {
    let block = format!("{{ {body} }}");
    assert!(syn::parse_str::<syn::Block>(&block).is_ok(), "{body}");
    let messages = messages(body);
    assert!(messages.is_empty(), "{body}\n{messages:#?}");
}
