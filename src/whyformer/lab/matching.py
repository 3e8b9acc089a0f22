"""Find the cards of the laboratory that answer a user's question, by comparing words. No model is
used."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from whyformer.lab.method.experiment import Experiment
from whyformer.lab.method.questions import experiment_named, written

ANSWERED = 0.5
"""A card answers a question if more than this share of the question's words are keywords of the
card.

A word that the card only mentions counts 0.5. So such words alone are never enough for an answer,
however long the question is. The words of the cards were chosen with the help of the questions in
tests/lab. A test with 42 other questions gave this result: 18 of the 20 questions with an answer
got the right answer, and 20 of the 22 questions without an answer got none.
"""
MENTION = 0.5
"""Weight of a word that a card only mentions; a keyword of the card has weight 1."""
UNKNOWN = 0.5
"""Weight of an unknown word in the denominator of `Match.share`. The denominator is the weighted
number of words of the question: a word that the card does not contain has this weight, and a word
that it contains has weight 1."""
_EMPTY = """
a about actually after all always am an and any are as at attention be because
been before being best better between by can could did do does doing done each
else ever every exactly explain for from gets give given gives good had happen
happens has have help helps here how i if important in into is it its just learn
like make makes many matter matters may me mean means model models more most much
must my necessarily necessary need needed needs network neural no not of often on
one only or other our out output outputs paper please point purpose really
required same say self-attention should since so some still such tell than that
the their them then there these they this those to too train training transformer
transformers translation translations up us use used useful uses using very was we
well were what when where whether which while who why will with without work works
would you your
"""
EMPTY = frozenset(_EMPTY.split())
"""English words that do not show the subject of a question. `attention` is one of them, because
every card is about attention."""
EMPTY_KOREAN = re.compile(
    r"(왜|뭐|무엇|무슨|뭔|어떻|어떤|어디|언제|누가|얼마|정말|진짜|항상|꼭|더|가장|그냥|같이|갈수록|"
    r"이유|뜻|의미|설명|알려|필요|도움|모델|트랜스포머|어텐션|신경망|학습|논문|번역|여러|입력|"
    r"출력|우리)\w{0,6}$|[안못제내이그저것때][가-힣]?$"
)
"""Korean words, with their particles, that do not show the subject of a question."""
VERB_ENDING = re.compile(r"[^가-힣]*[가-힣]*(요|까|니|다|죠|지|나|해|돼|면|서|고|게)$")
"""Korean verbs and adjectives. Such words are ignored, because nouns show the subject of a
question."""


@dataclass(frozen=True)
class Match:
    """How well a card matches a question."""

    experiment: Experiment
    share: float
    """Weighted share of the question's words that the card contains, 0 to 1."""
    length: int
    """Number of characters of all words of the card that the question contains."""

    @property
    def answers(self) -> bool:
        """Whether the card answers the question."""
        return self.share > ANSWERED


def matches(asked: str) -> list[Match]:
    """Return the cards that have a word in common with a question, best match first."""
    text = _folded(asked)
    words = [match.span() for match in re.finditer(r"[^\s?!.,;:\"'“”‘’]+", text)]
    found = (_match(experiment_named(name), text, words) for name in written())
    return sorted((one for one in found if one.share), key=lambda one: (-one.share, -one.length))


def answering(asked: str) -> list[Experiment]:
    """Return the experiments whose cards answer an English or Korean question, best match first."""
    return [one.experiment for one in matches(asked) if one.answers]


def _match(experiment: Experiment, text: str, words: list[tuple[int, int]]) -> Match:
    credit = dict.fromkeys(words, 0.0)
    length = 0
    for worth, keywords in ((MENTION, experiment.mentions), (1.0, experiment.keywords)):
        for keyword in keywords:
            spans = list(_spans(keyword, text))
            length += len(keyword) if spans else 0
            for start, end in spans:
                for word in words:
                    if word[0] < end and start < word[1]:
                        credit[word] = max(credit[word], worth)
    known = [one for one in credit.values() if one]
    unknown = [
        word for word, one in credit.items() if not one and not _is_empty(text[slice(*word)])
    ]
    share = sum(known) / (len(known) + UNKNOWN * len(unknown)) if known else 0.0
    return Match(experiment, share, length)


def _spans(keyword: str, text: str) -> Iterator[tuple[int, int]]:
    """Yield the places of a keyword in a text. A keyword of several words yields nothing unless the
    text contains all of its words."""
    found = [[m.span() for m in _pattern(one).finditer(text)] for one in _folded(keyword).split()]
    if all(found):
        for spans in found:
            yield from spans


@cache
def _pattern(word: str) -> re.Pattern[str]:
    """Return a pattern that finds a word. A Latin word must be a whole word (`sin` does not match
    `since`), but a Korean particle may follow it."""
    whole = word.isascii() and word.isalnum()
    return re.compile(rf"\b{word}\b" if whole else re.escape(word), re.ASCII if whole else 0)


def _is_empty(word: str) -> bool:
    if word.isascii():
        return word in EMPTY or not any(map(str.isalnum, word))
    return bool(EMPTY_KOREAN.match(word) or VERB_ENDING.match(word))


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()
