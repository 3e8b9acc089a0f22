"""What is held out is never trained on, whatever form it comes in, and does not depend on order."""

import random
import unicodedata
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyformer.data.held_out import Draw, key_of, number_held_out, place, split

WORDS = st.text("ab\u00e9\u1112\u1161C ", max_size=4)
LABELLED = st.lists(st.tuples(WORDS, st.sampled_from("xyz")), min_size=2, max_size=60)
KEY = key_of(lowercase=True)


def drawn(texts, share=0.1, most=50, capacity=100):
    draw = Draw(capacity)
    for text in texts:
        draw.add(KEY(text))
    return draw.held_out(share, most)


@given(LABELLED)
def test_no_text_is_on_both_sides_and_nothing_is_lost(items):
    train, held = split(
        items, key=lambda i: KEY(i[0]), labels=lambda i: (i[1],), share=0.2, most=20
    )
    assert not {KEY(text) for text, _ in train} & {KEY(text) for text, _ in held}
    assert Counter(train) + Counter(held) == Counter(items)


@given(LABELLED)
def test_a_label_is_never_only_in_what_is_held_out(items):
    train, held = split(
        items, key=lambda i: KEY(i[0]), labels=lambda i: (i[1],), share=0.2, most=20
    )
    assert {label for _, label in held} <= {label for _, label in train}


@given(LABELLED, st.randoms(use_true_random=False))
def test_the_split_does_not_depend_on_the_order(items, rng):
    # Of a text with several labels, the first one decides its stratum: one label a text here.
    items = [(text, "x" if len(KEY(text)) % 2 else "y") for text, _ in items]
    mixed = rng.sample(items, len(items))
    sides = [
        split(some, key=lambda i: KEY(i[0]), labels=lambda i: (i[1],), share=0.2, most=20)
        for some in (items, mixed)
    ]
    assert [Counter(part) for part in sides[0]] == [Counter(part) for part in sides[1]]


@given(st.lists(WORDS, min_size=1, max_size=80), st.randoms(use_true_random=False))
def test_a_stream_draws_the_same_texts_in_any_order(texts, rng):
    assert drawn(texts) == drawn(rng.sample(texts, len(texts)))


def test_every_label_gives_its_part():
    items = [(f"text {n}", "rare" if n % 20 == 0 else "common") for n in range(1000)]
    _, held = split(items, key=lambda i: i[0], labels=lambda i: (i[1],), share=0.02, most=5000)
    counts = Counter(label for _, label in held)
    assert counts == {"rare": 5, "common": 95}


@pytest.mark.parametrize("count", [2, 10, 50, 180, 300, 3000])
def test_a_tenth_is_held_out_of_small_data_and_a_hundred_of_larger(count):
    items = [f"text {number}" for number in range(count)]
    _, held = split(items, key=str, labels=lambda _: (), share=0.02, most=5000)
    least = min(100, -(-count // 10))
    assert len(held) == max(least, round(0.02 * count))
    assert len(drawn(items, share=0.02, most=5000, capacity=10_000)) == len(held)


def test_one_frequent_text_is_not_held_out():
    frequent = next(text for text in map(str, range(10_000)) if place(KEY(text)) < 2**54)
    texts = [str(number) for number in range(10_000, 11_000)] + [frequent] * 9000
    chosen = drawn(texts, share=0.02, most=2000, capacity=4000)
    assert place(KEY(frequent)) not in chosen
    held = sum(place(KEY(text)) in chosen for text in texts)
    assert held == number_held_out(10_000, 0.02, 2000)


def test_the_cap_counts_examples_and_memory_is_bounded():
    rng = random.Random(0)
    texts = [f"text {rng.randrange(20_000)}" for _ in range(50_000)]
    draw = Draw(2000)
    for text in texts:
        draw.add(KEY(text))
        assert len(draw._times) <= 2000
    chosen = draw.held_out(0.5, 300)
    held = sum(place(KEY(text)) in chosen for text in texts)
    assert 300 <= held <= 310
    everything = drawn(texts, share=0.5, most=300, capacity=10**6)
    assert chosen == everything


@pytest.mark.parametrize(
    ("one", "other"),
    [("café", unicodedata.normalize("NFD", "café")), ("한글", unicodedata.normalize("NFD", "한글")),
     (" a", "a "), ("Ab", "aB")],
)  # fmt: skip
def test_texts_that_the_model_cannot_tell_apart_stay_together(one, other):
    items = [f"{k} {one}" for k in range(60)] + [f"{k} {other}" for k in range(60)]
    train, held = split(items, key=KEY, labels=lambda _: (), share=0.2, most=100)
    assert held
    assert not set(map(KEY, train)) & set(map(KEY, held))
