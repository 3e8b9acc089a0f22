"""On real lines, the page's tokenizers give the ids of the Python tokenizers."""

from functools import cache
from itertools import islice
from pathlib import Path

import pytest

from javascript import answer
from whyformer.text.tokenizer import Tokenizer, train_tokenizer

DATA = Path(__file__).parents[3] / "shared" / "data"
FILES = [
    "multi30k/train.en", "multi30k/train.de", "multi30k/train.cs", "tatoeba-ko-en/train.ko",
    "small-parallel-enja/train.ja",
]  # fmt: skip
UNITS = ["bpe", "byte_bpe", "unigram", "chars", "jamo", "words"]
LINES = 2000
pytestmark = [
    pytest.mark.usefixtures("unchecked"),
    pytest.mark.skipif(
        not all((DATA / file).is_file() for file in FILES), reason="the corpora are not here"
    ),
]


@cache
def lines() -> list[str]:
    """Return the first lines of each file, mixed."""
    found: list[str] = []
    for file in FILES:
        with (DATA / file).open(encoding="utf-8") as opened:
            found += islice((line.rstrip("\n") for line in opened), LINES)
    return found


@cache
def answers() -> dict[str, tuple[Tokenizer, dict]]:
    """Return a tokenizer of each kind, learned from a part of the lines, and JavaScript's ids."""
    named = {one: train_tokenizer(one, lines()[::3], vocabulary=4000) for one in UNITS}
    request = [{"json": one.to_json(), "texts": lines(), "rows": []} for one in named.values()]
    given = answer("tokenizers.mjs", request)
    return {name: (named[name], one) for name, one in zip(named, given, strict=True)}


@pytest.mark.parametrize("units", UNITS)
def test_every_line_has_the_same_ids_in_javascript(units):
    tokenizer, found = answers()[units]
    for line, ids in zip(lines(), found["ids"], strict=True):
        assert ids == tokenizer.encode(line), line
