//! The offences, and what is said about each: what, why, and what to write instead.

use std::fmt::Display;

/// One kind of offence against determinism.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offence {
    Clock,
    /// `elapsed()`, of a moment that was recorded.
    Elapsed,
    Sleep,
    Deadline,
    Interval,
    Random,
    Id,
    Spawn,
    /// A method that spawns, given the context.
    Escape,
    /// A `move` closure that takes the context with it.
    Move,
    /// Several durable calls in one branch.
    Branch,
    Race,
    /// Another library's `select!`.
    Select,
    Environment,
    Thread,
    File,
    Network,
    Process,
    Exit,
    Hasher,
    HashMap,
    HashSet,
    Static,
    ThreadLocal,
    Pointer,
    /// An `.await` that carries no context.
    Await,
}

impl Offence {
    /// Whether it is one only in what is made of the value, which a log line never is.
    pub(super) fn is_harmless_in_a_log(self) -> bool {
        matches!(
            self,
            Self::Clock | Self::Elapsed | Self::Environment | Self::Thread
        )
    }

    /// What is wrong with what is `written`, and why.
    pub(super) fn problem(self, written: impl Display) -> String {
        match self {
            Self::Clock => format!(
                "`{written}` reads the clock: a replay runs this code again, at another time, and may take another way"
            ),
            Self::Elapsed => format!(
                "`.{written}()` reads the clock, although the moment was recorded: a replay runs this code again, at another time"
            ),
            Self::Sleep => format!(
                "`{written}` waits in this process alone: a replay runs this code again and waits once more, from the beginning"
            ),
            Self::Deadline => format!(
                "`{written}` counts in this process alone: a replay runs this code again, begins to count anew, and may end the other way"
            ),
            Self::Interval => format!(
                "`{written}` ticks in this process alone: a replay runs this code again and ticks through it all once more"
            ),
            Self::Random => format!(
                "`{written}` is random: a replay runs this code again, draws another number, and may take another way"
            ),
            Self::Id => format!(
                "`{written}` makes a new id each time: a replay runs this code again and goes on with another id"
            ),
            Self::Spawn => format!(
                "`{written}` starts work of which nothing is recorded: a replay runs this code again and starts it once more, and after a crash nobody waits for the first"
            ),
            Self::Escape => format!(
                "`{written}` takes the context into a task of its own: a replay runs this code again, and what two tasks call at once may be called in another order then"
            ),
            Self::Move => "this closure takes the context with it: a replay runs this code again and has to make the same durable calls in the same order, and nobody can see here when the closure will run".to_owned(),
            Self::Branch => format!(
                "this branch of `{written}!` makes several durable calls: the later ones take their places when the earlier ones end, and a replay runs this code again, where the branches may end in another order"
            ),
            Self::Race => format!(
                "`{written}` gives what is ready first: a replay runs this code again, where everything recorded is ready at once, and may go on with another"
            ),
            Self::Select => format!(
                "this `{written}!` does not record which branch won: a replay runs this code again and may take another branch"
            ),
            Self::Environment => format!(
                "`{written}` reads what belongs to this process: a replay runs this code again, after a crash perhaps on another machine, and may find something else"
            ),
            Self::Thread => format!(
                "`{written}` tells which thread runs this: a replay runs this code again on another one"
            ),
            Self::File => format!(
                "`{written}` uses the file system: a replay runs this code again, does it once more, and may find other files"
            ),
            Self::Network => format!(
                "`{written}` uses the network: a replay runs this code again, asks once more, and may get another answer"
            ),
            Self::Process => format!(
                "`{written}` runs another program: a replay runs this code again, and with it the program"
            ),
            Self::Exit => format!(
                "`{written}` ends the process, not the workflow: a replay runs this code again and ends the next process, too"
            ),
            Self::Hasher => format!(
                "`{written}` hashes differently in another process or with another compiler: a replay runs this code again and gets another hash"
            ),
            Self::HashMap | Self::HashSet => format!(
                "a `{}` gives its entries in another order in every process: a replay runs this code again and goes through them in another order",
                if self == Self::HashMap { "HashMap" } else { "HashSet" }
            ),
            Self::Static => format!(
                "`{written}` outlives the run that writes it: a replay runs this code again and finds what another run, or none, has left there"
            ),
            Self::ThreadLocal => "a thread-local value is another one on every thread, and a workflow goes on on any thread after an `.await`: a replay runs this code again and finds another value".to_owned(),
            Self::Pointer => "`{:p}` prints an address: a replay runs this code again, and everything lies elsewhere".to_owned(),
            Self::Await => "what is awaited here is no durable call, because it does not get the context: nothing of it is recorded, so a replay runs this code again, waits once more, and may get something else".to_owned(),
        }
    }

    /// What to write instead, in a body whose context is called `ctx`.
    pub(super) fn instead(self, ctx: &str) -> String {
        match self {
            Self::Clock => format!(
                "`{ctx}.now().await` gives the time as a `SystemTime`, on a replay the recorded one; to log how long something takes, do it in a `#[step]`"
            ),
            Self::Elapsed => format!(
                "`{ctx}.now().await` again, and take the difference: `later.duration_since(earlier)`"
            ),
            Self::Sleep => format!(
                "`{ctx}.sleep(duration).await` remembers when it ends, and waits for what is left after a crash"
            ),
            Self::Deadline => format!(
                "give the call its own: `#[step(timeout = \"30s\")]`, or `.timeout(duration)` on a child workflow; or race it: `durable_runtime::select! {{ &{ctx}; … , () = {ctx}.sleep(duration) => … }}`"
            ),
            Self::Interval => format!(
                "a loop with `{ctx}.sleep(duration).await` in it, or a schedule that starts the workflow"
            ),
            Self::Random => format!(
                "`{ctx}.random().await` gives an `f64` from 0 to below 1, on a replay the recorded one; draw anything else in a `#[step]`"
            ),
            Self::Id => format!(
                "`{ctx}.uuid().await` gives a `uuid::Uuid`, on a replay the recorded one; make ids of another kind in a `#[step]`"
            ),
            Self::Spawn | Self::Escape => format!(
                "run a step beside this code with `{ctx}.spawn(my_step(&{ctx}, …))`; wait for several calls at once with `durable_runtime::join!`; start a child workflow: `child(&{ctx}, …).start().await?`; move any other work into a `#[step]`"
            ),
            Self::Move => format!(
                "leave `move` out, or lend it the context: `let {ctx} = &{ctx};` in front"
            ),
            Self::Branch => format!(
                "make a child workflow of the branch, `child(&{ctx}, …)`, which is one call; or make the calls one after the other"
            ),
            Self::Race => format!(
                "`join_all(calls).await` waits for all, in their order; the first of several is `durable_runtime::select! {{ &{ctx}; … }}`, of child workflows `{ctx}.wait_first(&handles).await`"
            ),
            Self::Select => format!(
                "use `durable_runtime::select!`, which does, and write the context first: `select! {{ &{ctx}; pattern = call => …, }}`"
            ),
            Self::Environment => "take it as an argument of the workflow, which is recorded, or read it in a `#[step]`".to_owned(),
            Self::Thread => format!(
                "leave it out; what names this run everywhere is `{ctx}.workflow_id()`"
            ),
            Self::File => format!(
                "move this into a `#[step]`, and call that: `my_step(&{ctx}, path).await?`"
            ),
            Self::Network => format!(
                "move this into a `#[step]`, and call that: `my_step(&{ctx}, url).await?`"
            ),
            Self::Process => format!(
                "move this into a `#[step]`, and call that: `my_step(&{ctx}, arguments).await?`"
            ),
            Self::Exit => "return an error, which ends the workflow".to_owned(),
            Self::Hasher => "use a hash that is the same everywhere (blake3, SHA-2), or compute it in a `#[step]`".to_owned(),
            Self::HashMap => "use a `BTreeMap`, or an `IndexMap` if the order is to be that of inserting; or sort first: `let sorted: BTreeMap<_, _> = map.into_iter().collect();`".to_owned(),
            Self::HashSet => "use a `BTreeSet`, or an `IndexSet` if the order is to be that of inserting; or sort first: `let sorted: BTreeSet<_> = set.into_iter().collect();`".to_owned(),
            Self::Static => "keep it in a variable of the body, or in the database by a `#[step]`; what steps share is given with `.state(value)`".to_owned(),
            Self::ThreadLocal => "keep it in a variable of the body".to_owned(),
            Self::Pointer => "print what the pointer points at, or only log it".to_owned(),
            Self::Await => format!(
                "move this into a `#[step]`, and await that: `my_step(&{ctx}, …).await?`; a function of yours that makes durable calls takes `&{ctx}`; if a replay may wait again without harm, say so with `#[allow_nondeterminism(reason = \"…\")]` on the statement"
            ),
        }
    }
}
