"""Read the text of a recipe: its training documents, its validation set and its tokenizer."""

import hashlib
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, groupby, islice
from pathlib import Path

from whyformer.bundle import Bundle, Outline
from whyformer.data import catalog
from whyformer.data.documents import Document
from whyformer.data.formats.recognition import Format, Wanted, sampled_lines
from whyformer.data.formats.roles import Roles, roles_of_texts
from whyformer.data.formats.tables import cells_of
from whyformer.data.held_out import Draw, Key, Overlap, key_of, number_held_out, overlap, place
from whyformer.data.lines import STDIN, read_lines, readable
from whyformer.data.reading import DEFAULT, Reading
from whyformer.foundation.errors import ConfigError, DataError
from whyformer.foundation.files import sha256_of
from whyformer.recipes.recipe import Builtin, DataSettings, Recipe
from whyformer.recipes.recipe import Documents as DocumentEnd
from whyformer.tasks.starting import extended_tokenizer, with_new_pieces, with_start_key
from whyformer.tasks.task import Progress
from whyformer.tasks.tokenizers import given_tokenizer, kept_tokenizers
from whyformer.text.tokenizer import Tokenizer

TOKENIZER_LINES = 2_000_000
"""Maximum number of lines to train a tokenizer on."""
MAX_HELD_OUT = 2000
"""Maximum number of held-out documents."""
LONG_LINE = 1000
"""A document that is a single line of at least this many characters is cut inside the line."""
MANY = 50
"""With at least this many documents, whole documents are held out for validation. With fewer, the
end of each document is held out."""


@dataclass(frozen=True)
class Texts:
    """The training and validation documents, which can be read repeatedly, and a hash of all
    documents."""

    train: Callable[[], Iterator[Document]]
    dev: Callable[[], Iterator[Document]]
    key: str
    key_of_line: Key | None = None
    """Function that returns the normalized form of a line, as the model reads it. None if the
    validation text was held out of the training text."""

    def overlap(self) -> Overlap | None:
        """Count the validation lines that are also in the training text. Return None if the
        validation text was held out.

        Lines are compared because the two texts may be divided into documents differently.
        """
        key = self.key_of_line
        if key is None:
            return None

        def keys(documents: Iterable[Document]) -> Iterator[tuple[str, str]]:
            return ((key(line), "") for line in chain.from_iterable(documents) if line.strip())

        return overlap(keys(self.dev()), keys(self.train()))


def read_documents(
    path: str, end: DocumentEnd, column: str | None = None, reading: Reading = DEFAULT
) -> Iterator[Document]:
    """Yield the documents of a file. If each line is a document, empty lines are left out.

    Args: column: for a table, the column that contains the texts; a text may have several lines.
        With None, the column is found by its name and content. A file of plain lines has no
        columns, and all its lines are read.
    """
    if (roles := text_roles(path, column, reading)) is None:
        lines = read_lines(path, reading.encoding)
    else:
        cells = cells_of(roles.table, [*roles.columns.values()], strict=False)
        texts = (text.split("\n") for _, (text,) in cells)
        if end is DocumentEnd.LINES:  # each text in the column is a document
            yield from (text for text in texts if any(line.strip() for line in text))
            return
        lines = chain.from_iterable(texts)
    if end is DocumentEnd.FILE:
        yield lines
    elif end is DocumentEnd.LINES:
        yield from ([line] for line in lines if line.strip())
    else:
        for empty, paragraph in groupby(lines, key=lambda line: not line.strip()):
            if not empty:
                yield list(paragraph)


def text_roles(path: str, column: str | None, reading: Reading = DEFAULT) -> Roles | None:
    """Return the column of a file that contains the texts; None for a file of plain lines."""
    table = reading.table(path, Wanted.TEXTS, (column,))
    if table is None and column is not None:
        table = reading.table(path, Wanted.TEXTS, (column,), format=Format.TSV)
    return None if table is None else roles_of_texts(table, column)


ENDS = {
    DocumentEnd.FILE: "the file is one document",
    DocumentEnd.PARAGRAPHS: "each paragraph is a document",
    DocumentEnd.LINES: "each line is a document",
}


def read_as(path: str, data: DataSettings) -> Roles | str:
    """Return the column of a file that contains the texts; for a file of plain lines, return a
    description."""
    if (roles := text_roles(path, data.source, data.reading)) is not None:
        return roles
    tabs = any("\t" in line for line in sampled_lines(path, data.encoding))
    columns = (
        "; its lines contain tabs: to read only one column, give --columns TEXT" if tabs else ""
    )
    return f"{path}: {Format.LINES}, {ENDS[data.documents]}{columns}"


def read_texts(data: DataSettings, *, lowercase: bool = False) -> Texts:
    """Return the training and validation documents of a recipe.

    Args: lowercase: whether the tokenizer converts all text to lower case.
    Raises: ConfigError, DataError for data that cannot be used.
    """
    if data.builtin is Builtin.TOPICS:
        if data.train:
            raise ConfigError(
                "`data.builtin: topics` and `data.train` cannot both be given. Leave one out."
            )
        topics = [text.splitlines() for text in catalog.topics()]
        return _topics(topics, data.dev_share)
    if data.builtin:
        raise ConfigError(
            f"`data.builtin` {data.builtin} is not a text. Choose `topics`, or give --data FILE."
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
            read_documents(path, data.documents, data.source, data.reading) for path in paths
        )

    for path in (*data.train, *data.dev):
        # Report faulty files before the tokenizer is trained.
        for document in read([str(readable(path))]):
            next(iter(document), None)
            break
    key = "/".join(sha256_of(Path(path)) for path in (*data.train, *data.dev))
    key += f"/{data.documents}/{data.source}/{len(data.train)}{data.reading.key}"
    if data.dev:
        key_of_line = key_of(lowercase, keep_spaces=True)
        return Texts(lambda: read(data.train), lambda: read(data.dev), key, key_of_line)
    return _held_out(lambda: read(data.train), data.dev_share, key, lowercase=lowercase)


def _topics(topics: list[list[str]], share: float) -> Texts:
    """Split the built-in text by a hash of the index of each document, so that published scores
    stay comparable."""
    places = [place(f"document/{number}") for number in range(len(topics))]
    held = {number for number, where in enumerate(places) if where < share * 2**64} or {0}

    def part(wanted: bool) -> Iterator[Document]:
        return (one for number, one in enumerate(topics) if (number in held) == wanted)

    return Texts(lambda: part(False), lambda: part(True), f"{_digest(topics)}/{share}")


def _held_out(
    read: Callable[[], Iterator[Document]], share: float, key: str, *, lowercase: bool
) -> Texts:
    """Split off a validation set: whole documents if there are many, otherwise the end of each
    document."""
    key = f"{key}/{share}"
    key_of_line = key_of(lowercase, keep_spaces=True)
    draw = Draw(2 * MAX_HELD_OUT)
    for document in read():
        if (content := _content(document, key_of_line)) is not None:
            draw.add(content)
    if draw.count >= MANY:
        chosen = draw.held_out(share, MAX_HELD_OUT)

        def part(held: bool) -> Iterator[Document]:
            for document in map(list, read()):
                content = _content(document, key_of_line)
                if (content is not None and place(content) in chosen) == held:
                    yield document
    else:
        cuts = [_cut_of(document, share) for document in read()]
        if not any(cut.lines or cut.characters for cut in cuts):
            raise DataError(
                "The text is too short to split off a validation set. Give a longer text, or a "
                "text to validate on with --dev."
            )

        def part(held: bool) -> Iterator[Document]:
            return (
                cut.validation(document) if held else cut.training(document)
                for document, cut in zip(read(), cuts, strict=True)
            )

    return Texts(lambda: part(False), lambda: part(True), key)


def _content(document: Document, key: Key) -> str | None:
    """Return a hash of a document in the form that the model reads; None if the document has no
    text."""
    digest, filled = hashlib.sha256(), False
    for line in document:
        filled = filled or bool(line.strip())
        digest.update(key(line).encode() + b"\n")
    return digest.hexdigest() if filled else None


@dataclass(frozen=True)
class _Cut:
    """The position that divides a document into a training part and a validation part.

    Args:
        lines: number of lines that are used for training; 0 if the document is a single line.
        characters: number of characters that are used for training, if the document is one long
            line; otherwise 0. If ``lines`` and ``characters`` are 0, the whole document is used for
            training.
    """

    lines: int
    characters: int = 0

    def training(self, document: Document) -> Document:
        if self.characters:
            return [line[: self.characters] for line in document]
        return islice(document, self.lines) if self.lines else document

    def validation(self, document: Document) -> Document:
        if self.characters:
            return [line[self.characters :] for line in document]
        return islice(document, self.lines, None) if self.lines else []


def _cut_of(document: Document, share: float) -> _Cut:
    """Return the position at which a document is cut: before its last lines or, in a single long
    line, at a space."""
    last = deque(enumerate(document, start=1), maxlen=1)
    count, line = last[0] if last else (0, "")
    if count > 1:
        return _Cut(count - min(count - 1, number_held_out(count, share, count)))
    if len(line) < LONG_LINE:
        return _Cut(0)
    cut = len(line) - number_held_out(len(line), share, len(line))
    space = line.rfind(" ", cut // 2, cut)
    return _Cut(0, space + 1 if space > 0 else cut)


def _digest(documents: list[list[str]]) -> str:
    return hashlib.sha256(json.dumps(documents).encode()).hexdigest()


def text_tokenizer(
    recipe: Recipe,
    texts: Texts,
    directory: Path,
    progress: Progress | None,
    start: Bundle | Outline | None = None,
) -> Tokenizer:
    """Return the tokenizer of the model to start from, or train the recipe's tokenizer. Save it in
    ``directory``, or load it from there."""
    text = recipe.text
    asked = {
        "data": with_start_key(texts.key, recipe),
        "text": text.model_dump(mode="json"),
    } | with_new_pieces(recipe)

    def lines() -> Iterator[str]:
        found = chain.from_iterable(texts.train())
        for number, line in enumerate(islice(found, TOKENIZER_LINES), start=1):
            if progress and number % 4096 == 0:
                progress("training the tokenizer", number)
            yield line
            yield "\n"

    def learn() -> list[Tokenizer]:
        if start is not None:
            return [extended_tokenizer(start.source_tokenizer, recipe, lines())]
        return [given_tokenizer(text, lines())]

    files = () if start is not None else (text.file_of_source,)
    (tokenizer,) = kept_tokenizers(directory, ["source"], asked, learn, files=files)
    return tokenizer
