CREATE TABLE rag_documents (
    id           INTEGER PRIMARY KEY,
    collection   TEXT NOT NULL,
    root         TEXT NOT NULL,
    path         TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    fingerprint  TEXT NOT NULL,
    model        TEXT NOT NULL,
    kind         TEXT NOT NULL,
    title        TEXT,
    encoding     TEXT NOT NULL,
    size         INTEGER NOT NULL,
    mtime_ms     INTEGER NOT NULL,
    pages        INTEGER NOT NULL,
    chunks       INTEGER NOT NULL,
    warnings     TEXT NOT NULL,
    run_id       TEXT NOT NULL,
    UNIQUE (collection, root, path)
);

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
    vector      BLOB NOT NULL,
    UNIQUE (document_id, ordinal)
);

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

CREATE TABLE rag_schema (version INTEGER NOT NULL);

INSERT INTO rag_schema (version) VALUES (1);
