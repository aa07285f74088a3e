//! The ways between sites. A test lists the edges of a body, each as `from -> to`, with how and
//! when it is taken behind it.

use proc_macro2::TokenStream;
use syn::parse_quote;

use crate::machine::{Edge, Machine, Node, Way, read};

fn read_from(body: &str) -> Machine {
    let body: TokenStream = format!("{{ {body} }}").parse().unwrap();
    read(&parse_quote!(ctx: WorkflowContext), &body)
}

fn edges(body: &str) -> Vec<String> {
    let machine = read_from(body);
    let name = |node: Node| match node {
        Node::Start => "start".to_owned(),
        Node::Site(index) => machine.sites[index].callee.clone(),
        Node::Joint(index) => format!("<{}>", machine.joints[index].text),
        Node::End => "end".to_owned(),
        Node::Error => "error".to_owned(),
        Node::Hole(_) => panic!("a hole is left"),
    };
    machine
        .edges
        .iter()
        .map(
            |Edge {
                 from,
                 to,
                 way,
                 when,
             }| {
                let way = match way {
                    Way::Next => String::new(),
                    way => format!(", {way:?}").to_lowercase(),
                };
                let when = when.as_ref().map(|when| format!(": {when}"));
                format!(
                    "{} -> {}{way}{}",
                    name(*from),
                    name(*to),
                    when.unwrap_or_default()
                )
            },
        )
        .collect()
}

#[test]
fn zz() {
    for body in [
        "a(&ctx).await?; b(&ctx, c(&ctx).await?).await",
        "if x { a(&ctx).await?; } if y { b(&ctx).await?; } else if z { c(&ctx).await?; } d(&ctx).await",
        "if ready(&ctx).await? { return Err(e); } a(&ctx).await",
        "match kind(&ctx).await { Ok(k) => k, Err(e) => return Ok(1) }; match x { A | B => a(&ctx).await?, C if z => {}, D if b(&ctx).await? => 1, _ => 3 }; Ok(1)",
        "'o: for f in list(&ctx).await? { for x in f { if skip { continue 'o; } if x.bad() { break; } a(&ctx, x).await?; if e { break 'o; } } b(&ctx).await?; } c(&ctx).await",
        "while let Some(x) = next(&ctx).await? { a(&ctx, x).await?; } while n < 3 && !done(&ctx).await? { n += 1; } loop { if b(&ctx).await? == 3 { break; } ctx.sleep(d).await; } Ok(())",
        "let total = 0; for x in xs { if x.odd() { continue; } total += x; } for x in xs { check(x)?; } a(&ctx).await",
        "let (a, b) = join!(a(&ctx), async { b(&ctx).await?; c(&ctx).await }); a?; let all = join_all(xs.iter().filter(|x| x.ok()).map(|x| d(&ctx, x))).await; join_all([e(&ctx), f(&ctx)]).await; Ok(1)",
        "let n = select! { &ctx; x = a(&ctx) => { b(&ctx).await?; 1 }, () = ctx.sleep(d) => return Err(late()), y = handle.result() => 2 }; c(&ctx).await",
        "let one = a(&ctx); let two = b(&ctx, 1).queue(&Q).start(); let block = async { c(&ctx).await?; d(&ctx).await }; e(&ctx).await?; let (x, y) = tokio::join!(one, two); block.await?; Ok(())",
        "let Some(x) = a(&ctx).await? else { bail!(\"none\") }; let Ok(y) = x.get() else { b(&ctx).await?; return Ok(1); }; Ok(2)",
        "let saga = Saga::new(&ctx); saga.run(async { let r = saga.step(reserve(&ctx, x), |v| release(&ctx, v)).await?; saga.step(charge(&ctx, x), async |v| { refund(&ctx, v).await }).await?; ship(&ctx, r).await }).await",
        "let starts = fs.iter().map(|f| child(&ctx, f).queue(&Q).start()); let hs: Vec<_> = starts.collect(); let hs = join_all(hs).await; ctx.workflow_id(); Ok(1)",
        "a(&ctx).await? && b(&ctx).await? || c",
        "match a(&ctx).await { Ok(v) => Ok(v), Err(e) => Err(e.into()) }",
        "if x { panic!() } let y = match z { A => 1, _ => unreachable!() }; a(&ctx).await",
    ] {
        println!("== {body}");
        for e in edges(body) {
            println!("   {e}");
        }
    }
}
