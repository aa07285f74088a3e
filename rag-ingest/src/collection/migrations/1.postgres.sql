CREATE TABLE rag_documents (
    id           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    collection   TEXT NOT NULL,
    root         TEXT NOT NULL,
    path         TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    fingerprint  TEXT NOT NULL,
    model        TEXT NOT NULL,
    kind         TEXT NOT NULL,
    title        TEXT,
    encoding     TEXT NOT NULL,
    size         BIGINT NOT NULL,
    mtime_ms     BIGINT NOT NULL,
    pages        BIGINT NOT NULL,
    chunks       BIGINT NOT NULL,
    warnings     TEXT NOT NULL,
    run_id       TEXT NOT NULL,
    UNIQUE (collection, root, path)
);

CREATE TABLE rag_chunks (
    id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    document_id BIGINT NOT NULL REFERENCES rag_documents (id) ON DELETE CASCADE,
    ordinal     BIGINT NOT NULL,
    start_byte  BIGINT NOT NULL,
    end_byte    BIGINT NOT NULL,
    tokens      BIGINT NOT NULL,
    heading     TEXT NOT NULL,
    first_page  INTEGER,
    last_page   INTEGER,
    text        TEXT NOT NULL,
    vector      BYTEA NOT NULL,
    words       TSVECTOR GENERATED ALWAYS AS (
        setweight(to_tsvector('english', heading), 'B') || to_tsvector('english', text)) STORED,
    UNIQUE (document_id, ordinal)
);

CREATE INDEX rag_chunks_words ON rag_chunks USING gin (words);

CREATE TABLE rag_schema (version BIGINT NOT NULL);

INSERT INTO rag_schema (version) VALUES (1);
