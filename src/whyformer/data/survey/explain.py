"""Explain in a few words what is unusual about one pair."""

import numpy as np

from whyformer.data.survey.block import Block, Sided
from whyformer.data.survey.characters import CONTROL, SCRIPTS
from whyformer.data.survey.markup import html_in, numbers_in
from whyformer.data.survey.profile import Profile
from whyformer.data.survey.reasons import Reason, words

MOST = 3
"""Maximum number of tags or numbers that are listed."""


def explained(reason: Reason, item: Sided, profile: Profile) -> str:
    """Return the reason in words, with the details of the item in parentheses."""
    detail = {
        Reason.CONTROL: _control,
        Reason.SCRIPT: _scripts,
        Reason.SWAPPED: _scripts,
        Reason.LENGTH: _length,
        Reason.NUMBERS: _numbers,
        Reason.HTML: _html,
        Reason.HTML_BOTH: _html,
    }.get(reason)
    found = detail(item, profile) if detail else ""
    return f"{words(reason, profile.kind)}{f' ({found})' if found else ''}"


def _control(item: Sided, profile: Profile) -> str:
    block = Block.of([item.source, item.target])
    points = np.unique(block.points[block.classes == CONTROL])
    return ", ".join(f"U+{int(point):04X}" for point in points[:MOST])


def _scripts(item: Sided, profile: Profile) -> str:
    if profile.languages is not None:
        return ""
    block = Block.of([item.source, item.target])
    parts = []
    for side, name in enumerate(("source", "target")):
        letters = block.letters[side]
        usual = profile.scripts[side]
        if letters.any() and usual and int(letters.argmax()) not in usual:
            parts.append(f"{name}: {SCRIPTS[int(letters.argmax())]}")
    return ", ".join(parts)


def unusual_length(item: Sided, profile: Profile) -> str:
    """Return in words how much the length ratio of a pair differs from the usual ratio."""
    return _length(item, profile)


def _length(item: Sided, profile: Profile) -> str:
    ratio = profile.ratio
    assert ratio is not None
    lengths = np.array([len(item.source)]), np.array([len(item.target)])
    factor = float(np.exp(ratio.deviations(*lengths)[0][0]))
    longer, factor = ("longer", factor) if factor > 1 else ("shorter", 1 / factor)
    return f"target {factor:.1f} times {longer} than usual"


def _numbers(item: Sided, profile: Profile) -> str:
    sides = [
        ", ".join(one for one in numbers_in(text) if len(one) > 1)
        for text in (item.source, item.target)
    ]
    return " / ".join(sides)


def _html(item: Sided, profile: Profile) -> str:
    found = dict.fromkeys(html_in(item.source) + html_in(item.target))
    return " ".join(list(found)[:MOST])
