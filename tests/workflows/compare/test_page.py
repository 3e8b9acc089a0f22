"""The page of a comparison has everything that the JSON has, in both languages."""

import re
from html import unescape

import pytest

from made_up_comparison import EFFECTS, made_up
from whyformer.charts.interval_strip import Strip, farthest_of, interval_strip
from whyformer.foundation.bilingual import Language
from whyformer.workflows.compare.budget import Unit
from whyformer.workflows.compare.page.page import page, write_pages
from whyformer.workflows.compare.page.words import WORDS

CHANGES = [{"time": "2026-02-03T04:05:06+00:00", "what": "seeds", "before": [1, 2]}]
HANGUL = re.compile("[가-힣]")


def text_of(html: str) -> str:
    """Return the visible text of a page."""
    body = re.sub(r"<(style|script)>.*?</\1>", " ", html, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def test_the_page_begins_with_the_effect_its_interval_and_the_verdict():
    found = made_up()
    text = text_of(page(found, Language.ENGLISH))
    one = found["comparisons"]["post-norm"]
    assert one["verdict"] == "worse"
    said = f"“post-norm” is worse than “base”: its accuracy is {-one['effect']:.2f} lower"
    assert said in text
    first = text.index(said)
    for word in ("registration", "curves", "tuning", "costs", "cells"):
        assert first < text.index(WORDS[word].en)


@pytest.mark.parametrize("language", Language)
def test_every_training_every_trial_and_every_cost_is_on_the_page(language):
    found = made_up()
    html = page(found, language)
    text = text_of(html)
    for name in EFFECTS:
        assert name in text
    for by_seed in found["scores"].values():
        for score in by_seed.values():
            assert f"{score:.2f}" in text
    for trials in found["trials"].values():
        for one in trials:
            assert f"{one['scores']['100001']:.2f}" in text
    assert text.count(WORDS["kept_mark"].in_(language)) == len(EFFECTS)
    assert "101,184" in text
    assert "1.20×10¹²" in text
    seeds, charts = len(found["scores"]["base"]), 3
    assert html.count('class="series"') == len(EFFECTS) * seeds * charts


def test_each_language_has_its_own_file_which_leads_to_the_other(tmp_path):
    english, korean = write_pages(tmp_path, made_up())
    first, second = english.read_text("utf-8"), korean.read_text("utf-8")
    assert f'href="{korean.name}"' in first
    assert f'href="{english.name}"' in second
    assert set(HANGUL.findall(text_of(first))) <= set("한국어")
    for sentence in ("Result", "Criterion and registration", " is better", "seeds"):
        assert sentence not in text_of(second)


def test_a_later_change_is_said_at_the_top_and_in_the_registration():
    before, after = (text_of(page(made_up(changes=c), Language.ENGLISH)) for c in ([], CHANGES))
    assert "Nothing changed afterwards." in before
    assert "Not pre-registered" not in before
    said = "Not pre-registered: seeds changed after the start (2026-01-02 03:04 UTC)."
    assert after.count(said) == 2
    assert after.index(said) < after.index("Result")
    assert "[1, 2]" in after


def test_a_budget_of_time_is_drawn_over_time_and_all_other_budgets_over_updates():
    for unit, axis in ((Unit.MINUTES, "minute"), (Unit.TOKENS, "update"), (Unit.FLOPS, "update")):
        html = page(made_up(unit=unit), Language.ENGLISH)
        assert f'<p class="axis x">{WORDS[axis].en}</p>' in html


def test_a_comparison_without_trials_or_items_says_so():
    text = text_of(page(made_up(tuned=False, lines=None), Language.ENGLISH))
    assert WORDS["seeds_only"].en in text
    assert WORDS["tuning_lead"].en.split("{")[0] not in text


def test_the_zone_of_a_strip_is_the_margin_and_every_interval_fits():
    strips = [Strip(-3.0, -4.0, -2.0, "a"), Strip(0.0, -0.5, 0.5, "b")]
    farthest = farthest_of(strips, 2.0)
    assert farthest > 4
    html = interval_strip(strips[0], 2.0, farthest)
    zone = re.search(r'class="zone" x="([\d.]+)" y="4" width="([\d.]+)"', html)
    bar = re.search(r'class="bar s0" d="M([\d.]+) 24H([\d.]+)"', html)
    assert zone
    assert bar
    middle = float(zone[1]) + float(zone[2]) / 2
    per_unit = float(zone[2]) / 4
    assert float(bar[1]) == pytest.approx(middle - 4 * per_unit, abs=0.2)
    assert float(bar[2]) == pytest.approx(middle - 2 * per_unit, abs=0.2)
    assert 0 < float(bar[1]) < float(bar[2])
    assert "bar" not in interval_strip(Strip(0.0, None, None, "c"), 2.0, farthest)
