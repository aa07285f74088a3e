#!/usr/bin/env python3
"""Ingests a folder of Markdown and text files with LlamaIndex's IngestionPipeline: load, split, embed; what comes of it
stays in memory.

pip install llama-index-core==0.14.25 onnxruntime tokenizers
"""

import argparse
import hashlib
import json
import os
import pathlib
import time

from llama_index.core import SimpleDirectoryReader
from llama_index.core.embeddings import BaseEmbedding
from llama_index.core.ingestion import IngestionPipeline
from llama_index.core.node_parser import SentenceSplitter
from pydantic import PrivateAttr

KINDS = [".md", ".markdown", ".txt"]
# As rag-ingest has it: word pieces of a chunk, and what the sentence model reads of it.
CHUNK = 200
READ = 256


class Hash(BaseEmbedding):
    """Hashes, which take no time."""

    def _get_text_embedding(self, text):
        digest = hashlib.blake2b(text.encode(), digest_size=64).digest()
        return [byte / 128 - 1 for byte in digest]

    def _get_query_embedding(self, query):
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query):
        return self._get_text_embedding(query)


class MiniLM(BaseEmbedding):
    """The sentence model in the folder that RAG_INGEST_MINILM names, run by onnxruntime a text at a time, as rag-ingest
    does: padding to the longest of a batch was slower."""

    _session = PrivateAttr()
    _tokenizer = PrivateAttr()

    def __init__(self, **options):
        super().__init__(**options)
        import onnxruntime
        from tokenizers import BertWordPieceTokenizer

        folder = pathlib.Path(os.environ["RAG_INGEST_MINILM"])
        vocabulary = pathlib.Path(__file__).parents[3] / "rag-ingest/assets/wordpiece-vocab.txt"
        self._session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
        self._tokenizer = BertWordPieceTokenizer(str(vocabulary), lowercase=True)
        self._tokenizer.enable_truncation(READ)

    def _get_text_embedding(self, text):
        import numpy

        ids = numpy.array([self._tokenizer.encode(text).ids], dtype=numpy.int64)
        given = {"input_ids": ids, "attention_mask": numpy.ones_like(ids), "token_type_ids": numpy.zeros_like(ids)}
        wanted = {each.name for each in self._session.get_inputs()}
        states = self._session.run(None, {name: value for name, value in given.items() if name in wanted})[0][0]
        vector = states.mean(axis=0)
        return (vector / numpy.linalg.norm(vector)).tolist()

    def _get_query_embedding(self, query):
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query):
        return self._get_text_embedding(query)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--embedder", choices=["hash", "minilm"], default="hash")
    parser.add_argument("--workers", type=int, help="processes that share the documents")
    options = parser.parse_args()
    begun = time.monotonic()
    embedder = Hash(embed_batch_size=128) if options.embedder == "hash" else MiniLM(embed_batch_size=128)
    reader = SimpleDirectoryReader(options.folder, recursive=True, required_exts=KINDS)
    documents = reader.load_data()
    splitter = SentenceSplitter(chunk_size=CHUNK, chunk_overlap=0)
    pipeline = IngestionPipeline(transformations=[splitter, embedder])
    nodes = pipeline.run(documents=documents, num_workers=options.workers)
    seconds = time.monotonic() - begun
    assert all(node.embedding for node in nodes)
    paths = {document.metadata["file_path"] for document in documents}
    size = sum(os.path.getsize(path) for path in paths) / 1e6
    line = {
        "library": "llamaindex",
        "embedder": options.embedder,
        "files": len(paths),
        "chunks": len(nodes),
        "megabytes": size,
        "seconds": seconds,
        "files_per_second": len(paths) / seconds,
        "chunks_per_second": len(nodes) / seconds,
        "megabytes_per_second": size / seconds,
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
