-- The vectors once more, as the extension `vector` wants them. `index.rs` makes an index for each large model.
CREATE TABLE rag_embeddings (
    vector_id BIGINT PRIMARY KEY REFERENCES rag_vectors (id) ON DELETE CASCADE,
    model_id  BIGINT NOT NULL REFERENCES rag_models (id),
    embedding VECTOR NOT NULL
);

CREATE INDEX rag_embeddings_models ON rag_embeddings (model_id);
