//! The runner of workflow files, from the outside: the program is run as its users run it.

mod kill;
mod runs;
