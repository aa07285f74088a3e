//! `#[allow_nondeterminism]`: where it may stand, what it does, and what is left of it.

use super::{accepted, checked, refused};

const ALLOW: &str = "#[allow_nondeterminism(reason = \"logged\")]";

#[test]
fn it_may_stand_on_every_statement() {
    for body in [
        "A let t = SystemTime::now();",
        "A fetch().await?;",
        "A x = Instant::now();",
        "A total += rand::random::<u8>();",
        "A { let t = SystemTime::now(); }",
        "A for x in prices { load(&ctx, x).await?; }",
        "A while late() { fetch().await; }",
        "A loop { fetch().await; }",
        "A if fetch().await { 1 } else { 2 }",
        "A match fetch().await { _ => 1 }",
        "match kind { A 1 => fetch().await, _ => 2 }",
        "A dbg!(SystemTime::now());",
        "A vec![fetch().await];",
        "A tokio::select! { a = load(&ctx) => a };",
        "A static COUNT: AtomicUsize = AtomicUsize::new(0);",
        "A thread_local! { static X: u8 = 1; }",
        "for f in files { A fetch(f).await; }",
        "let f = || { A SystemTime::now() };",
        "async { A fetch().await; }.await;",
        "A SystemTime::now()",
        "println!(\"{}\", { A fetch().await });",
        "A return SystemTime::now();",
    ] {
        accepted(
            &body
                .replace('A', ALLOW)
                .replace(&format!("{ALLOW}tomic"), "Atomic"),
        );
    }
}

#[test]
fn it_reaches_no_further_than_its_statement() {
    refused(
        &format!("{ALLOW} let t = SystemTime::now(); let u = SystemTime::now();"),
        "reads the clock",
    );
    refused(
        &format!("match kind {{ {ALLOW} 1 => fetch().await, _ => fetch().await }}"),
        "is no durable call",
    );
}

#[test]
fn a_reason_is_asked_for() {
    for (attribute, expected) in [
        ("#[allow_nondeterminism]", "a reason is missing"),
        ("#[allow_nondeterminism()]", "a reason is missing"),
        ("#[allow_nondeterminism(\"logged\")]", "a reason is missing"),
        (
            "#[allow_nondeterminism = \"logged\"]",
            "a reason is missing",
        ),
        ("#[allow_nondeterminism(reason)]", "a reason is missing"),
        (
            "#[allow_nondeterminism(because = \"logged\")]",
            "has one option, its `reason`",
        ),
        (
            "#[allow_nondeterminism(reason = \"\")]",
            "the reason is empty",
        ),
        (
            "#[allow_nondeterminism(reason = \"  \")]",
            "the reason is empty",
        ),
        (
            "#[allow_nondeterminism(reason = logged)]",
            "a text in quotes",
        ),
        (
            "#[allow_non_determinism(reason = \"logged\")]",
            "is called `allow_nondeterminism`",
        ),
    ] {
        let messages = super::messages(&format!("{attribute} let t = SystemTime::now();"));
        let refusal = messages.iter().find(|message| message.contains(expected));
        let refusal = refusal.unwrap_or_else(|| panic!("{attribute}\n{messages:#?}"));
        assert!(refusal.contains("write `#[allow_nondeterminism(reason = \"…\")]`"));
    }
}

#[test]
fn one_that_allows_nothing_is_refused() {
    refused(
        &format!("{ALLOW} load(&ctx).await?;"),
        "this allows nothing",
    );
    refused(
        &format!("{ALLOW} {{ {ALLOW} SystemTime::now(); }}"),
        "this allows nothing",
    );
}

#[test]
fn one_that_stands_elsewhere_is_refused() {
    for body in [
        format!("f({ALLOW} load(&ctx));"),
        format!("let x = {ALLOW} {{ 1 }};"),
        format!("custom!(a => {ALLOW} b);"),
        format!("{} load(&ctx).await?;", ALLOW.replace("#[", "#![")),
    ] {
        refused(&body, "this one stands elsewhere");
    }
}

#[test]
fn rustc_sees_nothing_of_it() {
    let with =
        format!("{{ {ALLOW} let t = SystemTime::now(); f(|| {{ {ALLOW} g().await; 1 }}); }}");
    let without = with.replace(ALLOW, "");
    let (messages, allowed) = checked(&with);
    assert_eq!(messages, [""; 0]);
    let expected: proc_macro2::TokenStream = without.parse().unwrap();
    assert_eq!(allowed.body.to_string(), expected.to_string());
    assert_eq!(crate::hash::hash(allowed.body), crate::hash::hash(expected));
}

#[test]
fn other_tokens_keep_their_places() {
    let source = format!("{{\n    {ALLOW}\n    first();\n    second();\n}}");
    let body: proc_macro2::TokenStream = source.parse().unwrap();
    let mut diagnostics = crate::diagnostics::Diagnostics::default();
    let context = syn::parse_quote!(ctx: WorkflowContext);
    let allowed = super::check(Some(&context), &body, &[], &mut diagnostics);
    assert_eq!(diagnostics.messages().len(), 1);
    let Some(proc_macro2::TokenTree::Group(block)) = allowed.body.into_iter().next() else {
        panic!("a body is a block");
    };
    let lines: Vec<_> = block
        .stream()
        .into_iter()
        .map(|token| (token.span().start().line, token.span().start().column))
        .collect();
    assert_eq!(lines, [(3, 4), (3, 9), (3, 11), (4, 4), (4, 10), (4, 12)]);
}

#[test]
fn the_guard_is_told_of_allowed_statements_that_wait() {
    for (body, expected) in [
        (format!("{ALLOW} let t = SystemTime::now();"), false),
        (format!("{ALLOW} fetch().await;"), true),
        (
            format!("{ALLOW} tokio::select! {{ a = load(&ctx) => a }};"),
            true,
        ),
        (
            format!("{ALLOW} {{ let f = async {{ fetch().await }}; }}"),
            true,
        ),
        (
            format!("match kind {{ {ALLOW} 1 => fetch().await, _ => 2 }}"),
            true,
        ),
        ("load(&ctx).await?;".to_owned(), false),
    ] {
        let (messages, allowed) = checked(&format!("{{ {body} }}"));
        assert_eq!(messages, [""; 0], "{body}");
        assert_eq!(allowed.awaits_others, expected, "{body}");
    }
}
