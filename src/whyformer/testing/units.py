"""Check the laws of a text unit; see `whyformer.text.pieces.Pieces`."""

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
"""The texts on which the units are trained."""
OTHERS = ("", "a", "zebra 🦓", "  two  spaces ", "한국어와 English", "tab\there", "e\u0301")
"""Texts that are not in the training data: an empty text, and texts with unknown characters,
spaces, two scripts or a decomposed accent."""
VOCABULARY = 300


@stating_failures
def check_units(kind: type[Pieces]) -> None:
    """Check a text unit.

    Laws: decoding returns the normalized text, for known and unknown texts. Ids are in range.
    Training does not depend on the order of the texts, and does not exceed the vocabulary size. A
    tokenizer restored from JSON gives the same ids. Encoding a batch gives the same ids as encoding
    each text. A sampled tokenization is decoded to the same text.
    Raises: BrokenLaw for the first law that does not hold.
    """
    name = name_of(kind)
    with registered(UNITS, kind) as chosen:
        learned = kind.train(chosen, TEXTS, vocabulary=VOCABULARY)
        size = len(learned)
        law = f"the vocabulary must have at most {VOCABULARY} ids"
        require(size <= VOCABULARY, name, law, f"it has {size} ids")
        reverse = kind.train(chosen, TEXTS[::-1], vocabulary=VOCABULARY)
        law = "training must not depend on the order of the texts"
        require(reverse.fingerprint == learned.fingerprint, name, law, "it does")
        try:
            again = tokenizer_from_json(learned.to_json())
        except Exception as error:
            raise BrokenLaw(
                f"{name}: it must be possible to read the result of `to_json`, but: {error}"
            ) from error
        rng = random.Random(0)
        texts = [*TEXTS, *OTHERS]
        for text, batched in zip(texts, learned.encode_batch(texts), strict=True):
            ids, wanted = learned.encode(text), learned.normalize(text)
            law = "ids must be ids of bytes or pieces"
            require(all(FIRST_BYTE <= i < size for i in ids), name, law, f"{text!r} gave {ids}")
            law = "`decode` of `encode` must equal `normalize`"
            found = learned.decode(ids)
            require(found == wanted, name, law, f"{text!r} became {found!r} instead of {wanted!r}")
            law = "`encode_batch` must equal `encode`"
            require(batched == ids, name, law, f"{text!r} gave {batched} and {ids}")
            law = "a tokenizer restored from JSON must encode every text in the same way"
            require(again.encode(text) == ids, name, law, f"{text!r} is encoded differently")
            law = "a sampled tokenization must be decoded to the same text"
            sampled = learned.decode(learned.sample(text, rng, 0.5))
            require(sampled == wanted, name, law, f"{text!r} became {sampled!r}")
