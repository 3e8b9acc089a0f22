"""Text of a recipe: its documents, what of them is held out, and the tokenizer they teach."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, groupby, islice
from pathlib import Path

from whyformer.data import catalog
from whyformer.data.documents import Document
from whyformer.data.reading import STDIN, read_columns, read_lines
from whyformer.foundation.errors import ConfigError, DataError
from whyformer.foundation.files import sha256_of
from whyformer.text.tokenizer import Tokenizer, train_tokenizer
from whyformer.workflows.recipe import Builtin, DataSettings, Recipe
from whyformer.workflows.recipe import Documents as DocumentEnd
from whyformer.workflows.task import Progress
from whyformer.workflows.vocabulary import kept_tokenizers

TOKENIZER_LINES = 2_000_000
MANY = 50
"""So many documents are held out whole; of fewer, each lends its end to validation."""


@dataclass(frozen=True)
class Texts:
    """Documents that can be read again and again, and a hash of all of them."""

    train: Callable[[], Iterator[Document]]
    dev: Callable[[], Iterator[Document]]
    key: str


def read_documents(path: str, end: DocumentEnd, column: str | None = None) -> Iterator[Document]:
    """Yield the documents of a UTF-8 file; empty ones are left out where lines are documents.

    Args: column: of a TSV with a header, or a key of JSON lines; None takes whole lines.
    """
    if column is None:
        lines = read_lines(path)
    else:
        lines = (text for _, (text,) in read_columns(path, [column]))
    if end is DocumentEnd.FILE:
        yield lines
    elif end is DocumentEnd.LINES:
        yield from ([line] for line in lines if line.strip())
    else:
        for empty, paragraph in groupby(lines, key=lambda line: not line.strip()):
            if not empty:
                yield list(paragraph)


def read_texts(data: DataSettings) -> Texts:
    """Return the documents of a recipe to learn from and to judge by.

    Raises: ConfigError, DataError for what cannot be used.
    """
    if data.builtin is Builtin.TOPICS:
        if data.train:
            raise ConfigError(
                "`data.builtin` topics and `data.train` cannot both be given. Leave one out."
            )
        topics = [text.splitlines() for text in catalog.topics()]
        return _held_out(lambda: iter(topics), data.dev_share, _digest(topics))
    if data.builtin:
        raise ConfigError(
            f"`data.builtin` {data.builtin} is not a text. Choose topics, or give --data FILE."
        )
    if not data.train:
        raise ConfigError(
            "There is nothing to train on: `data.train` is empty. Give --data PATH: a text file."
        )
    if STDIN in (*data.train, *data.dev):
        raise ConfigError(
            "A text is read several times, so it cannot come from standard input. Give a file."
        )

    def read(paths: list[str]) -> Iterator[Document]:
        return chain.from_iterable(
            read_documents(path, data.documents, data.source) for path in paths
        )

    for path in (*data.train, *data.dev):
        next(read_lines(path))  # told before anything is learned
    key = "/".join(sha256_of(Path(path)) for path in (*data.train, *data.dev))
    key += f"/{data.documents}/{data.source}/{len(data.train)}"
    if data.dev:
        return Texts(lambda: read(data.train), lambda: read(data.dev), key)
    return _held_out(lambda: read(data.train), data.dev_share, key)


def _held_out(read: Callable[[], Iterator[Document]], share: float, key: str) -> Texts:
    """Hold out whole documents where there are many, else the end of each."""
    key = f"{key}/{share}"
    lengths = [sum(1 for _ in document) for document in read()]
    if len(lengths) >= MANY:
        chosen = {i for i in range(len(lengths)) if _drawn(i, share)} or {0}

        def part(held: bool) -> Iterator[Document]:
            return (d for i, d in enumerate(read()) if (i in chosen) == held)
    else:
        if max(lengths, default=0) < 2:
            raise DataError(
                "The text is too short to hold out a part for validation. Give a text to validate "
                "on with --dev."
            )
        cuts = [min(n - 1, round(n * (1 - share))) if n > 1 else n for n in lengths]

        def part(held: bool) -> Iterator[Document]:
            return (
                islice(d, cut, None) if held else islice(d, cut)
                for d, cut in zip(read(), cuts, strict=True)
            )

    return Texts(lambda: part(False), lambda: part(True), key)


def _drawn(index: int, share: float) -> bool:
    digest = hashlib.sha256(f"whyformer/document/{index}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < share


def _digest(documents: list[list[str]]) -> str:
    return hashlib.sha256(json.dumps(documents).encode()).hexdigest()


def text_tokenizer(
    recipe: Recipe, texts: Texts, directory: Path, progress: Progress | None
) -> Tokenizer:
    """Learn the recipe's tokenizer into ``directory``, or read what was learned there."""
    text = recipe.text
    asked = {"data": texts.key, "text": text.model_dump(mode="json")}
    options = {"vocabulary": text.vocabulary, "lowercase": text.lowercase}

    def lines() -> Iterator[str]:
        found = chain.from_iterable(texts.train())
        for number, line in enumerate(islice(found, TOKENIZER_LINES), start=1):
            if progress and number % 4096 == 0:
                progress("learning the vocabulary", number)
            yield line
            yield "\n"

    (tokenizer,) = kept_tokenizers(
        directory, ["source"], asked, lambda: [train_tokenizer(text.units, lines(), **options)]
    )
    return tokenizer


def data_key(recipe: Recipe, run: Path) -> str:
    """Return the hash by which a resumed run knows that its data is unchanged."""
    return read_texts(recipe.data).key
