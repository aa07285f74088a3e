//! Durable runner for CasareRPA workflow files.
