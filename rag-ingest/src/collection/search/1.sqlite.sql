-- What searching keeps in memory is as new as this number: it grows with every change of the chunks.
CREATE TABLE rag_generation (number INTEGER NOT NULL);

INSERT INTO rag_generation (number) VALUES (1);

CREATE TRIGGER rag_generation_inserted AFTER INSERT ON rag_chunks BEGIN
    UPDATE rag_generation SET number = number + 1;
END;

CREATE TRIGGER rag_generation_deleted AFTER DELETE ON rag_chunks BEGIN
    UPDATE rag_generation SET number = number + 1;
END;

CREATE TRIGGER rag_generation_updated AFTER UPDATE ON rag_chunks BEGIN
    UPDATE rag_generation SET number = number + 1;
END;
