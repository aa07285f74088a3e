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
fn calls_in_arguments_come_before_the_call() {
    assert_eq!(
        edges(
            "a(&ctx).await?;
         b(&ctx, c(&ctx).await?).await"
        ),
        [
            "start -> a",
            "a -> error, fail",
            "a -> c",
            "c -> error, fail",
            "c -> b",
            "b -> end",
        ]
    );
}

#[test]
fn branches_meet_in_the_next_node() {
    assert_eq!(
        edges(
            "if x { a(&ctx).await?;
         } if y { b(&ctx).await?;
         } else if z { c(&ctx).await?;
         } d(&ctx).await"
        ),
        [
            "start -> <if x>",
            "<if x> -> a: yes",
            "a -> error, fail",
            "a -> <if y>",
            "<if x> -> <if y>: no",
            "<if y> -> b: yes",
            "b -> error, fail",
            "<if y> -> <if z>: no",
            "b -> d",
            "<if z> -> c: yes",
            "c -> error, fail",
            "c -> d",
            "<if z> -> d: no",
            "d -> end",
        ]
    );
}

#[test]
fn the_outcome_of_a_call_decides_at_the_call() {
    assert_eq!(
        edges(
            "if ready(&ctx).await? { return Err(e);
         } a(&ctx).await"
        ),
        [
            "start -> ready",
            "ready -> error, fail",
            "ready -> error, return: yes",
            "ready -> a: no",
            "a -> end",
        ]
    );
}

#[test]
fn a_guard_that_makes_a_call_leads_on_to_the_other_arms() {
    assert_eq!(
        edges(
            "match kind(&ctx).await { Ok(k) => k, Err(e) => return Ok(1) };
         match x { A | B => a(&ctx).await?, C if z => {}, D if b(&ctx).await? => 1, _ => 3 };
         Ok(1)"
        ),
        [
            "start -> kind",
            "kind -> end, return: Err(e)",
            "kind -> <match x>: Ok(k)",
            "<match x> -> a: A | B",
            "a -> error, fail",
            "<match x> -> b: D",
            "b -> error, fail",
            "<match x> -> <match x>: otherwise",
            "b -> <match x>: no",
            "a -> end",
            "<match x> -> end: C if z",
            "b -> end: yes",
            "<match x> -> end: _",
        ]
    );
}

#[test]
fn labels_say_which_loop_is_left_or_repeated() {
    assert_eq!(
        edges(
            "'o: for f in list(&ctx).await? { for x in f { if skip { continue 'o;
         } if x.bad() { break;
         } a(&ctx, x).await?;
         if e { break 'o;
         } } b(&ctx).await?;
         } c(&ctx).await"
        ),
        [
            "start -> list",
            "list -> error, fail",
            "list -> <for f in list(…)?>",
            "<for f in list(…)?> -> <for x in f>",
            "<for x in f> -> <if skip>",
            "<if skip> -> <for f in list(…)?>, again: yes",
            "<if skip> -> <if x.bad()>: no",
            "<for x in f> -> b: done",
            "<for f in list(…)?> -> c: done",
            "<if x.bad()> -> a: no",
            "<if x.bad()> -> b, break: yes",
            "a -> error, fail",
            "a -> <if e>",
            "<if e> -> <for x in f>, again: no",
            "<if e> -> c, break: yes",
            "b -> error, fail",
            "b -> <for f in list(…)?>, again",
            "c -> end",
        ]
    );
}

#[test]
fn conditions_of_loops_are_part_of_each_round() {
    assert_eq!(
        edges(
            "while let Some(x) = next(&ctx).await? { a(&ctx, x).await?;
         } while n < 3 && !done(&ctx).await? { n += 1;
         } loop { if b(&ctx).await? == 3 { break;
         } ctx.sleep(d).await;
         } Ok(())"
        ),
        [
            "start -> <while>",
            "<while> -> next",
            "next -> error, fail",
            "next -> a: Some(x)",
            "a -> error, fail",
            "a -> <while>, again",
            "next -> <while>: else",
            "<while> -> <while n < 3>",
            "<while n < 3> -> done: yes",
            "done -> error, fail",
            "done -> <while>, again: no",
            "<while n < 3> -> <loop>: no",
            "done -> <loop>: yes",
            "<loop> -> b",
            "b -> error, fail",
            "b -> <if b(…)? == 3>",
            "<if b(…)? == 3> -> sleep: no",
            "<if b(…)? == 3> -> end, break: yes",
            "sleep -> <loop>, again",
        ]
    );
}

#[test]
fn code_that_only_computes_is_not_drawn() {
    assert_eq!(
        edges(
            "let total = 0;
         for x in xs { if x.odd() { continue;
         } total += x;
         } for x in xs { check(x)?;
         } a(&ctx).await"
        ),
        ["start -> error, fail", "start -> a", "a -> end",]
    );
}

#[test]
fn joined_calls_fork_and_join() {
    assert_eq!(
        edges(
            "let (a, b) = join!(a(&ctx), async { b(&ctx).await?;
         c(&ctx).await });
         a?;
         let all = join_all(xs.iter().filter(|x| x.ok()).map(|x| d(&ctx, x))).await;
         join_all([e(&ctx), f(&ctx)]).await;
         Ok(1)"
        ),
        [
            "start -> <join!>",
            "<join!> -> a, fork",
            "<join!> -> b, fork",
            "b -> c",
            "a -> <all done>",
            "b -> <all done>, fail",
            "<all done> -> error, fail",
            "<all done> -> <join_all>",
            "c -> <all done>",
            "<join_all> -> d, fork: each",
            "d -> <all done>",
            "<all done> -> <join_all>",
            "<join_all> -> e, fork",
            "<join_all> -> f, fork",
            "e -> <all done>",
            "f -> <all done>",
            "<all done> -> end",
        ]
    );
}

#[test]
fn the_first_of_a_select_goes_on() {
    assert_eq!(
        edges(
            "let n = select! { &ctx;
         x = a(&ctx) => { b(&ctx).await?;
         1 }, () = ctx.sleep(d) => return Err(late()), y = handle.result() => 2 };
         c(&ctx).await"
        ),
        [
            "start -> select",
            "select -> a, race",
            "select -> sleep, race",
            "select -> c, race: handle.result()",
            "a -> b: first",
            "b -> error, fail",
            "b -> c",
            "sleep -> error, return: first",
            "c -> end",
        ]
    );
}

#[test]
fn what_has_a_name_runs_where_it_is_used() {
    assert_eq!(
        edges(
            "let one = a(&ctx);
         let two = b(&ctx, 1).queue(&Q).start();
         let block = async { c(&ctx).await?;
         d(&ctx).await };
         e(&ctx).await?;
         let (x, y) = tokio::join!(one, two);
         block.await?;
         Ok(())"
        ),
        [
            "start -> e",
            "a -> <all done>",
            "b -> <all done>",
            "c -> d",
            "c -> error, fail",
            "d -> error, fail",
            "d -> end",
            "e -> error, fail",
            "e -> <join!>",
            "<join!> -> a, fork",
            "<join!> -> b, fork",
            "<all done> -> c",
        ]
    );
}

#[test]
fn let_else_leaves_on_one_way() {
    assert_eq!(
        edges(
            r#"let Some(x) = a(&ctx).await? else { bail!("none") };
         let Ok(y) = x.get() else { b(&ctx).await?;
         return Ok(1);
         };
         Ok(2)"#
        ),
        [
            "start -> a",
            "a -> error, fail",
            "a -> error, return: else",
            "a -> <let Ok(y) = x.get()>: Some(x)",
            "<let Ok(y) = x.get()> -> b: else",
            "b -> error, fail",
            "b -> end, return",
            "<let Ok(y) = x.get()> -> end: yes",
        ]
    );
}

#[test]
fn what_undoes_a_call_is_reached_from_it() {
    assert_eq!(
        edges(
            "let saga = Saga::new(&ctx);
         saga.run(async { let r = saga.step(reserve(&ctx, x), |v| release(&ctx, v)).await?;
         saga.step(charge(&ctx, x), async |v| { refund(&ctx, v).await }).await?;
         ship(&ctx, r).await }).await"
        ),
        [
            "start -> reserve",
            "reserve -> release, undo",
            "reserve -> charge",
            "reserve -> end, fail",
            "charge -> refund, undo",
            "charge -> ship",
            "charge -> end, fail",
            "ship -> end",
        ]
    );
}

#[test]
fn a_closure_runs_any_number_of_times() {
    assert_eq!(
        edges(
            "let starts = fs.iter().map(|f| child(&ctx, f).queue(&Q).start());
         let hs: Vec<_> = starts.collect();
         let hs = join_all(hs).await;
         ctx.workflow_id();
         Ok(1)"
        ),
        [
            "start -> <map |f|>",
            "<map |f|> -> child",
            "child -> <map |f|>, again",
            "<map |f|> -> end: done",
        ]
    );
}

#[test]
fn what_is_skipped_by_an_operator_is_skipped() {
    assert_eq!(
        edges("a(&ctx).await? && b(&ctx).await? || c"),
        [
            "start -> a",
            "a -> error, fail",
            "a -> b: yes",
            "b -> error, fail",
            "b -> end",
            "a -> end: no",
        ]
    );
}

#[test]
fn an_error_in_the_place_of_the_result_is_one() {
    assert_eq!(
        edges("match a(&ctx).await { Ok(v) => Ok(v), Err(e) => Err(e.into()) }"),
        [
            "start -> a",
            "a -> error, return: Err(e)",
            "a -> end: Ok(v)",
        ]
    );
}

#[test]
fn panics_are_not_drawn() {
    assert_eq!(
        edges(
            "if x { panic!() } let y = match z { A => 1, _ => unreachable!() };
         a(&ctx).await"
        ),
        ["start -> a", "a -> end",]
    );
}

#[test]
fn many_branches_in_a_row_need_few_edges() {
    let body: String = (0..50)
        .map(|n| format!("if x == {n} {{ a(&ctx).await; }} "))
        .collect();
    assert_eq!(edges(&body).len(), 3 * 50 + 1);
}

#[test]
fn pieces_of_code_only_compute_alone_but_not_with_a_way_out() {
    assert_eq!(
        edges("for x in xs { if x.bad() { continue; } y += loop { break x; }; }"),
        ["start -> end"]
    );
    assert_eq!(
        edges("for x in xs { if x.bad() { return Ok(x); } }"),
        [
            "start -> <for x in xs>",
            "<for x in xs> -> <if x.bad()>",
            "<if x.bad()> -> end, return: yes",
            "<if x.bad()> -> <for x in xs>, again: no",
            "<for x in xs> -> end: done",
        ]
    );
}

#[test]
fn an_error_inside_an_async_block_fails_where_the_block_is_tried() {
    assert_eq!(
        edges("async { a(&ctx).await?; Ok(1) }.await?; b(&ctx).await"),
        ["start -> a", "a -> error, fail", "a -> b", "b -> end"]
    );
    assert_eq!(
        edges("let r = async { a(&ctx).await?; Ok(1) }.await; b(&ctx).await"),
        ["start -> a", "a -> b", "a -> b, fail", "b -> end"]
    );
}

#[test]
fn kinds_are_told_by_what_is_done_with_the_call() {
    let machine = read_from(
        "a(&ctx).await; b(&ctx).start().await; c(&ctx).id(x).timeout(y).await; d(&ctx).await.id();
         ctx.sleep(e).await; ctx.enqueue(f, g).start().await; client.h(&ctx).await; ctx.workflow_id();",
    );
    let kinds: Vec<_> = machine
        .sites
        .iter()
        .map(|site| (site.callee.as_str(), site.kind))
        .collect();
    use crate::machine::SiteKind::{Call, Child, Operation};
    assert_eq!(
        kinds,
        [
            ("a", Call),
            ("b", Child),
            ("c", Child),
            ("d", Call),
            ("sleep", Operation),
            ("enqueue", Child),
            ("h", Call),
        ]
    );
}

#[test]
fn calls_in_a_select_are_sites() {
    let machine =
        read_from("select! { &ctx; x = a(&ctx) => b(&ctx).await, () = ctx.sleep(d) => c };");
    let labels: Vec<_> = machine
        .sites
        .iter()
        .map(|site| site.label.as_str())
        .collect();
    assert_eq!(
        labels,
        [
            "select#1/select",
            "select#1/arm#1/a",
            "select#1/arm#1/b",
            "select#1/arm#2/sleep"
        ]
    );
    assert_eq!(
        read_from("tokio::select! { x = a => b, _ = c => d }").sites,
        []
    );
}
