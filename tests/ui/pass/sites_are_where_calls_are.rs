//! The line and column of a site are those that `#[track_caller]` reports when the call is made;
//! with a runtime of nothing but the names that an expansion uses.

use std::cell::RefCell;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

mod quiet {
    pub struct Site {
        pub label: &'static str,
        pub line: u32,
        pub column: u32,
    }

    pub enum SiteKind {
        Call,
        Operation,
    }

    pub enum JointKind {
        Choice,
        Loop,
        Fork,
        Join,
    }

    pub enum Node {
        Start,
        Site(u16),
        Joint(u16),
        End,
    }

    pub enum Way {
        Next,
        Again,
        Fork,
    }

    pub struct Code {
        pub file: &'static str,
        pub line: u32,
        pub hash: &'static str,
        pub sites: &'static [Site],
        pub joints: &'static [()],
        pub edges: &'static [()],
        pub parts: &'static [()],
        pub awaits_others: bool,
    }

    #[derive(Clone)]
    pub struct WorkflowContext;

    impl WorkflowContext {
        #[track_caller]
        pub fn sleep(&self, _seconds: u32) -> std::future::Ready<u32> {
            super::here(self)
        }
    }

    pub struct WorkflowCall<'c, W>(pub std::marker::PhantomData<&'c W>);

    pub trait Workflow {
        type Input;
        type Output;
        type Error;
        const NAME: &'static str;
        const CLASS: Option<&'static str>;
        const ROLES: &'static [&'static str];
        const PARAMETERS: &'static [&'static str];
        const VERSION: &'static str;
        const MAX_RECOVERY_ATTEMPTS: u32;
        const CODE: &'static Code;
        fn error_codec() -> __private::ErrorCodec<Self::Error>;
        fn run(
            ctx: WorkflowContext,
            input: Self::Input,
        ) -> impl Future<Output = Result<Self::Output, Self::Error>> + Send;
    }

    pub mod __private {
        use super::{JointKind, Node, Site, SiteKind, Way, Workflow, WorkflowCall};

        pub const fn joint(_kind: JointKind, _text: &'static str, _line: u32) {}

        pub const fn edge(_from: Node, _to: Node, _way: Way, _when: Option<&'static str>) {}

        pub const fn site(
            label: &'static str,
            _callee: &'static str,
            _kind: SiteKind,
            _file: &'static str,
            line: u32,
            column: u32,
        ) -> Site {
            Site { label, line, column }
        }

        pub struct ErrorCodec<E>(std::marker::PhantomData<E>);

        pub fn error_codec<E>() -> ErrorCodec<E> {
            ErrorCodec(std::marker::PhantomData)
        }

        pub trait WorkflowCaller<'c> {}

        pub trait StepResult {
            type Value;
            type Error;
        }

        impl<T, E> StepResult for Result<T, E> {
            type Value = T;
            type Error = E;
        }

        pub fn workflow<'c, W: Workflow>(_: impl WorkflowCaller<'c>, _: W::Input) -> WorkflowCall<'c, W> {
            WorkflowCall(std::marker::PhantomData)
        }
    }
}

use durable_runtime::workflow;
use quiet::{Workflow, WorkflowContext};

thread_local! {
    static CALLED: RefCell<Vec<(u32, u32)>> = const { RefCell::new(Vec::new()) };
}

#[track_caller]
fn here(_: &WorkflowContext) -> std::future::Ready<u32> {
    let caller = std::panic::Location::caller();
    CALLED.with_borrow_mut(|called| called.push((caller.line(), caller.column())));
    std::future::ready(1)
}

mod deep {
    pub mod deeper {
        #[track_caller]
        pub fn there<T>(ctx: &super::super::WorkflowContext, _: T) -> std::future::Ready<u32> {
            super::super::here(ctx)
        }
    }
}

#[workflow(crate = crate::quiet)]
async fn everywhere(ctx: WorkflowContext, n: u32) -> Result<u32, ()> {
    let mut sum = n;
    here(&ctx).await; here(&ctx).await;
    /* é ü 語 */ sum += deep::deeper::there::<u32>(&ctx, 1).await;
	sum += here(&ctx).await;
		if sum > 0 { let _text = "語 ü 🦀"; sum += deep::deeper::there(&ctx, ()).await; sum += ctx.sleep(1).await; }
    sum += ctx.sleep(1).await;
    sum += ctx
        .sleep(
            2,
        )
        .await;
    for _ in 0..1 {
        if here(&ctx).await == 1 { sum += (deep::deeper::there)(&ctx, "é").await }
    }
    #[allow_nondeterminism(reason = "there is always one")]
    if std::env::args().count() > 0 { sum += here(&ctx).await; }
    let renamed = &ctx;
    let (a, b) = tokio::join!(here(renamed), async { here(&ctx.clone()).await });
    let _text = format!("{} {}", a + here(&ctx).await, ctx.sleep(b).await);
    sum += match here(&ctx).await {
        0 => here(&ctx).await,
        _ => deep::deeper::there(&ctx, ()).await,
    };
    Ok(sum)
}

fn main() {
    let mut run = pin!(<everywhere as Workflow>::run(WorkflowContext, (1,)));
    let ended = run.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(ended, Poll::Ready(Ok(_))));

    let sites: Vec<_> = <everywhere as Workflow>::CODE.sites
        .iter()
        // The arm that was not taken.
        .filter(|site| site.label != "match#1/arm#1/here")
        .map(|site| (site.line, site.column))
        .collect();
    CALLED.with_borrow(|called| assert_eq!(*called, sites));
    assert_eq!(sites.len() + 1, <everywhere as Workflow>::CODE.sites.len());

    let line = include_str!("sites_are_where_calls_are.rs")
        .lines()
        .nth(<everywhere as Workflow>::CODE.line as usize - 1);
    assert!(line.is_some_and(|line| line.starts_with("async fn everywhere")));
}
