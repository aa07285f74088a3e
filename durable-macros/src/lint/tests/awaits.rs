//! Which `.await` carries the context, and which does not.

use super::{accepted, messages, refused};

const REFUSED: &str = "what is awaited here is no durable call";

#[test]
fn what_mentions_the_context_may_be_awaited() {
    for body in [
        "load(&ctx).await?;",
        "load(ctx).await?;",
        "ctx.sleep(d).await;",
        "(&ctx).sleep(d).await;",
        "load(&ctx, url).start().await?.result().await?;",
        "client.embed(&ctx, url).await?;",
        "helper(1, &ctx).await?;",
        "Part { ctx: &ctx }.run().await?;",
        "load(&ctx.clone()).await?;",
        "{ let c = &ctx; load(c).await?; }",
        "{ let c: &WorkflowContext = &ctx; load(c).await?; }",
        "{ let c = ctx.clone(); c.sleep(d).await; }",
        "{ let ctx = &ctx; files.iter().map(move |f| load(ctx, f)); load(ctx).await?; }",
        "Box::pin(load(&ctx)).await?;",
        "retry(|| load(&ctx)).await?;",
        "futures::future::join(load(&ctx), save(&ctx)).await;",
        "stream::iter(files.iter().map(|f| load(&ctx, f))).buffered(4).collect::<Vec<_>>().await;",
        "let mut call = load(&ctx); tokio::pin!(call); (&mut call).await?;",
        "let api = Api::new(ctx.clone()); api.load().await?;",
        "async { load(&ctx).await }.await?;",
        "async move { load(&ctx).await }.await?;",
        "async { 1 }.await;",
        "std::future::ready(1).await;",
        "join_all(files.iter().map(|f| load(&ctx, f))).await;",
        "futures::future::join_all(files.iter().map(|f| async { load(&ctx, f).await })).await;",
        "custom!(ctx => load).await?;",
        "match load(&ctx).await { Ok(_) => save(&ctx).await?, Err(_) if late(&ctx).await? => {} Err(e) => return Err(e) }",
    ] {
        accepted(body);
    }
}

#[test]
fn what_was_bound_to_a_call_may_be_awaited() {
    for body in [
        "let call = load(&ctx); call.await?;",
        "let call; call = load(&ctx); call.await?;",
        "let call = load(&ctx); let call = call.retry(3); call.await?;",
        "let (a, b) = (load(&ctx), save(&ctx)); a.await?; b.await?;",
        "let calls: Vec<_> = files.iter().map(|f| load(&ctx, f)).collect(); join_all(calls).await;",
        "let mut calls = Vec::new(); for f in files { calls.push(load(&ctx, f)); } for c in calls { c.await?; }",
        "let mut calls = vec![]; calls.extend(files.iter().map(|f| load(&ctx, f))); futures::future::join_all(calls).await;",
        "let mut last = None; for f in files { if let Some(call) = last.take() { call.await?; } last = Some(load(&ctx, f)); }",
        "let mut last = None; while more { if let Some(call) = last { finish(call).await?; } last = Some(load(&ctx)); }",
        "let mut reader = ctx.read_stream::<String>(&url, \"out\"); while let Some(x) = reader.next().await? { seen(x); }",
        "let mut saga = Saga::new(&ctx); saga.run().await?;",
        "let fetch = |f| load(&ctx, f); fetch(1).await?;",
        "let fetch = async |f| load(&ctx, f).await; fetch(1).await?;",
        "let call = if late { load(&ctx) } else { save(&ctx) }; call.await?;",
        "let call = match kind { 1 => load(&ctx), _ => save(&ctx) }; call.await?;",
        "let call = { let n = 1; load(&ctx, n) }; call.await?;",
        "let calls = [load(&ctx), save(&ctx)]; join_all(calls).await;",
        "let call = std::pin::pin!(load(&ctx)); call.await?;",
        "let calls = vec![load(&ctx)]; for call in calls { call.await?; }",
        "struct Calls { one: u8 } let calls = Pair { one: load(&ctx) }; calls.one.await?;",
        "let call = Some(load(&ctx)); if let Some(call) = call { call.await?; }",
        "let Some(call) = Some(load(&ctx)) else { return }; call.await?;",
        "let (a, b) = join!(load(&ctx), save(&ctx)); let c = a?; save(&ctx, c, b?).await?;",
    ] {
        accepted(body);
    }
}

#[test]
fn the_methods_of_a_result_may_be_awaited() {
    for body in [
        "let h = child(&ctx).start().await?; h.result().await?;",
        "let h = child(&ctx).start().await?; (&h).result().await?;",
        "let h = child(&ctx).start().await?; let r = h.result(); r.await?;",
        "let h = child(&ctx).start().await?; let (a, b) = join!(h.result(), load(&ctx));",
        "let h = child(&ctx).start().await?; join_all([h.result()]).await;",
        "let mut hs = Vec::new(); for f in files { hs.push(child(&ctx, f).start().await?); } for h in hs { h.result().await?; }",
        "let mut hs = Vec::new(); for f in files { hs.push(child(&ctx, f).start().await?); } join_all(hs.iter().map(|h| h.result())).await;",
        "let mut hs = Vec::new(); hs.push(child(&ctx).start().await?); hs[0].result().await?;",
        "let h = child(&ctx).start().await.unwrap(); h.clone().result().await?;",
        "let h = Arc::new(child(&ctx).start().await?); h.result().await?;",
        "let h = match child(&ctx).start().await { Ok(h) => h, Err(e) => return Err(e) }; h.result().await?;",
        "match child(&ctx).start().await { Ok(h) => h.result().await, Err(e) => Err(e) }?;",
        "let h = pick(child(&ctx).start().await?); h.result().await?;",
        "let first = loop { if let Some(h) = poll(&ctx).await? { break h; } }; first.result().await?;",
        "let hs = start_all(&ctx).await?; for (f, h) in files.iter().zip(hs) { h.result().await?; }",
        "let mut by_name = BTreeMap::new(); by_name.insert(1, child(&ctx).start().await?); for (_, h) in &by_name { h.result().await?; }",
        "let mut by_name = BTreeMap::new(); by_name.entry(1).or_insert(child(&ctx).start().await?); by_name[&1].result().await?;",
        "let hs = try_join_all(files.iter().map(|f| child(&ctx, f).start())).await?; for (i, h) in hs.iter().enumerate() { h.result().await?; }",
        "let hs = start_all(&ctx).await?; join_all(hs.iter().enumerate().map(|(i, h)| async move { h.result().await })).await;",
        "let h = { let h = child(&ctx).start().await?; h }; h.result().await?;",
        "let h = async { child(&ctx).start().await }.await?; h.result().await?;",
        "let job = started(&ctx).await?; job.wait_for_it().await?;",
        "let run = select! { &ctx; h = child(&ctx).start() => h?, }; run.result().await?;",
    ] {
        accepted(body);
    }
}

#[test]
fn what_is_not_recorded_may_not() {
    for body in [
        "fetch().await?;",
        "fetch(url).await?;",
        "client.get(&url).send().await?;",
        "pool.acquire().await?;",
        "gate(ctx.workflow_id()).pass().await;",
        "log(ctx.name(), ctx.user(), ctx.roles(), ctx.assumed_role()).await;",
        "flag(ctx.patch(\"new\")).await;",
        "let id = ctx.workflow_id(); gate(id).pass().await;",
        "let url = load(&ctx).await?; reqwest_get(url).await?;",
        "let url = load(&ctx).await?; reqwest_get(url.clone()).await?;",
        "let url = load(&ctx).await?; reqwest_get(url.trim()).await?;",
        "let order = load(&ctx).await?; let name = order.customer(); mail(name).await?;",
        "let url = load(&ctx).await?; let request = fetch(url); request.await?;",
        "let urls = load(&ctx).await?; join_all(urls.iter().map(|u| fetch(u))).await;",
        "let url = load(&ctx).await?; client.get(url).send().await?;",
        "fetch(url(&ctx).await?).await?;",
        "let ctx = 1; load(ctx).await?;",
        "let f = |ctx| load(ctx); { f(1).await; }",
        "for ctx in files { load(ctx).await?; }",
        "async { fetch().await }.await;",
        "println!(\"{}\", fetch().await);",
        "vec![fetch().await];",
        "let x = format!(\"{}\", fetch().await);",
        "rx.recv().await;",
        "handle.await?;",
        "tokio_task().await.unwrap();",
        "while let Some(x) = rx.recv().await { seen(x); }",
        "files.iter().map(|f| async { fetch(f).await });",
        "match kind { 1 => fetch().await?, _ => 0 };",
        "if fetch().await? { x(); }",
        "fn inner(ctx: &WorkflowContext) { load(ctx); } inner_other().await;",
        "yield_now().await;",
        "semaphore.acquire().await?;",
        "Box::pin(fetch()).await;",
    ] {
        refused(body, REFUSED);
    }
}

#[test]
fn the_branches_of_join_and_select_are_awaited() {
    refused("let (a, b) = join!(load(&ctx), fetch(1));", REFUSED);
    refused(
        "select! { &ctx; a = load(&ctx) => a?, b = fetch(1) => b?, };",
        REFUSED,
    );
    refused(
        "select! { &ctx; a = load(&ctx) => fetch(a).await?, };",
        REFUSED,
    );
}

#[test]
fn each_await_is_reported_once() {
    let messages = messages("loop { while late { fetch().await; fetch().await; } }");
    assert_eq!(messages.len(), 2, "{messages:#?}");
    // What is refused for a better reason is refused for that alone.
    refused(
        "tokio::time::sleep(d).await;",
        "`ctx.sleep(duration).await`",
    );
}

#[test]
fn without_a_context_nothing_is_known_about_an_await() {
    let mut diagnostics = crate::diagnostics::Diagnostics::default();
    let body = "{ fetch().await; }".parse().unwrap();
    super::check(None, &body, &[], &mut diagnostics);
    assert_eq!(diagnostics.messages(), [""; 0]);
}

#[test]
fn a_function_that_borrows_its_context_is_checked_alike() {
    let mut diagnostics = crate::diagnostics::Diagnostics::default();
    let body = "{ let f = move |x| load(c, x); f(1).await; fetch().await; SystemTime::now(); }";
    let context = syn::parse_quote!(c: &WorkflowContext);
    super::check(
        Some(&context),
        &body.parse().unwrap(),
        &[],
        &mut diagnostics,
    );
    let messages = diagnostics.messages();
    assert_eq!(messages.len(), 2, "{messages:#?}");
    assert!(
        messages[0].contains("`my_step(&c, …).await?`"),
        "{messages:#?}"
    );
    assert!(messages[1].contains("`c.now().await`"), "{messages:#?}");
}
