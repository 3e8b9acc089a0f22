"""Constraints of a search: the built-in ones, and one that is registered from outside."""

import math
from itertools import pairwise

import pytest
import torch

from toy_models import ToyModel, sources
from whyformer.decoding.constraints import CONSTRAINTS, Constraint, constraints_of
from whyformer.decoding.search import search
from whyformer.decoding.settings import SearchSettings
from whyformer.foundation.config import build
from whyformer.foundation.errors import ConfigError, PluginError
from whyformer.interop.engine import search_refusal

WAYS = [
    {"beam": 1}, {"beam": 3, "nbest": 3}, {"beam": 4, "nbest": 4, "groups": 2},
    {"method": "sample", "nbest": 3},
]  # fmt: skip


@pytest.fixture
def toy():
    """Register a constraint as a plugin does; forget it afterwards."""

    @CONSTRAINTS.register("no-neighbours")
    class NoNeighbours(Constraint):
        """A token is never followed by itself."""

        def __init__(self, *, min_length: int) -> None:
            self.seen = min_length

        def apply(self, scores, tokens):
            if tokens.shape[-1]:
                rows = (tokens[:, -1] >= 0).nonzero().flatten()
                scores[rows, tokens[rows, -1]] = -math.inf

    yield
    CONSTRAINTS.forget("no-neighbours")
    with pytest.raises(ConfigError, match=r'must be symbols, .*, but "no-neighbours" was found'):
        build(SearchSettings, {"constraints": ["no-neighbours"]}, where="x")


def tokens_of(settings: SearchSettings, seed: int = 3) -> list[list[tuple[int, ...]]]:
    ids, real = sources(5, seed)
    found = search(ToyModel(seed), ids, real, settings)
    return [[one.tokens for one in some] for some in found]


@pytest.mark.parametrize("way", WAYS)
def test_a_registered_constraint_holds_in_every_search(toy, way):
    def repeats(settings: SearchSettings) -> int:
        found = [
            tokens for seed in range(6) for some in tokens_of(settings, seed) for tokens in some
        ]
        return sum(a == b for tokens in found for a, b in pairwise(tokens))

    free = SearchSettings(max_length=8, min_length=4, **way)
    assert repeats(free) > 0
    assert repeats(free.model_copy(update={"constraints": ["no-neighbours"]})) == 0


@pytest.mark.parametrize("way", WAYS)
def test_the_output_under_a_constraint_does_not_depend_on_the_batch(toy, way):
    settings = SearchSettings(max_length=8, constraints=["no-neighbours"], **way)
    ids, real = sources(5, 1)
    together = search(ToyModel(1), ids, real, settings)
    for row in range(5):
        length = int(real[row].sum())
        alone = search(ToyModel(1), ids[row : row + 1, :length], None, settings, indices=[row])
        assert [one.tokens for one in alone[0]] == [one.tokens for one in together[row]]


def test_built_in_constraints_apply_once_and_first(toy):
    kinds = [type(one).__name__ for one in constraints_of(SearchSettings())]
    assert kinds == ["Symbols", "MinLength", "NoRepeatNgram"]
    chosen = SearchSettings(constraints=["no-neighbours", "min-length"], min_length=2)
    *built_in, mine = constraints_of(chosen)
    assert [type(one).__name__ for one in built_in] == kinds
    assert mine.seen == 2


def test_the_other_engine_refuses_constraints(toy):
    settings = SearchSettings(constraints=["no-neighbours"])
    assert "not constraints" in search_refusal(settings)


def test_a_constraint_that_asks_for_an_unknown_setting_is_refused():
    class Asks(Constraint):
        def __init__(self, *, min_lenght: int) -> None: ...

    CONSTRAINTS.register("asks")(Asks)
    settings = SearchSettings(constraints=["asks"])
    with pytest.raises(PluginError, match=r"asks for `min_lenght`, .* Did you mean `min_length`"):
        search(ToyModel(0), torch.tensor([[9, 8]]), None, settings)
    CONSTRAINTS.forget("asks")
