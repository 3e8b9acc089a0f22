"""What is tuned is all of a grid, or a number of trials from ranges."""

import builtins

import pytest

from whyformer.foundation.errors import MissingExtraError, UsageError
from whyformer.workflows.compare.sampling import sampler_of
from whyformer.workflows.compare.space import Range, Space, parse_space

KEYS = ["model.d_model", "model.dropout", "model.wiring", "training.learning_rate"]
RATE = "training.learning_rate"


def test_a_grid_has_every_combination_of_its_values():
    space = parse_space(["learning_rate=1,2", "d_model=8,16,32"], KEYS)
    assert space.count == 6
    assert {RATE: ["2"], "model.d_model": ["8"]} in space.grid()
    sampler = sampler_of(space, 1)
    assert sampler.ask() == space.grid()
    assert sampler.ask() == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("learning_rate=0.0005..0.01", Range(0.0005, 0.01, whole=False, log=True)),
        ("dropout=0..0.3", Range(0.0, 0.3, whole=False, log=False)),
        ("d_model=16..64", Range(16, 64, whole=True, log=True)),
        ("learning_rate=1e-4..1e-2", Range(1e-4, 1e-2, whole=False, log=True)),
    ],
)
def test_a_range_is_logarithmic_if_it_can_be_and_whole_if_its_ends_are(text, found):
    assert list(parse_space([text], KEYS, 5).ranges.values()) == [found]


@pytest.mark.parametrize(
    ("texts", "trials", "said"),
    [
        (["learning_rate"], None, "at least two values"),
        (["learning_rate=1"], None, "at least two values"),
        (["learning_rate=1,1"], None, "a value twice"),
        (["learning_rate=1,2", "training.learning_rate=3,4"], None, "twice"),
        (["learning_rate=0.1..0.01"], 5, "the smaller one first"),
        (["learning_rate=a..b"], 5, "the smaller one first"),
        (["learning_rate=1..2..3"], 5, "the smaller one first"),
        (["learning_rate=0.1..1"], None, "Give --trials"),
        ([], 5, "`--trials` needs --tune"),
        (["d_model=" + ",".join(map(str, range(101)))], None, "101 combinations"),
    ],
)
def test_what_cannot_be_tuned_is_refused(texts, trials, said):
    with pytest.raises(UsageError, match=said):
        parse_space(texts, KEYS, trials)


def asked(space: Space, seed: int, score) -> list[dict[str, list[str]]]:
    """Return the trials of a search, which are scored by a function of the learning rate."""
    sampler = sampler_of(space, seed)
    found = []
    while some := sampler.ask():
        (values,) = some
        found.append(values)
        sampler.tell([score(float(values[RATE][0]))])
    return found


def test_a_search_stays_in_its_ranges_repeats_itself_and_follows_its_scores():
    pytest.importorskip("optuna", reason='pip install "whyformer[compare]"')
    space = parse_space(["learning_rate=0.0001..0.1", "wiring=a,b"], KEYS, 12)
    rising = asked(space, 1, lambda rate: rate)
    assert rising == asked(space, 1, lambda rate: rate)
    assert rising != asked(space, 2, lambda rate: rate)
    assert len(rising) == 12
    assert all(0.0001 <= float(one[RATE][0]) <= 0.1 for one in rising)
    assert {one["model.wiring"][0] for one in rising} == {"a", "b"}
    falling = asked(space, 1, lambda rate: -rate)
    random = 4
    assert rising[:random] == falling[:random]
    assert rising[random + 1 :] != falling[random + 1 :]


def test_a_search_without_optuna_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def without(name, *more, **options):
        if name == "optuna":
            raise ImportError(name)
        return real(name, *more, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtraError, match=r'pip install "whyformer\[compare\]"'):
        sampler_of(Space({"a": ["1", "2"]}, trials=2), 1)
