//! The works of this bench beside the same works done by other libraries: in one run, on one machine, in turns.

mod database;
mod peer;
mod program;
mod table;

use std::collections::HashMap;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};

use crate::run::StoreKind;
use database::Databases;
use peer::Peer;
use program::{Limits, Program};
use table::{Role, Row, Table};

/// Runs the works beside other libraries, in turns, and prints a Markdown table.
///
/// Builds the other libraries' programs (tests/peers) when needed. Each run gets a database of its
/// own, which is gone afterwards. What cannot be built, fails or takes too long is in the table with
/// its reason.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Comparison {
    /// The PostgreSQL server, by a database of it; the role has to create databases
    #[arg(long)]
    db: String,
    /// A SQLite file that is not there, made and removed for each run; without it SQLite is left out
    #[arg(long)]
    sqlite: Option<PathBuf>,
    /// What is measured
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Work::Start, Work::Steps, Work::Queue, Work::Recovery])]
    works: Vec<Work>,
    /// Who is measured beside this runtime
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Peer::Dbos, Peer::Durare, Peer::Durust, Peer::Python])]
    peers: Vec<Peer>,
    /// How many turns everybody gets
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// The most workflows or steps of a run [default: 20000; 2000 for steps, 10000 for recovery]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    n: Option<u32>,
    /// How many workflows are on their way at once
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..))]
    in_flight: u32,
    /// About how long a run of another library may take: slow ones get less to do
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
}

const EXAMPLES: &str = "\
Examples:
  bench compare --db postgres://postgres@127.0.0.1/postgres
  bench compare --db postgres://postgres@127.0.0.1/postgres --sqlite /var/tmp/compare.db --rounds 5
  bench compare --db postgres://postgres@127.0.0.1/postgres --peers dbos --works start,queue --seconds 3

DBOS_PYTHON names the Python that has the package `dbos` [default: python3].";

/// What everybody can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum)]
enum Work {
    /// N workflows of one no-op step, started and awaited
    Start,
    /// One workflow of N sequential no-op steps
    Steps,
    /// N workflows of one no-op step through one queue, of which 64 run at once
    Queue,
    /// A workflow of N recorded steps, taken up again: until its next step begins
    Recovery,
}

impl Work {
    fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Steps => "steps",
            Self::Queue => "queue",
            Self::Recovery => "recovery",
        }
    }

    /// The work of this bench that writes the same rows without a runtime.
    fn floor(self) -> Option<&'static str> {
        match self {
            Self::Start | Self::Queue => Some("floor"),
            Self::Steps => Some("commits"),
            Self::Recovery => None,
        }
    }

    fn default_n(self) -> u32 {
        match self {
            Self::Start | Self::Queue => 20_000,
            Self::Steps => 2_000,
            Self::Recovery => 10_000,
        }
    }

    /// The work and size that tell how fast somebody is. A recovery is mostly the recording before it.
    fn trial(self) -> (Self, u32) {
        match self {
            Self::Start | Self::Queue => (self, 512),
            Self::Steps | Self::Recovery => (Self::Steps, 100),
        }
    }

    /// How much longer than other works it may take.
    fn patience(self) -> u32 {
        match self {
            Self::Recovery => 6,
            Self::Start | Self::Steps | Self::Queue => 1,
        }
    }
}

/// Somebody who does one work on one kind of database, and the row of the table that tells of it.
struct Entrant {
    work: Work,
    store: StoreKind,
    /// What the program is asked for: the work, or the floor of it.
    asked: &'static str,
    program: Option<Program>,
    settings: &'static [&'static str],
    n: u32,
    row: Row,
}

pub(crate) async fn compare(arguments: Comparison) -> Result<()> {
    let databases = Databases::open(&arguments.db, arguments.sqlite.clone()).await?;
    let programs = build(&arguments.peers).await?;
    let mut entrants = entrants(&arguments, &programs)?;
    for entrant in &mut entrants {
        choose_n(&arguments, &databases, entrant).await?;
    }
    for round in 0..arguments.rounds {
        eprintln!("bench: round {} of {}", round + 1, arguments.rounds);
        for place in turns(round, entrants.len()) {
            if let Some(entrant) = entrants.get_mut(place) {
                take_turn(&arguments, &databases, entrant).await?;
            }
        }
    }
    let conditions = databases.conditions(arguments.rounds).await?;
    let rows = entrants.into_iter().map(|entrant| entrant.row).collect();
    print!("{}", Table { conditions, rows });
    Ok(())
}

/// The order of a round: backwards every other time, so that nobody always follows the same one.
fn turns(round: u32, count: usize) -> Box<dyn Iterator<Item = usize>> {
    if round.is_multiple_of(2) {
        Box::new(0..count)
    } else {
        Box::new((0..count).rev())
    }
}

/// Builds what is not built yet; why something cannot be built is its row's text.
async fn build(peers: &[Peer]) -> Result<HashMap<Peer, Result<Program, String>>> {
    let mut programs = HashMap::new();
    for &peer in peers {
        let built = peer.build().await.map_err(|error| format!("{error:#}"));
        if let Err(reason) = &built {
            eprintln!("bench: {}: {reason}", peer.name());
        }
        programs.insert(peer, built);
    }
    Ok(programs)
}

/// Who does what, in the order of the table: for each work and database the floor, this runtime, the others.
fn entrants(
    arguments: &Comparison,
    programs: &HashMap<Peer, Result<Program, String>>,
) -> Result<Vec<Entrant>> {
    let ours = Program::this()?;
    let mut stores = vec![StoreKind::Postgres];
    if arguments.sqlite.is_some() {
        stores.push(StoreKind::Sqlite);
    }
    let mut entrants = Vec::new();
    for (&work, &store) in arguments
        .works
        .iter()
        .flat_map(|work| stores.iter().map(move |store| (work, store)))
    {
        let n = arguments.n.unwrap_or(u32::MAX).min(work.default_n());
        let entrant = |asked, role, who: &str, program, settings| Entrant {
            work,
            store,
            asked,
            program,
            settings,
            n,
            row: Row::new(work.name(), store, role, who),
        };
        if let Some(floor) = work.floor() {
            let who = format!("`{floor}`: plain SQL");
            entrants.push(entrant(floor, Role::Floor, &who, Some(ours.clone()), &[]));
        }
        let who = "durable-runtime";
        entrants.push(entrant(
            work.name(),
            Role::Ours,
            who,
            Some(ours.clone()),
            &[],
        ));
        if store == StoreKind::Sqlite {
            let who = "durable-runtime, synchronous = NORMAL";
            let (role, program) = (Role::OursAsTheirs, Some(ours.clone()));
            entrants.push(entrant(work.name(), role, who, program, &["--normal"]));
        }
        for &peer in arguments.peers.iter().filter(|peer| peer.has(store)) {
            let Some(program) = programs.get(&peer) else {
                bail!("{} was not built", peer.name());
            };
            for (manner, settings) in peer.settings(work, store) {
                entrants.push(match program {
                    Ok(program) => {
                        let who = format!("{} {}{manner}", peer.title(), program.version);
                        let program = Some(program.clone());
                        entrant(work.name(), Role::Peer, &who, program, settings)
                    }
                    Err(reason) => {
                        let who = format!("{}{manner}", peer.title());
                        let mut absent = entrant(work.name(), Role::Peer, &who, None, settings);
                        absent.row.failed(reason.clone());
                        absent
                    }
                });
            }
        }
    }
    Ok(entrants)
}

/// Gives the slow ones less to do, after a short trial.
async fn choose_n(
    arguments: &Comparison,
    databases: &Databases,
    entrant: &mut Entrant,
) -> Result<()> {
    if entrant.row.role != Role::Peer {
        return Ok(());
    }
    let (work, n) = entrant.work.trial();
    let most = entrant.n;
    if let Some(rate) = run(arguments, databases, entrant, work.name(), n.min(most)).await? {
        let seconds = arguments.seconds * entrant.work.patience();
        entrant.n = scaled(rate, seconds, n, most);
        eprintln!(
            "bench: {} {}: {rate:.0}/s in the trial, so n = {}",
            entrant.row.who,
            entrant.work.name(),
            entrant.n
        );
    }
    Ok(())
}

/// As many as take the given time at this rate, but neither fewer than the trial nor more than asked for.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between two numbers of u32"
)]
fn scaled(rate: f64, seconds: u32, trial: u32, most: u32) -> u32 {
    let hundreds = (rate * f64::from(seconds) / 100.0).floor() * 100.0;
    hundreds.clamp(f64::from(trial.min(most)), f64::from(most)) as u32
}

async fn take_turn(
    arguments: &Comparison,
    databases: &Databases,
    entrant: &mut Entrant,
) -> Result<()> {
    let (asked, n) = (entrant.asked, entrant.n);
    if let Some(rate) = run(arguments, databases, entrant, asked, n).await? {
        entrant.row.measured(n, rate);
    }
    Ok(())
}

/// One run in a database of its own. Whose trial failed is not asked again.
async fn run(
    arguments: &Comparison,
    databases: &Databases,
    entrant: &mut Entrant,
    asked: &str,
    n: u32,
) -> Result<Option<f64>> {
    let Some(program) = &entrant.program else {
        return Ok(None);
    };
    let limits = Limits {
        n,
        in_flight: arguments.in_flight,
        seconds: 60 + 12 * arguments.seconds * entrant.work.patience(),
    };
    let database = databases.create(entrant.store).await?;
    let mut outcome = program
        .run(asked, &database.url, limits, entrant.settings)
        .await;
    if let Ok(Ok(_)) = outcome
        && let Some(wrong) = database.check(asked, n).await?
    {
        outcome = Ok(Err(wrong));
    }
    database.remove().await.context("a database stays behind")?;
    match outcome? {
        Ok(line) => {
            eprintln!(
                "bench: {} {asked} on {}: n = {n}, {:.3} s, {:.0}/s",
                entrant.row.who,
                table::store_name(entrant.store),
                line.seconds,
                line.rate()
            );
            Ok(Some(line.rate()))
        }
        Err(reason) => {
            eprintln!("bench: {} {asked}: {reason}", entrant.row.who);
            entrant.row.failed(reason);
            if entrant.row.role == Role::Peer && !entrant.row.has_result() {
                entrant.program = None;
            }
            Ok(None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slow_get_less_to_do_and_nobody_more_than_asked_for() {
        assert_eq!(scaled(123.4, 10, 512, 20_000), 1_200);
        assert_eq!(scaled(50_000.0, 10, 512, 20_000), 20_000);
        assert_eq!(scaled(3.0, 10, 512, 20_000), 512);
        assert_eq!(scaled(3.0, 10, 512, 50), 50);
    }

    #[test]
    fn every_other_round_goes_backwards() {
        assert_eq!(turns(0, 3).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(turns(1, 3).collect::<Vec<_>>(), [2, 1, 0]);
    }
}
