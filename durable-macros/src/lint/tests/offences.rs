//! Each offence, and what looks like one.

use super::{accepted, messages, refused};

#[test]
fn functions_are_known_by_their_paths() {
    for (body, expected) in [
        ("let t = std::time::SystemTime::now();", "`ctx.now().await`"),
        ("let t = Instant::now();", "`ctx.now().await`"),
        (
            "let t = Instant::now(); t.elapsed();",
            "`Instant::now` reads the clock",
        ),
        (
            "let t = chrono::Utc::now();",
            "`chrono::Utc::now` reads the clock",
        ),
        ("let t = OffsetDateTime::now_utc();", "reads the clock"),
        ("let t = jiff::Zoned::now();", "reads the clock"),
        (
            "let t = option.unwrap_or_else(SystemTime::now);",
            "reads the clock",
        ),
        ("std::thread::sleep(d);", "`ctx.sleep(duration).await`"),
        ("time::sleep(d).await;", "waits in this process alone"),
        (
            "tokio::time::timeout(d, load(&ctx)).await?;",
            "#[step(timeout",
        ),
        (
            "let mut i = tokio::time::interval(d);",
            "ticks in this process",
        ),
        ("let x: u8 = rand::random();", "`ctx.random().await`"),
        (
            "let x = files.iter().map(|_| fastrand::u8(..));",
            "is random",
        ),
        ("let id = Uuid::new_v4();", "`ctx.uuid().await`"),
        ("let id = uuid::Uuid::now_v7();", "`ctx.uuid().await`"),
        ("let id = Ulid::new();", "makes a new id"),
        ("tokio::spawn(async { 1 });", "start a child workflow"),
        ("let mut set = JoinSet::new();", "starts work"),
        ("std::thread::spawn(|| 1);", "starts work"),
        ("rayon::join(a, b);", "starts work"),
        (
            "let mut calls = FuturesUnordered::new();",
            "join_all(calls)",
        ),
        (
            "let x = futures::future::select_all(calls);",
            "gives what is ready first",
        ),
        (
            "let home = std::env::var(\"HOME\");",
            "argument of the workflow",
        ),
        (
            "let n = std::thread::available_parallelism();",
            "argument of the workflow",
        ),
        (
            "let text = std::fs::read_to_string(url)?;",
            "move this into a `#[step]`",
        ),
        ("let file = File::open(url)?;", "uses the file system"),
        (
            "let text = tokio::fs::read(url).await?;",
            "uses the file system",
        ),
        ("let s = TcpStream::connect(url);", "uses the network"),
        ("let s = reqwest::get(url).await?;", "uses the network"),
        (
            "let s = std::process::Command::new(\"ls\").output();",
            "runs another program",
        ),
        ("std::process::exit(1);", "return an error"),
        ("let h = DefaultHasher::new();", "blake3"),
        ("let id = std::thread::current().id();", "which thread"),
        (
            "{ use std::time::SystemTime as Time; Time::now(); }",
            "reads the clock",
        ),
        ("use tokio::time::sleep; sleep(d).await;", "`sleep` waits"),
        (
            "use tokio::time::{self, Duration, sleep as nap}; nap(d).await;",
            "`nap` waits",
        ),
        (
            "use tokio::{task as t, time}; t::spawn(f);",
            "`t::spawn` starts",
        ),
        ("use tokio::time::*; sleep(d).await;", "`sleep` waits"),
        ("sleep(d).await; use tokio::time::sleep;", "`sleep` waits"),
        ("let x = json!({\"at\": Utc::now()});", "reads the clock"),
        ("let x = vec![Utc::now()];", "reads the clock"),
        (
            "let at = ctx.now().await; at.elapsed();",
            "take the difference",
        ),
        (
            "let at: SystemTime = load(&ctx).await?; at.elapsed();",
            "take the difference",
        ),
    ] {
        refused(body, expected);
    }
}

#[test]
fn names_of_the_author_are_the_authors() {
    for body in [
        "fs::read(&ctx, url).await?;",
        "task::spawn(&ctx).await?;",
        "crate::time::sleep(d);",
        "super::Instant::now();",
        "use crate::clock::Instant; Instant::now();",
        "mod time { pub fn sleep() {} } time::sleep();",
        "fn spawn() {} spawn();",
        "struct Uuid; impl Uuid { fn new_v4() {} } Uuid::new_v4();",
        "let sleep = |d| d; sleep(1);",
        "use tokio::time::Duration; Duration::from_secs(1);",
        "use rand::rngs::StdRng; StdRng::seed_from_u64(7);",
        "sleep(d); spawn(f); random();",
        "inventory.elapsed();",
        "horses.race(3);",
        "Delay::new(3); Timer::after(3); Runtime::new(1);",
        "fn inner() { std::fs::read(\"x\"); }",
    ] {
        accepted(body);
    }
}

#[test]
fn what_is_harmless_is_accepted() {
    for body in [
        "tracing::info!(%url, ?files, \"started\");",
        "info!(\"{} at {:?}\", url, Instant::now());",
        "println!(\"{}\", std::process::id());",
        "anyhow::bail!(\"none\");",
        "anyhow::ensure!(files.len() > 1, \"too few: {}\", files.len());",
        "assert!(matches!(kind, Kind::A(_) | Kind::B { .. } if late));",
        "let x = json!({\"a\": 1, \"b\": [files.len()]});",
        "let x = vec![0; 3];",
        "let x = format!(\"{url:>10} {:?} {{p}}\", files);",
        "let d = Duration::from_secs(5) * 2;",
        "let at = chrono::DateTime::parse_from_rfc3339(&url)?;",
        "let id = Uuid::parse_str(&url)?;",
        "let id = Uuid::new_v5(&NAMESPACE, b\"x\");",
        "for f in files.iter().filter(|f| f.len() > 1) { load(&ctx, f).await?; }",
        "let n: usize = files.iter().map(String::len).sum();",
        "match files.len() { 0 => return Ok(()), n if n > 3 => {} _ => {} }",
        "let p = std::path::Path::new(&url).join(\"x\");",
        "static NAMES: [&str; 1] = [\"a\"]; NAMES.len();",
        "static RE: LazyLock<Regex> = LazyLock::new(|| Regex::new(\"x\")); RE.is_match(&url);",
        "const LIMIT: usize = 3;",
        "let addr: IpAddr = url.parse()?;",
        "tokio::join!(load(&ctx), save(&ctx));",
        "let x = rows.iter().map(|r| async move { r }).count();",
        "let t = UNIX_EPOCH + Duration::from_secs(1);",
        "let x = tokio::sync::Mutex::new(1);",
    ] {
        accepted(body);
    }
}

#[test]
fn going_through_a_hash_map_is_refused() {
    for (body, expected) in [
        ("for (k, v) in prices { load(&ctx, k).await?; }", "BTreeMap"),
        ("for (k, v) in &prices {}", "BTreeMap"),
        ("for k in prices.keys() {}", "BTreeMap"),
        ("let x: Vec<_> = prices.values().collect();", "BTreeMap"),
        ("prices.retain(|_, v| *v > 1);", "BTreeMap"),
        ("let first = prices.iter().next();", "BTreeMap"),
        (
            "let mut m = HashMap::new(); m.insert(1, 2); for x in m {}",
            "BTreeMap",
        ),
        (
            "let m: HashMap<u8, u8> = load(&ctx).await?; m.into_iter().for_each(f);",
            "BTreeMap",
        ),
        (
            "let m = files.iter().collect::<HashMap<_, _>>(); for x in &m {}",
            "BTreeMap",
        ),
        (
            "let m = std::collections::HashMap::from([(1, 2)]); m.drain();",
            "BTreeMap",
        ),
        (
            "use std::collections::HashMap as Map; let m: Map<u8, u8> = x; m.values();",
            "BTreeMap",
        ),
        (
            "let s: HashSet<u8> = files.iter().collect(); for x in s {}",
            "BTreeSet",
        ),
        (
            "let s = HashSet::<u8>::with_capacity(3); s.union(&t);",
            "BTreeSet",
        ),
        ("let m = &prices; for x in m {}", "BTreeMap"),
        ("let m = prices.clone(); for x in m {}", "BTreeMap"),
        (
            "let m: &mut HashMap<u8, u8> = &mut n; for x in m.values_mut() {}",
            "BTreeMap",
        ),
        (
            "let mut v: Vec<_> = prices.keys().collect(); load(&ctx, &v).await?; v.sort();",
            "BTreeMap",
        ),
    ] {
        refused(body, expected);
    }
}

#[test]
fn a_hash_map_may_be_looked_into_counted_and_sorted() {
    for body in [
        "prices.get(&url); prices.insert(url, 1); prices.len(); prices.contains_key(&url);",
        "prices.entry(url).or_insert(1);",
        "let n: u64 = prices.values().sum();",
        "let n = prices.values().map(|v| v + 1).filter(|v| *v > 1).count();",
        "let dear = prices.values().any(|v| *v > 9);",
        "let sorted: BTreeMap<_, _> = prices.into_iter().collect(); for x in sorted {}",
        "let sorted = prices.into_iter().collect::<BTreeMap<_, _>>(); for x in sorted {}",
        "let other = prices.iter().collect::<Result<HashMap<_, _>, _>>()?;",
        "let mut v: Vec<_> = prices.keys().collect(); v.sort(); for k in v {}",
        "let mut v = prices.keys().cloned().collect::<Vec<_>>(); v.sort_unstable_by_key(f);",
        "let sorted = BTreeMap::from_iter(prices);",
        "let prices = load(&ctx).await?; for x in prices {}",
        "let m: HashMap<u8, u8, Fixed> = x; for x in m {}",
        "let m: BTreeMap<u8, u8> = x; for x in m {}",
        "let m: Vec<HashMap<u8, u8>> = x; for x in m {}",
        "use crate::HashMap; let m = HashMap::new(); for x in m {}",
    ] {
        accepted(body);
    }
}

#[test]
fn branches_make_one_call_each() {
    for body in [
        "join!(async { a(&ctx).await; b(&ctx).await }, c(&ctx));",
        "tokio::try_join!(async move { ctx.sleep(d).await; b(&ctx).await }, c(&ctx))?;",
        "join!(c(&ctx), async { for f in files { b(&ctx).await; } });",
    ] {
        refused(body, "several durable calls");
    }
    accepted("join!(async { a(&ctx).await.map(|x| x + 1) }, b(&ctx));");
    accepted("join!(async { let id = ctx.workflow_id(); a(&ctx, id).await }, b(&ctx));");
}

#[test]
fn the_context_stays_where_it_is() {
    for (body, expected) in [
        (
            "pool.spawn(async move { load(&ctx).await });",
            "`.spawn(…)` takes the context",
        ),
        ("set.spawn(load(&ctx));", "`.spawn(…)` takes the context"),
        (
            "let call = load(&ctx); runtime.spawn_blocking(|| call);",
            "takes the context",
        ),
        (
            "tokio::spawn(async move { load(&ctx).await });",
            "`tokio::spawn` takes the context into a task",
        ),
        (
            "let f = move |x| load(&ctx, x); f(1).await?;",
            "`let ctx = &ctx;`",
        ),
        (
            "let c = ctx.clone(); files.iter().map(move |f| load(&c, f)).count();",
            "this closure takes",
        ),
    ] {
        refused(body, expected);
    }
    for body in [
        "let f = |x| load(&ctx, x); f(1).await?;",
        "let ctx = &ctx; files.iter().map(move |f| load(ctx, f)).count();",
        "files.iter().map(move |ctx| ctx.len()).count();",
        "let n = 1; files.iter().map(move |f| f.len() + n).count();",
        "let command = x.spawn();",
    ] {
        accepted(body);
    }
}

#[test]
fn another_librarys_races_are_refused() {
    for body in [
        "tokio::select! { a = load(&ctx) => a, b = save(&ctx) => b };",
        "futures::select! { a = load(&ctx) => a, b = save(&ctx) => b };",
        "select! { a = load(&ctx) => a, b = save(&ctx) => b };",
        "tokio::select! { biased; a = load(&ctx) => a };",
        "use tokio::select; select! { a = load(&ctx) => a };",
    ] {
        refused(body, "`durable_runtime::select!`");
    }
    refused(
        "let x = stream::iter(calls).buffer_unordered(3);",
        "gives what is ready first",
    );
    accepted("durable_runtime::select! { &ctx; a = load(&ctx) => a, () = ctx.sleep(d) => 1 };");
    accepted("select! { &ctx; a = load(&ctx) => a, };");
    accepted(
        "select! { ctx; a = load(&ctx) => { a } };"
            .replace("{ ctx;", "{ &ctx;")
            .as_str(),
    );
}

#[test]
fn state_that_outlives_the_run_is_refused() {
    for (body, expected) in [
        (
            "static COUNT: AtomicUsize = AtomicUsize::new(0);",
            "`static COUNT`",
        ),
        (
            "static CACHE: LazyLock<Mutex<Vec<u8>>> = x;",
            "`static CACHE`",
        ),
        ("static mut LAST: u8 = 0;", "`static LAST`"),
        (
            "thread_local! { static X: Cell<u8> = Cell::new(1); }",
            "thread-local",
        ),
        ("std::thread_local!(static X: u8 = 1);", "thread-local"),
    ] {
        refused(body, expected);
    }
}

#[test]
fn an_address_is_refused() {
    refused("let x = format!(\"{:p}\", &url);", "prints an address");
    refused("write!(text, \"{url:#p}\")?;", "prints an address");
    accepted("println!(\"{:p}\", &url);");
    accepted("let x = format!(\"{{:p}}\");");
}

#[test]
fn all_offences_are_reported_in_their_order() {
    let messages = messages(
        "let t = SystemTime::now(); let id = Uuid::new_v4(); fetch().await; for x in prices {}",
    );
    let starts: Vec<_> = messages
        .iter()
        .map(|message| message.split(':').next().unwrap())
        .collect();
    assert_eq!(starts.len(), 4, "{messages:#?}");
    assert!(
        messages[0].starts_with("`SystemTime::now` reads"),
        "{messages:#?}"
    );
    assert!(
        messages[3].starts_with("a `HashMap` gives"),
        "{messages:#?}"
    );
}

#[test]
fn a_body_that_does_not_parse_is_rustcs() {
    assert_eq!(messages("let x = ; SystemTime::now();"), [""; 0]);
}
