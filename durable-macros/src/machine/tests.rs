use proc_macro2::TokenStream;
use syn::parse_quote;

use super::{Site, read};

mod graph;

fn of(body: &str) -> Vec<Site> {
    let body: TokenStream = body.parse().unwrap();
    read(&parse_quote!(ctx: WorkflowContext), &body).sites
}

fn labels(body: &str) -> Vec<String> {
    of(body).into_iter().map(|site| site.label).collect()
}

#[test]
fn a_call_with_the_context_is_a_site() {
    for call in [
        "embed(ctx)",
        "embed(&ctx, 1)",
        "embed(&mut ctx)",
        "embed(ctx.clone())",
        "embed(&ctx.clone())",
        "a::b::embed::<T>(&ctx)",
        "<A as B>::embed(&ctx)",
        "(embed)(&ctx)",
        "r#embed(&ctx)",
        "ctx.embed()",
        "(&ctx).embed()",
        "client.embed(&ctx)",
        "{ let other = &ctx; embed(other) }",
        "{ let other = ctx.clone(); other.embed() }",
        "println!(\"{}\", embed(&ctx).await)",
    ] {
        let found = of(&format!("{{ {call}.await?; }}"));
        assert_eq!(found.len(), 1, "{call}: {found:?}");
        assert_eq!(
            (found[0].label.as_str(), found[0].callee.as_str()),
            ("embed", "embed"),
            "{call}"
        );
    }
}

#[test]
fn nothing_else_is_a_site() {
    for other in [
        "embed(1, &ctx)",
        "embed(&other)",
        "embed(ctx.id)",
        "ctx.clone()",
        "{ let ctx = 1; embed(ctx) }",
        "fn inner(ctx: &Context) { embed(ctx); }",
        "custom!(embed(&ctx) => now)",
    ] {
        assert_eq!(labels(&format!("{{ {other}; }}")), [""; 0], "{other}");
    }
}

#[test]
fn a_name_shadowed_in_a_block_is_the_context_again_after_it() {
    assert_eq!(labels("{ { let ctx = 1; f(ctx); } g(ctx); }"), ["g"]);
    assert_eq!(labels("{ { let c = &ctx; f(c); } g(c); }"), ["f"]);
}

#[test]
fn labels_follow_the_structure() {
    let body = "{
        load(&ctx).await?;
        for file in list(&ctx).await? {
            if ready(&ctx).await? { embed(&ctx).await?; embed(&ctx).await?; }
            else if late { embed(&ctx).await?; }
            else { ctx.sleep(1).await; }
        }
        for x in y { load(&ctx).await?; }
        match kind(&ctx).await? {
            A => a(&ctx).await?,
            B if b(&ctx).await? => {}
            _ => loop { while c(&ctx).await? { d(&ctx).await?; } },
        }
        let (x, y) = join!(embed(&ctx), async { embed(&ctx).await });
        load(&ctx).await
    }";
    assert_eq!(
        labels(body),
        [
            "load",
            "list",
            "for#1/ready",
            "for#1/if#1/embed",
            "for#1/if#1/embed#2",
            "for#1/else#1/if#1/embed",
            "for#1/else#1/else#1/sleep",
            "for#2/load",
            "kind",
            "match#1/arm#1/a",
            "match#1/arm#2/b",
            "match#1/arm#3/loop#1/while#1/c",
            "match#1/arm#3/loop#1/while#1/d",
            "join#1/embed",
            "join#1/async#1/embed",
            "load#2",
        ]
    );
}

#[test]
fn a_site_is_where_its_callee_starts() {
    let found = of("{ first(&ctx);\n    a::load(&ctx);\n    /* é */ ctx\n        .sleep(1);\n}");
    let places: Vec<_> = found.iter().map(|site| (site.line, site.column)).collect();
    assert_eq!(places, [(1, 3), (2, 5), (4, 10)]);
}

#[test]
fn columns_are_those_of_a_screen() {
    let found =
        of("{\n\tload(&ctx);\n\t\tload(&ctx); load(&ctx);\n/* é 語 e\u{301} */ load(&ctx);\n}");
    let places: Vec<_> = found.iter().map(|site| (site.line, site.column)).collect();
    assert_eq!(places, [(2, 5), (3, 9), (3, 21), (4, 14)]);
}

#[test]
fn a_body_that_does_not_parse_has_no_sites() {
    assert_eq!(of("{ let x = ; load(&ctx); }"), []);
}
