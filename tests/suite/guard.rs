//! What a workflow waits for that is no durable call: it is found, and said to whom it concerns.

mod explained;
mod told;
