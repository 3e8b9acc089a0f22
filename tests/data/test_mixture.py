"""A mixture draws each corpus in proportion to its weight and reads it in rounds."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyformer.data.mixture import MixedCorpus, Mixture, check_weights, mixture_of, names_of
from whyformer.data.plan import plan_epoch
from whyformer.foundation.errors import ConfigError

SIZES, WEIGHTS = (90, 10), (1.0, 3.0)


def draws(mixture, epoch):
    return mixture.draws(seed=1, epoch=epoch, fingerprint="f")


@given(
    parts=st.lists(st.tuples(st.integers(1, 50), st.floats(0.1, 10)), min_size=2, max_size=4),
    epochs=st.integers(1, 6),
)
def test_each_corpus_has_its_proportion_and_every_pair_its_turn(parts, epochs):
    sizes, weights = zip(*parts, strict=True)
    mixture = Mixture(sizes, weights)
    counts = Counter(int(i) for epoch in range(epochs) for i in draws(mixture, epoch))
    first = 0
    for size, weight in parts:
        of_part = [counts[i] for i in range(first, first + size)]
        wanted = epochs * sum(sizes) * weight / sum(weights)
        assert abs(sum(of_part) - wanted) < 1.001
        assert max(of_part) - min(of_part) <= 1
        first += size


def test_an_epoch_is_a_pure_function_of_seed_and_epoch():
    mixture = Mixture(SIZES, WEIGHTS)
    assert draws(mixture, 3).tolist() == draws(Mixture(SIZES, WEIGHTS), 3).tolist()
    assert sorted(draws(mixture, 3).tolist()) != sorted(draws(mixture, 4).tolist())


def test_a_corpus_that_is_drawn_less_than_once_is_drawn_evenly_over_epochs():
    mixture = Mixture((100, 100), (1.0, 3.0))
    first, second = ({int(i) for i in draws(mixture, epoch) if i < 100} for epoch in (0, 1))
    assert len(first) == len(second) == 50
    assert first | second == set(range(100))


def test_the_batches_of_an_epoch_have_the_draws_of_the_mixture():
    lengths = np.full(100, 5, dtype=np.int32)
    batches = plan_epoch(
        lengths, lengths, seed=1, epoch=2, budget_tokens=20, fingerprint="f",
        mixture=Mixture(SIZES, WEIGHTS),
    )  # fmt: skip
    drawn = sorted(int(i) for batch in batches for i in batch)
    assert drawn == sorted(draws(Mixture(SIZES, WEIGHTS), 2).tolist())
    assert sum(i >= 90 for i in drawn) == 75
    assert max(map(len, batches)) <= 4


def test_a_corpus_can_be_written_in_one_word():
    written = MixedCorpus.model_validate("a.ko,a.en,weight=3,tag=en,validated=false")
    assert written == MixedCorpus(files=["a.ko", "a.en"], weight=3, tag="en", validated=False)
    assert MixedCorpus.model_validate("./x=1.tsv").files == ["./x=1.tsv"]


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("a.tsv,wieght=2", "`wieght` is not a setting of a corpus of `data.mix`. Did you mean"),
        ("weight=2", "must have a file, but `weight=2` has none"),
        ("a.tsv,tag=d!e", '`tag` must have 1 to 32 ASCII letters, .* but it is "d!e"'),
    ],
)
def test_a_corpus_that_is_written_wrong_is_explained(written, message):
    with pytest.raises(ConfigError, match=message):
        MixedCorpus.model_validate(written)


def test_corpora_of_the_same_name_are_told_apart():
    same = [MixedCorpus(files=["a/train.tsv.gz"]), MixedCorpus(files=["b/train"])]
    assert names_of([*same, MixedCorpus(files=["c"], tag="de")]) == ["train", "train 2", "de"]


def test_weights_are_given_to_all_corpora_or_to_none():
    some = [MixedCorpus(files=["a.tsv"], weight=2), MixedCorpus(files=["b.tsv"])]
    with pytest.raises(ConfigError, match=r"all corpora or to none, but `b\.tsv` has none"):
        check_weights(some)
    assert mixture_of(some[1:], [5]) is None
