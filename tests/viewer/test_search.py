"""The page's searches give the results of the Python searches."""

import math
import random
from collections import Counter
from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor

from javascript import answer
from toy_models import ToyModel
from whyformer.decoding.expected import Expected
from whyformer.decoding.hypotheses import Hypothesis
from whyformer.decoding.limits import limit_of
from whyformer.decoding.sampling import draw, likely
from whyformer.decoding.search import search
from whyformer.decoding.settings import Method, SearchSettings
from whyformer.decoding.wellformed import NEXT, WellFormed
from whyformer.foundation.errors import UsageError
from whyformer.text.symbols import BOS, EOS
from whyformer.text.tokenizer import train_tokenizer

pytestmark = pytest.mark.usefixtures("unchecked")
NAMES = {
    "beam": "beam", "nbest": "nbest", "lengthPenalty": "length_penalty", "limit": "max_length",
    "minLength": "min_length", "noRepeatNgram": "no_repeat_ngram", "temperature": "temperature",
    "topK": "top_k", "topP": "top_p", "minP": "min_p", "seed": "seed",
    "allowUnknown": "allow_unknown", "maxLength": "max_length",
    "maxLengthRatio": "max_length_ratio", "maxLengthExtra": "max_length_extra",
}  # fmt: skip
"""The setting of Python for each setting of the page."""


class ByLength(ToyModel):
    """Predicts the same at every step, so that each order of the same tokens is equally probable.

    Args: levels: number of different logits of the words and eos.
    """

    def __init__(self, seed: int, *, levels: int = 4) -> None:
        super().__init__(seed)
        row = self.table[0] / 100
        row[[EOS, 5, 6, 7]] = row[[EOS, 5, 6, 7]][torch.arange(4) % levels]
        self.table = row.expand(997, -1)

    @staticmethod
    def place(sources: Tensor, past: Tensor) -> Tensor:
        return torch.full(past.shape[:-1], past.shape[-1])


MODELS = [
    ToyModel(0), ToyModel(1, eos=2.0), ToyModel(2, eos=-2.0), ToyModel(3, vocabulary=40),
    ToyModel(4, eos=1.0, vocabulary=40), ByLength(5), ByLength(6), ByLength(7, levels=1),
    ByLength(8, levels=2),
]  # fmt: skip
USUAL = range(5)
"""The models without ties."""


def python_settings(page: dict, **more: object) -> SearchSettings:
    """Return the settings of Python that mean the same as those of the page."""
    named = {NAMES[name]: value for name, value in page.items() if name in NAMES}
    return SearchSettings(**named, **more)  # pyright: ignore[reportArgumentType]


def ask(*cases: dict) -> list:
    tables = [one.table.float().tolist() for one in MODELS]
    return answer("searches.mjs", {"tables": tables, "cases": list(cases)})


def case(model: int, source: list[int], **settings: object) -> dict:
    by_length = isinstance(MODELS[model], ByLength)
    common = {"kind": "search", "model": model, "byLength": by_length, "source": source}
    return common | {"settings": settings}


def random_case(rng: random.Random) -> dict:
    beam, limit = rng.choice([1, 1, 2, 3, 4, 5, 8]), rng.randint(1, 12)
    return case(
        rng.choice(USUAL),
        [rng.randint(5, 50) for _ in range(rng.randint(1, 5))],
        beam=beam,
        nbest=rng.randint(1, beam),
        lengthPenalty=rng.choice([0.0, 0.6, 1.0, 3.0]),
        limit=limit,
        minLength=rng.choice([0, 0, min(2, limit)]),
        noRepeatNgram=rng.choice([0, 0, 1, 2, 3]),
        allowUnknown=rng.random() < 0.2,
        forced=[rng.choice([3, 5, 6, 7]) for _ in range(rng.choice([0, 0, 1, 3]))][: limit - 1],
        tree=rng.random() < 0.2,
    )


@cache
def searched() -> list[tuple[dict, dict]]:
    """Return random cases with their answers."""
    rng = random.Random(0)
    cases = [random_case(rng) for _ in range(600)]
    return list(zip(cases, ask(*cases), strict=True))


def in_python(asked: dict) -> list[Hypothesis]:
    """Return the hypotheses that Python finds for a case."""
    settings, source = python_settings(asked["settings"]), torch.tensor([asked["source"]])
    prefixes = [asked["settings"].get("forced", [])]
    return search(MODELS[asked["model"]], source, None, settings, prefixes=prefixes)[0]


def test_every_search_finds_the_same_hypotheses_in_javascript():
    for asked, found in searched():
        wanted, got = in_python(asked), found["hypotheses"]
        assert [one["tokens"] for one in got] == [list(one.tokens) for one in wanted], asked
        for a, b in zip(got, wanted, strict=True):
            assert a["finished"] == b.finished, asked
            assert a["score"] == pytest.approx(b.score, abs=1e-5)
            assert a["logProbability"] == pytest.approx(b.log_probability, abs=1e-5)
            assert sum(a["tokenLogProbabilities"]) == pytest.approx(b.log_probability, abs=1e-5)
            assert len(a["tokenLogProbabilities"]) == len(b.tokens) + b.finished


def test_hypotheses_with_equal_scores_are_in_the_same_order_in_javascript():
    cases = [
        case(model, [9], beam=beam, nbest=beam, limit=limit, lengthPenalty=alpha)
        for model in (5, 6)  # the logits of a step differ, so its top-k is determined
        for beam in (3, 4, 8)
        for limit in (3, 6)
        for alpha in (0.0, 0.6, 1.0)
    ]
    # A beam that holds all 40 hypotheses has a place for every token, also if logits are equal.
    cases += [case(model, [9], beam=80, nbest=80, limit=3, lengthPenalty=1.0) for model in (7, 8)]
    for asked, found in zip(cases, ask(*cases), strict=True):
        wanted, got = in_python(asked), found["hypotheses"]
        assert [one["tokens"] for one in got] == [list(one.tokens) for one in wanted], asked


def test_the_cases_finish_hypotheses_and_also_cut_them():
    finished = [one["finished"] for _, found in searched() for one in found["hypotheses"]]
    assert 0.2 < sum(finished) / len(finished) < 0.9


def test_the_path_of_a_hypothesis_in_the_tree_spells_its_tokens():
    for asked, found in searched():
        if not asked["settings"]["tree"]:
            assert found["tree"] is None
            continue
        nodes = found["tree"]
        for one in found["hypotheses"]:
            path, node = [], one["node"]
            while node is not None:
                assert nodes[node]["kept"]
                path.append(nodes[node]["token"])
                node = nodes[node]["parent"]
            assert path[::-1] == one["tokens"] + [EOS] * one["finished"]
            if one["node"] is not None:
                last = nodes[one["node"]]
                assert last["finished"] == one["finished"]
                assert last["cumulative"] == pytest.approx(one["logProbability"])


def test_the_tree_shows_what_was_compared_and_what_was_kept():
    trees = [(asked, found["tree"]) for asked, found in searched() if found["tree"]]
    assert any(not node["kept"] for _, nodes in trees for node in nodes)
    for asked, nodes in trees:
        for number, node in enumerate(nodes):
            above = None if node["parent"] is None else nodes[node["parent"]]
            assert node["id"] == number
            assert node["step"] == (0 if above is None else above["step"] + 1)
            before = 0.0 if above is None else above["cumulative"]
            assert node["cumulative"] == pytest.approx(before + math.log(node["probability"]))
            assert above is None or (above["kept"] and not above["finished"])
        for step in {node["step"] for node in nodes}:
            here = [node for node in nodes if node["step"] == step]
            kept = [node["cumulative"] for node in here if node["kept"]]
            dropped = [node["cumulative"] for node in here if not node["kept"]]
            assert len(kept) <= asked["settings"]["beam"]
            assert not (kept and dropped) or min(kept) >= max(dropped)


@pytest.mark.parametrize(("forced", "limit"), [([5, EOS], 9), ([0], 9), ([5, 6, 7], 3), ([99], 9)])
def test_a_prefix_that_python_refuses_is_refused_with_the_reason(forced, limit):
    (found,) = ask(case(0, [9, 8], forced=forced, limit=limit))
    settings = SearchSettings(max_length=limit)
    with pytest.raises(UsageError) as refused:
        search(ToyModel(0), torch.tensor([[9, 8]]), None, settings, prefixes=[forced])
    assert found["error"][:30] == str(refused.value)[:30]


def test_the_length_limit_is_that_of_python():
    rng = random.Random(3)
    cases = [
        {
            "kind": "limit",
            "settings": {
                "maxLength": rng.choice([None, None, 30]),
                "maxLengthRatio": rng.choice([0.5, 1.0, 2.3]),
                "maxLengthExtra": rng.randint(1, 50),
                "minLength": rng.choice([0, 20]),
            },
            "length": rng.randint(1, 60),
            "facts": rng.choice([{}, {"target_ratio": 1.37, "target_extra": 9}]),
            "longest": rng.choice([None, 25, 64]),
        }
        for _ in range(300)
    ]
    for one, limit in zip(cases, ask(*cases), strict=True):
        expected = Expected.from_facts(one["facts"])
        settings = python_settings(one["settings"])
        assert limit == limit_of(settings, one["length"], one["longest"], expected), one


def test_the_distribution_and_the_drawn_token_are_those_of_python():
    rng, numbers = random.Random(4), np.random.default_rng(4)
    cases = []
    for _ in range(500):
        logits = numbers.normal(size=rng.choice([5, 60])).astype(np.float32) * 3
        logits[numbers.random(len(logits)) < 0.2] = -np.inf
        logits[0] = 1.0
        settings = {
            "temperature": rng.choice([0.3, 1.0, 2.5]),
            "topK": rng.choice([None, 1, 4, 100]),
            "topP": rng.choice([1.0, 0.9, 0.4]),
            "minP": rng.choice([0.0, 0.1]),
        }
        # JSON has no infinity; this logit has probability 0 as well.
        given = np.maximum(logits, -3e38).tolist()
        cases.append(
            {"kind": "likely", "logits": given, "settings": settings, "uniform": rng.random()}
        )
    for one, found in zip(cases, ask(*cases), strict=True):
        settings = python_settings(one["settings"], method=Method.SAMPLE)
        wanted = likely(torch.tensor(one["logits"]), settings)
        assert found["probabilities"] == pytest.approx(wanted.tolist(), abs=1e-5), one
        assert found["token"] == draw(wanted, torch.tensor(one["uniform"]).double())


def test_sampled_frequencies_are_the_probabilities_of_the_model():
    draws, source = 4000, [9, 8]
    (found,) = ask(case(0, source, sample=True, nbest=draws, limit=2, seed=1))
    counts = Counter(tuple(one["tokens"]) for one in found["hypotheses"])

    def allowed(past: list[int]) -> np.ndarray:
        shares = MODELS[0].probabilities(source, past).numpy()[[2, 5, 6, 7]]
        return shares / shares.sum()

    first = allowed([BOS])
    expected = {(): first[0]}
    for a, share in zip((5, 6, 7), first[1:], strict=True):
        second = allowed([BOS, a])
        expected[(a,)] = share * second[0]
        expected |= {(a, b): share * p for b, p in zip((5, 6, 7), second[1:], strict=True)}
    chi_square = sum((counts[t] - draws * p) ** 2 / (draws * p) for t, p in expected.items())
    assert chi_square < 32.9  # 99.9 % quantile with 12 degrees of freedom


def test_a_draw_depends_only_on_the_seed_and_its_number():
    common = {"sample": True, "limit": 9, "forced": [6]}
    few, many, again, other = ask(
        case(0, [9, 8], nbest=3, seed=7, **common),
        case(0, [9, 8], nbest=20, seed=7, **common),
        case(0, [9, 8], nbest=20, seed=7, **common),
        case(0, [9, 8], nbest=20, seed=8, **common),
    )
    tokens = [one["tokens"] for one in many["hypotheses"]]
    assert few["hypotheses"] == many["hypotheses"][:3]
    assert many == again
    assert tokens != [one["tokens"] for one in other["hypotheses"]]
    assert len({tuple(one) for one in tokens}) > 5
    assert all(one[0] == 6 for one in tokens)


def test_a_sample_at_a_temperature_near_zero_is_greedy_search():
    common = {"sample": True, "temperature": 1e-4, "limit": 8}
    sources = [[9 + number, 8] for number in range(20)]
    found = ask(
        *(case(0, source, **common) for source in sources),
        *(case(0, source, beam=1, limit=8) for source in sources),
    )
    tokens = [one["hypotheses"][0]["tokens"] for one in found]
    assert tokens[:20] == tokens[20:]


@pytest.mark.parametrize("units", ["chars", "byte_bpe", "words"])
@pytest.mark.parametrize("seen", [None, [*range(0x41, 0x5B), 0xC3, 0xA9, 0xEC]])
@pytest.mark.parametrize("remaining", [0, 2])
def test_the_rules_for_valid_text_are_those_of_python(units, seen, remaining):
    tokenizer = train_tokenizer(units, ["한글 und é 👍 text text"] * 3, vocabulary=300)
    (found,) = ask(
        {"kind": "wellformed", "tokenizer": tokenizer.to_json(), "seen": seen,
         "remaining": remaining}
    )  # fmt: skip
    wanted = WellFormed(
        tokenizer.spellings, None if seen is None else set(seen), first_piece=tokenizer.first_piece
    )
    fits = wanted.needed[: len(NEXT)] <= remaining
    assert found["allowed"] == (wanted.allowed & fits).tolist()
    assert torch.equal(torch.tensor(found["after"])[wanted.allowed], wanted.after[wanted.allowed])
