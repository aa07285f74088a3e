-- What is sent to a service, and what it costs.
ALTER TABLE rag_costs ADD COLUMN requests INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rag_costs ADD COLUMN retries INTEGER NOT NULL DEFAULT 0;

CREATE INDEX rag_costs_collection ON rag_costs (collection, at_ms);
CREATE INDEX rag_costs_run ON rag_costs (run_id);

-- The requests that wait for their turn, are under way, or still count for the limits of their service.
CREATE TABLE rag_requests (
    id         INTEGER PRIMARY KEY,
    service    TEXT NOT NULL,
    -- The piece of work that sends it: the same after a crash.
    holder     TEXT NOT NULL,
    collection TEXT NOT NULL,
    -- waiting, running or done.
    state      TEXT NOT NULL,
    tokens     INTEGER NOT NULL,
    -- What it will cost, while that is not in rag_costs.
    micros     INTEGER NOT NULL,
    -- When the row means nothing any more.
    free_ms    INTEGER NOT NULL
);

CREATE INDEX rag_requests_service ON rag_requests (service, free_ms);
CREATE INDEX rag_requests_holder ON rag_requests (holder);

-- Services that asked to be left alone.
CREATE TABLE rag_pauses (
    service  TEXT PRIMARY KEY,
    until_ms INTEGER NOT NULL
);

-- What the command that works on a collection may spend.
CREATE TABLE rag_budgets (
    collection    TEXT PRIMARY KEY,
    budget_micros INTEGER NOT NULL,
    since_ms      INTEGER NOT NULL,
    is_spent      INTEGER NOT NULL DEFAULT 0
);
