//! Durable execution.

#[cfg_attr(not(test), expect(dead_code, reason = "nothing opens a store yet"))]
mod store;
