import math

import pytest
import torch
from pydantic import ValidationError

from toy_models import ToyModel
from whyformer.decoding.penalties import length_penalty
from whyformer.decoding.repetition import repeated_ngrams
from whyformer.decoding.search import search
from whyformer.decoding.settings import SearchSettings
from whyformer.foundation.config import build
from whyformer.foundation.errors import ConfigError, UsageError, WhyformerError
from whyformer.workflows.search_settings import search_settings


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"beam": 4, "nbest": 5}, "`nbest` must not exceed `beam`, but 5 is more than 4"),
        ({"beam": 6, "groups": 4}, "`groups` must divide `beam`.*Choose groups from 1, 2, 3, 6"),
        ({"min_length": 9, "max_length": 8}, "`min_length` must not exceed `max_length`"),
        ({"temperature": 0.0}, "`temperature` must be at least 0.0001, but 0 was found"),
        ({"beem": 3}, "`beem` is not a setting. Did you mean `beam`"),
    ],
)
def test_impossible_settings_are_explained(fields: dict[str, float], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(SearchSettings, fields, where="command line")
    with pytest.raises(ValidationError):
        SearchSettings(**fields)  # pyright: ignore[reportArgumentType]


NUMBERS = [
    name
    for name, field in SearchSettings.model_fields.items()
    if field.annotation in (int, float, int | None)
]


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("huge", [10**30, float("inf"), float("nan")])
def test_every_number_of_a_search_has_an_upper_bound(name: str, huge: float) -> None:
    with pytest.raises(ConfigError, match=f"`{name}`"):
        build(SearchSettings, {name: huge}, where="command line")


@pytest.mark.parametrize("name", ["beam", "nbest", "groups", "length_penalty", "temperature"])
def test_the_largest_allowed_number_of_a_search_works(name: str) -> None:
    field = SearchSettings.model_fields[name]
    most = next(one.le for one in field.metadata if hasattr(one, "le"))
    beam = {"beam": most} if name == "groups" else {}
    method = {"method": "sample"} if name in ("nbest", "temperature") else {}
    wanted = build(SearchSettings, {name: most, "max_length": 2, **beam, **method}, where="here")
    (found,) = search(ToyModel(1), torch.tensor([[9]]), None, wanted)
    assert all(math.isfinite(one.score) for one in found)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"method": "sample", "beam": 7}, "beam"),
        ({"method": "sample", "groups": 1}, "groups"),
        ({"method": "sample", "diversity": 1.0}, "diversity"),
        ({"diversity": 1.0}, "diversity"),
        ({"seed": 1}, "seed"),
        ({"top_k": 3}, "top_k"),
        ({"max_length": 9, "max_length_extra": 3}, "max_length_extra"),
    ],
)
def test_a_given_setting_that_the_search_never_reads_is_refused(
    given: dict[str, object], name: str
) -> None:
    with pytest.raises(UsageError, match=f"`{name}` has no effect here: .* Leave it out."):
        search_settings({}, given)


@pytest.mark.parametrize(
    ("facts", "beam"),
    [({"beam": 1}, 3), ({"beam": 2, "groups": 2}, 4), ({"beam": 5}, 5), ({}, 5)],
)
def test_nbest_raises_the_beam_of_the_run(facts: dict[str, int], beam: int) -> None:
    assert search_settings({"decoding": facts}, {"nbest": 3}).beam == beam
    with pytest.raises(ConfigError, match="`nbest` must not exceed `beam`"):
        search_settings({"decoding": facts}, {"nbest": 3, "beam": 2})


def test_more_tokens_than_the_model_can_write_are_not_required() -> None:
    with pytest.raises(UsageError, match="`min_length` must not exceed 3, the maximum length"):
        search(ToyModel(1), torch.tensor([[9]]), None, SearchSettings(min_length=5), longest=4)


def test_samples_may_outnumber_the_beam() -> None:
    assert SearchSettings(method="sample", beam=1, nbest=9).nbest == 9  # pyright: ignore[reportArgumentType]


def test_length_penalty_is_equation_14() -> None:
    assert length_penalty(1, 0.6) == 1.0
    assert length_penalty(10, 0.6) == pytest.approx(2.5**0.6)
    assert length_penalty(10, 0.0) == 1.0


def test_the_limit_follows_the_source() -> None:
    assert SearchSettings().limit(20) == 70  # the paper: source length + 50
    assert SearchSettings(max_length=7).limit(20) == 7
    assert SearchSettings(max_length_extra=1, min_length=40).limit(20) == 40


def test_repeats_are_found_by_hand() -> None:
    tokens = torch.tensor([[5, 6, 5, 7, 5], [6, 6, 6, 6, 6]])
    assert [t.tolist() for t in repeated_ngrams(tokens, 2)] == [
        [0, 0, 1, 1, 1, 1],
        [6, 7, 6, 6, 6, 6],
    ]
    assert set(repeated_ngrams(tokens, 1)[1].tolist()) == {5, 6, 7}
    assert repeated_ngrams(tokens, 6)[0].tolist() == []
    assert [t.tolist() for t in repeated_ngrams(tokens, 5)] == [[1], [6]]


@pytest.mark.parametrize(
    ("prefix", "message"),
    [
        ([5, 2], "A prefix must not contain special symbols"),
        ([5] * 6, "has 6 tokens and the limit is 6"),
        ([99], "ids below the vocabulary size 8, but holds 99"),
    ],
)
@pytest.mark.parametrize("method", ["beam", "sample"])
def test_impossible_prefixes_are_explained(prefix: list[int], message: str, method: str) -> None:
    wanted = SearchSettings(method=method, max_length=6)  # pyright: ignore[reportArgumentType]
    with pytest.raises(UsageError, match=message):
        search(ToyModel(1), torch.tensor([[9]]), None, wanted, prefixes=[prefix])


def test_prefixes_must_be_as_many_as_sentences() -> None:
    with pytest.raises(UsageError, match="2 prefixes and 1 sentence"):
        search(ToyModel(1), torch.tensor([[9]]), None, SearchSettings(), prefixes=[[5], [6]])


@pytest.mark.parametrize("wanted", [{"beam": 1}, {"beam": 3}, {"method": "sample"}])
def test_damaged_weights_are_explained(wanted: dict[str, object]) -> None:
    model = ToyModel(1)
    model.table.fill_(math.nan)
    with pytest.raises(WhyformerError, match="logits must be finite"):
        search(model, torch.tensor([[9]]), None, SearchSettings.model_validate(wanted))


def test_unknown_is_predicted_only_when_allowed() -> None:
    model = ToyModel(1)
    model.table[:, 3] += 20
    source = torch.tensor([[9]])
    assert 3 not in search(model, source, None, SearchSettings(max_length=4))[0][0].tokens
    allowed = SearchSettings(max_length=4, allow_unknown=True)
    assert set(search(model, source, None, allowed)[0][0].tokens) == {3}
