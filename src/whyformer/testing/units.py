"""The laws of a text unit; see `whyformer.text.pieces.Pieces`."""

import random

from whyformer.testing.laws import BrokenLaw, name_of, require, stating_failures
from whyformer.testing.models import registered
from whyformer.text.pieces import UNITS, Pieces
from whyformer.text.symbols import FIRST_BYTE
from whyformer.text.tokenizer import tokenizer_from_json

TEXTS = (
    "the cat sat on the mat",
    "the dogs are running",
    "나는 학교에 간다",
    "학교에서 친구를 만났다",
    "naïve café 3.14",
)
"""What is learned from."""
OTHERS = ("", "a", "zebra 🦓", "  two  spaces ", "한국어와 English", "tab\there", "e\u0301")
"""What was not learned from: nothing, unknown characters, spaces, two scripts, an accent apart."""
VOCABULARY = 300


@stating_failures
def check_units(kind: type[Pieces]) -> None:
    """Check a text unit.

    Laws: what is decoded is the normalized text, for known and unknown texts; ids are in range;
    training does not depend on the order of the texts and keeps to the size of the vocabulary; what
    is written to JSON and read again encodes alike; a batch is encoded like its texts; a sampled
    cut spells the same text.
    Raises: BrokenLaw for the first law that does not hold.
    """
    name = name_of(kind)
    with registered(UNITS, kind) as chosen:
        learned = kind.train(chosen, TEXTS, vocabulary=VOCABULARY)
        size = len(learned)
        law = f"a vocabulary of at most {VOCABULARY} must be learned"
        require(size <= VOCABULARY, name, law, f"it has {size} ids")
        turned = kind.train(chosen, TEXTS[::-1], vocabulary=VOCABULARY)
        law = "training must not depend on the order of the texts"
        require(turned.fingerprint == learned.fingerprint, name, law, "it does")
        try:
            again = tokenizer_from_json(learned.to_json())
        except Exception as error:
            raise BrokenLaw(
                f"{name}: what `to_json` writes must be read again, but {error}"
            ) from error
        rng = random.Random(0)
        texts = [*TEXTS, *OTHERS]
        for text, batched in zip(texts, learned.encode_batch(texts), strict=True):
            ids, wanted = learned.encode(text), learned.normalize(text)
            law = "ids must be those of bytes and pieces"
            require(all(FIRST_BYTE <= i < size for i in ids), name, law, f"{text!r} gave {ids}")
            law = "a text must be decoded as `normalize` gives it"
            found = learned.decode(ids)
            require(found == wanted, name, law, f"{text!r} became {found!r} instead of {wanted!r}")
            law = "`encode_batch` must equal `encode`"
            require(batched == ids, name, law, f"{text!r} gave {batched} and {ids}")
            law = "what is read from JSON must encode alike"
            require(again.encode(text) == ids, name, law, f"{text!r} is encoded in another way")
            law = "a sampled cut must spell the same text"
            sampled = learned.decode(learned.sample(text, rng, 0.5))
            require(sampled == wanted, name, law, f"{text!r} became {sampled!r}")
