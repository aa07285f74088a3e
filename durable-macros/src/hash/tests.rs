use super::hash;

fn of(source: &str) -> String {
    hash(source.parse().unwrap())
}

#[test]
fn is_the_published_function() {
    let mut fnv = super::Fnv(super::OFFSET_BASIS);
    fnv.bytes(b"foobar");
    assert_eq!(fnv.0, 0x343e_1662_793c_64bf_6f0d_3597_ba44_6f18);
}

#[test]
fn stays_the_same_from_release_to_release() {
    assert_eq!(
        of("async fn f(ctx: WorkflowContext) -> Result<()> { Ok(()) }"),
        "f8fa08010d69187a449d414ee1cc46fc"
    );
}

/// Rules: V6
#[test]
fn formatting_and_comments_change_nothing() {
    let plain = "fn f(a: u8, b: Vec<u8>) { let x = -1; g(a, b); match x { 1 => {} 2 => return 3, _ => h(|y| y + 1, x), } }";
    for (what, same) in [
        (
            "spaces",
            "fn f(a:u8,b:Vec<u8>){let x=-1;g(a,b);match x{1=>{}2=>return 3,_=>h(|y|y+1,x),}}",
        ),
        (
            "lines and trailing commas",
            "fn f(\n a: u8,\n b: Vec<u8,>,\n) {\n let x = -1;\n g(\n a,\n b,\n ); match x { 1 => {}, 2 => return 3, _ => h(|y| y + 1, x,) } }",
        ),
        (
            "comments",
            "fn f(a: u8, /* b */ b: Vec<u8>) { let x = -1; // why\n g(a, b); match x { 1 => {} /* 2 */ 2 => return 3, _ => h(|y| y + 1, x), } }",
        ),
        (
            "doc comments",
            "/// Docs.\n fn f(a: u8, b: Vec<u8>) { #![doc = \"x\"] let x = -1; /// inner\n g(a, b); match x { 1 => {} 2 => return 3, _ => h(|y| y + 1, x), } }",
        ),
        (
            "blocks of arms",
            "fn f(a: u8, b: Vec<u8>) { let x = -1; g(a, b); match x { 1 => {} 2 => { return 3; } _ => { h(|y| y + 1, x) } } }",
        ),
        (
            "blocks of arms with commas",
            "fn f(a: u8, b: Vec<u8>) { let x = -1; g(a, b); match x { 1 => {} 2 => { return 3 }, _ => { h(|y| y + 1, x) }, } }",
        ),
        (
            "blocks of closures",
            "fn f(a: u8, b: Vec<u8>) { let x = -1; g(a, b); match x { 1 => {} 2 => return 3, _ => h(|y| { y + 1 }, x), } }",
        ),
        (
            "lint levels",
            "fn f(a: u8, b: Vec<u8>) { #![allow(unused)] let x = -1; #[expect(clippy::all, reason = \"r\")] g(a, b); match x { 1 => {} #[warn(x)] 2 => return 3, _ => h(|y| y + 1, x), } }",
        ),
        (
            "permitted nondeterminism",
            "fn f(a: u8, b: Vec<u8>) { #[allow_nondeterminism(reason = \"r\")] let x = -1; #[durable_runtime::allow_nondeterminism(reason = \"s\")] g(a, b); match x { 1 => {} 2 => return 3, _ => h(|y| y + 1, x), } }",
        ),
    ] {
        assert_eq!(of(same), of(plain), "{what}: {same}");
    }
}

/// Rules: V6
#[test]
fn code_changes_it() {
    let plain = "fn f(ctx: C, n: u8) -> Result<u8> { load(&ctx, 1).await?; save(&ctx, (x)).await?; m(|y| y); match x { A => b, C => d } }";
    for (what, from, to) in [
        ("another callee", "load(", "fetch("),
        ("a callee of another module", "load(", "files::load("),
        ("a callee of other types", "load(", "load::<u8>("),
        ("another literal", "(&ctx, 1)", "(&ctx, 2)"),
        ("a literal of another type", "(&ctx, 1)", "(&ctx, 1u8)"),
        ("no error", "load(&ctx, 1).await?", "load(&ctx, 1).await"),
        ("a tuple", "(x)", "(x,)"),
        (
            "a block",
            "save(&ctx, (x)).await?;",
            "{ save(&ctx, (x)).await?; }",
        ),
        (
            "another order",
            "load(&ctx, 1).await?; save(&ctx, (x)).await?;",
            "save(&ctx, (x)).await?; load(&ctx, 1).await?;",
        ),
        ("one call fewer", "save(&ctx, (x)).await?;", ""),
        (
            "one call more",
            "match x",
            "save(&ctx, (x)).await?; match x",
        ),
        ("a semicolon", "C => d }", "C => { d; } }"),
        ("a closure that returns nothing", "|y| y", "|y| { y; }"),
        ("another pattern", "C => d", "D => d"),
        (
            "an attribute that does something",
            "match x",
            "#[cfg(unix)] match x",
        ),
        ("another name", "fn f(", "fn g("),
        ("another name of an argument", "n: u8", "m: u8"),
        ("another type of an argument", "n: u8", "n: u16"),
        ("one argument more", "n: u8", "n: u8, m: u8"),
        ("another return type", "Result<u8>", "Result<u16>"),
    ] {
        assert!(plain.contains(from), "{what}");
        assert_ne!(of(&plain.replace(from, to)), of(plain), "{what}");
    }
}
