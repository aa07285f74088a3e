//! What the help of each command shows.

pub(super) const INGEST: &str = "\
Examples:
  rag-ingest ingest docs                          a folder, into ./rag-ingest.db
  rag-ingest ingest a.pdf notes --json            files and folders; one JSON document as the result
  rag-ingest ingest docs --exclude '*.csv' --watch  what changes is taken in until Ctrl-C
  rag-ingest ingest docs --db postgres://me@db/rag --detach   for `rag-ingest worker` to do";

pub(super) const WORKER: &str = "\
Examples:
  rag-ingest worker --db postgres://me@db/rag     any number of these, on any machine
  rag-ingest worker --workers 4 --until-idle      ends when nothing is left to do";

pub(super) const RESUME: &str = "\
Examples:
  rag-ingest resume                               all runs that were interrupted
  rag-ingest resume ingest-df36bc1fae24           this one, cancelled or not";

pub(super) const CANCEL: &str = "\
Examples:
  rag-ingest cancel                               all runs of the collection
  rag-ingest cancel ingest-df36bc1fae24           what it saved stays";

pub(super) const SEARCH: &str = "\
Examples:
  rag-ingest search \"how are steps retried?\" -k 3
  rag-ingest search \"what does it cost?\" --type pdf --path 'offers/**' --since 2026-01-01
  rag-ingest search E-4711 --mode keyword --json";

pub(super) const SERVE: &str = "\
Examples:
  rag-ingest serve --port 8765
  curl 'http://127.0.0.1:8765/search?question=retries&limit=3'";

pub(super) const MCP: &str = "\
Examples:
  rag-ingest mcp --db sqlite:///home/me/rag-ingest.db   as the command that an agent starts";

pub(super) const STATUS: &str = "\
Examples:
  rag-ingest status                               where the newest run is, and which files failed
  rag-ingest status --json --db postgres://me@db/rag";

pub(super) const RETRY: &str = "\
Examples:
  rag-ingest retry                                failed files that have waited long enough
  rag-ingest retry --now --all                    all of them, at once";

pub(super) const STATS: &str = "\
Examples:
  rag-ingest stats
  rag-ingest stats --collection notes --json";

pub(super) const VERIFY: &str = "\
Examples:
  rag-ingest verify                               ends with 2 if it finds something, and says what to do
  rag-ingest verify --json --db postgres://me@db/rag";

pub(super) const PRUNE: &str = "\
Examples:
  rag-ingest prune --dry-run                      only tells what would go
  rag-ingest prune --history 30                   history older than 30 days goes too";

pub(super) const RESET: &str = "\
Examples:
  rag-ingest reset --collection notes             asks first
  rag-ingest reset --yes";

pub(super) const CONFIG: &str = "\
Examples:
  rag-ingest config show                          each setting, its value and where that comes from
  RAG_INGEST_WORKERS=8 rag-ingest config show --json";

pub(super) const DURABLE: &str = "\
Examples:
  rag-ingest durable verify-replay                before a new version is used on an old database
  rag-ingest durable graph";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn every_command_shows_examples() {
        let command = super::super::Command::command();
        for shown in command.get_subcommands().filter(|it| !it.is_hide_set()) {
            let help = shown.get_after_help().map(ToString::to_string);
            let line = format!("rag-ingest {} ", shown.get_name());
            let line = line.trim_end();
            assert!(
                help.is_some_and(|help| help.starts_with("Examples:\n") && help.contains(line)),
                "{line}"
            );
        }
    }
}
