//! Durable document ingestion.
