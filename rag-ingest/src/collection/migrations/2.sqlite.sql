-- What version 1 made is put aside; its rows are taken over by `schema.rs`.
ALTER TABLE rag_documents RENAME TO rag_documents_1;
ALTER TABLE rag_chunks RENAME TO rag_chunks_1;
DROP TRIGGER rag_chunks_inserted;
DROP TRIGGER rag_chunks_deleted;
DROP TABLE rag_words;

CREATE TABLE rag_sources (
    id         INTEGER PRIMARY KEY,
    collection TEXT NOT NULL,
    name       TEXT NOT NULL,
    location   TEXT NOT NULL,
    UNIQUE (collection, name),
    UNIQUE (collection, location)
);

CREATE TABLE rag_models (
    id        INTEGER PRIMARY KEY,
    name      TEXT NOT NULL UNIQUE,
    dimension INTEGER NOT NULL
);

CREATE TABLE rag_vectors (
    id       INTEGER PRIMARY KEY,
    model_id INTEGER NOT NULL REFERENCES rag_models (id),
    text_key TEXT NOT NULL,
    vector   BLOB NOT NULL,
    UNIQUE (model_id, text_key)
);

CREATE TABLE rag_texts (
    key     TEXT PRIMARY KEY,
    size    INTEGER NOT NULL,
    content BLOB NOT NULL
);

CREATE TABLE rag_documents (
    id                INTEGER PRIMARY KEY,
    collection        TEXT NOT NULL,
    source_id         INTEGER NOT NULL REFERENCES rag_sources (id) ON DELETE CASCADE,
    path              TEXT NOT NULL,
    -- The document of the file that this one lies in. Such a member has no size and no kept text of its own.
    member_of         INTEGER REFERENCES rag_documents (id) ON DELETE CASCADE,
    -- The version that is searched; without one the hash is empty.
    content_hash      TEXT NOT NULL DEFAULT '',
    fingerprint       TEXT NOT NULL DEFAULT '',
    model             TEXT NOT NULL DEFAULT '',
    text_key          TEXT,
    kind              TEXT NOT NULL DEFAULT '',
    title             TEXT,
    encoding          TEXT NOT NULL DEFAULT '',
    pages             INTEGER NOT NULL DEFAULT 0,
    chunks            INTEGER NOT NULL DEFAULT 0,
    -- How many files lie in it, those included that could not be read.
    members           INTEGER NOT NULL DEFAULT 0,
    warnings          TEXT NOT NULL DEFAULT '[]',
    run_id            TEXT NOT NULL DEFAULT '',
    -- The file as it was seen last.
    file_hash         TEXT NOT NULL DEFAULT '',
    size              INTEGER NOT NULL,
    mtime_ns          INTEGER NOT NULL,
    seen_run          TEXT NOT NULL,
    seen_ms           INTEGER NOT NULL,
    -- What was tried with it last, and what came of it.
    status            TEXT NOT NULL,
    tried_fingerprint TEXT NOT NULL DEFAULT '',
    tried_run         TEXT NOT NULL DEFAULT '',
    page              INTEGER NOT NULL DEFAULT 0,
    workflow_id       TEXT,
    attempt           INTEGER NOT NULL DEFAULT 0,
    failures          INTEGER NOT NULL DEFAULT 0,
    retry_ms          INTEGER,
    step              TEXT,
    reason            TEXT,
    error             TEXT
);

-- A folder may have a name like an archive's with a `!` behind it; then a file and a member have the same path.
CREATE UNIQUE INDEX rag_documents_files ON rag_documents (source_id, path) WHERE member_of IS NULL;
CREATE UNIQUE INDEX rag_documents_members ON rag_documents (member_of, path);

CREATE INDEX rag_documents_content ON rag_documents (collection, content_hash);
CREATE INDEX rag_documents_work ON rag_documents (tried_run, page);
CREATE INDEX rag_documents_text ON rag_documents (text_key);

CREATE TABLE rag_chunks (
    id          INTEGER PRIMARY KEY,
    document_id INTEGER NOT NULL REFERENCES rag_documents (id) ON DELETE CASCADE,
    ordinal     INTEGER NOT NULL,
    start_byte  INTEGER NOT NULL,
    end_byte    INTEGER NOT NULL,
    tokens      INTEGER NOT NULL,
    heading     TEXT NOT NULL,
    first_page  INTEGER,
    last_page   INTEGER,
    text        TEXT NOT NULL,
    vector_id   INTEGER NOT NULL REFERENCES rag_vectors (id),
    UNIQUE (document_id, ordinal)
);

CREATE INDEX rag_chunks_vector ON rag_chunks (vector_id);

CREATE VIRTUAL TABLE rag_words USING fts5 (
    heading, text, content = 'rag_chunks', content_rowid = 'id', tokenize = 'porter unicode61'
);

CREATE TRIGGER rag_chunks_inserted AFTER INSERT ON rag_chunks BEGIN
    INSERT INTO rag_words (rowid, heading, text) VALUES (new.id, new.heading, new.text);
END;

CREATE TRIGGER rag_chunks_deleted AFTER DELETE ON rag_chunks BEGIN
    INSERT INTO rag_words (rag_words, rowid, heading, text)
    VALUES ('delete', old.id, old.heading, old.text);
END;

CREATE TABLE rag_runs (
    id         TEXT PRIMARY KEY,
    collection TEXT NOT NULL,
    begun_ms   INTEGER NOT NULL
);

CREATE TABLE rag_problems (
    run_id    TEXT NOT NULL,
    source_id INTEGER NOT NULL,
    path      TEXT NOT NULL,
    error     TEXT NOT NULL,
    hides     INTEGER NOT NULL,
    PRIMARY KEY (run_id, source_id, path)
);

CREATE TABLE rag_history (
    id           INTEGER PRIMARY KEY,
    collection   TEXT NOT NULL,
    document_id  INTEGER NOT NULL,
    path         TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    fingerprint  TEXT NOT NULL,
    attempt      INTEGER NOT NULL,
    status       TEXT NOT NULL,
    reason       TEXT,
    chunks       INTEGER NOT NULL,
    run_id       TEXT NOT NULL,
    at_ms        INTEGER NOT NULL
);

CREATE INDEX rag_history_collection ON rag_history (collection, at_ms);

CREATE TABLE rag_costs (
    workflow_id TEXT NOT NULL,
    batch       INTEGER NOT NULL,
    collection  TEXT NOT NULL,
    run_id      TEXT NOT NULL,
    document_id INTEGER NOT NULL,
    model       TEXT NOT NULL,
    embedded    INTEGER NOT NULL,
    reused      INTEGER NOT NULL,
    tokens      INTEGER NOT NULL,
    cost_micros INTEGER NOT NULL,
    at_ms       INTEGER NOT NULL,
    PRIMARY KEY (workflow_id, batch)
);
