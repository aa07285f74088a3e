//! Durable ingestion of documents into a searchable collection.

fn main() -> std::process::ExitCode {
    rag_ingest::command::main()
}
