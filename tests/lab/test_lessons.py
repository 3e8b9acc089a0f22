"""The lessons of the viewer: every one is a claim of the laboratory, with its published verdict."""

import json

from whyformer.blocks.positions import POSITIONS
from whyformer.lab.method.record import PUBLISHED
from whyformer.lab.pages.lessons import LESSONS, lessons


def test_every_lesson_has_the_published_verdict_of_its_claim():
    found = lessons()
    assert found.keys() == LESSONS.keys()
    for kind, lesson in LESSONS.items():
        record = json.loads((PUBLISHED / f"{lesson.question}.json").read_text(encoding="utf-8"))
        published = [record["verdicts"][name]["verdict"] for name in lesson.claims]
        assert [one["words"]["en"] for one in found[kind]["claims"]] == published
        assert found[kind]["nearest"] is not lesson.exact


def test_every_text_of_a_lesson_exists_in_both_languages():
    def texts(value):
        if isinstance(value, dict):
            if value.keys() == {"en", "ko"}:
                yield value
            for one in value.values():
                yield from texts(one)
        elif isinstance(value, list):
            for one in value:
                yield from texts(one)

    found = list(texts(lessons()))
    assert len(found) > 30
    assert all(text["en"] and text["ko"] for text in found)


def test_a_verdict_says_where_the_claim_holds_if_that_differs():
    claims = [claim for lesson in lessons().values() for claim in lesson["claims"]]
    assert any(claim["where"] for claim in claims)
    for claim in claims:
        if claim["verdict"] != "inconclusive":  # which can fail in one circumstance, and be open
            assert bool(claim["where"]) == (claim["verdict"] == "conditional")


def test_a_lesson_of_a_variant_is_about_a_variant_that_exists():
    for kind in LESSONS:
        part, _, variant = kind.partition(".")
        assert part in LESSONS
        assert not variant or variant in POSITIONS
