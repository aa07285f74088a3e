//! Durable execution.
