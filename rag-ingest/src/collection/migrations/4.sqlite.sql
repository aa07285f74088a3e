-- Where a chunk stands in characters, and in the bytes of the file where that is known. Nothing in chunks of older
-- versions; their documents are ingested again, since the loader is another one.
ALTER TABLE rag_chunks ADD COLUMN start_char INTEGER;
ALTER TABLE rag_chunks ADD COLUMN end_char INTEGER;
ALTER TABLE rag_chunks ADD COLUMN file_start INTEGER;
ALTER TABLE rag_chunks ADD COLUMN file_end INTEGER;
