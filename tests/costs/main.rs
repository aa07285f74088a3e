//! What the operations of the library cost, in numbers that do not depend on the machine: statements and commits of the
//! database, and allocations. Apart from the suite, because here everything allocated is counted.

#[path = "../suite/both.rs"]
#[macro_use]
mod both;

mod allocations;
mod statements;
