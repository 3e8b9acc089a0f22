import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from toy_models import WORDS, ToyModel, everything, sources
from whyformer.decoding.hypotheses import Hypothesis
from whyformer.decoding.search import search
from whyformer.decoding.settings import SearchSettings

quick = settings(max_examples=25, deadline=None)
seeds = st.integers(0, 10_000)
alphas = st.sampled_from([0.0, 0.3, 0.6, 1.0, 2.0])


def same(found: list[Hypothesis], wanted: list[Hypothesis]) -> None:
    assert [one.tokens for one in found] == [one.tokens for one in wanted]
    assert [one.finished for one in found] == [one.finished for one in wanted]
    for a, b in zip(found, wanted, strict=True):
        assert a.score == pytest.approx(b.score, abs=1e-5)
        assert a.log_probability == pytest.approx(b.log_probability, abs=1e-5)


@settings(max_examples=12, deadline=None)
@given(seed=seeds, alpha=alphas, eos=st.sampled_from([-2.0, 0.0, 2.0]))
def test_wide_enough_a_beam_search_is_exhaustive(seed: int, alpha: float, eos: float) -> None:
    model = ToyModel(seed, eos=eos)
    ids, real = sources(2, seed)
    wanted = SearchSettings(beam=130, nbest=6, length_penalty=alpha, max_length=4)
    for row, found in enumerate(search(model, ids, real, wanted)):
        source = ids[row][real[row]].tolist()
        same(found, everything(model, source, 4, alpha)[:6])


@quick
@given(seed=seeds, alpha=alphas)
def test_minimum_length_searches_the_rest_exhaustively(seed: int, alpha: float) -> None:
    model = ToyModel(seed, eos=2.0)
    wanted = SearchSettings(beam=130, nbest=3, length_penalty=alpha, max_length=3, min_length=2)
    found = search(model, torch.tensor([[9, 8]]), None, wanted)[0]
    same(found, everything(model, [9, 8], 3, alpha, minimum=2)[:3])


@quick
@given(seed=seeds, beam=st.integers(2, 6), alpha=alphas)
def test_stopping_early_changes_no_result(seed: int, beam: int, alpha: float) -> None:
    # With as many hypotheses wanted as places, a sentence cannot stop before every place is used.
    ids, real = sources(4, seed)
    common = {"beam": beam, "length_penalty": alpha, "max_length": 9}
    stopped = search(ToyModel(seed), ids, real, SearchSettings(**common, nbest=1))
    whole = search(ToyModel(seed), ids, real, SearchSettings(**common, nbest=beam))
    assert [found[0] for found in stopped] == [found[0] for found in whole]


@quick
@given(seed=seeds)
def test_one_beam_is_greedy_search(seed: int) -> None:
    from whyformer.decoding.beam import beam_search
    from whyformer.decoding.greedy import greedy_search
    from whyformer.decoding.queue import Cohort, Queue

    ids, real = sources(5, seed)
    one = SearchSettings(beam=1, no_repeat_ngram=3, min_length=2)
    all_of = Cohort(ids, real, [3, 12, 7, 1, 12], [[], [6], [7, 7, 5], [], [5, 6]])
    greedy = greedy_search(ToyModel(seed), Queue([all_of]), one)
    assert greedy == beam_search(ToyModel(seed), Queue([all_of]), one)


@quick
@given(
    seed=seeds,
    beam=st.sampled_from([1, 2, 4, 6]),
    groups=st.sampled_from([1, 2]),
    order=st.permutations(range(6)),
    cuts=st.sets(st.integers(1, 5)),
    method=st.sampled_from(["beam", "sample"]),
)
def test_a_sentence_does_not_depend_on_its_batch(
    seed: int, beam: int, groups: int, order: list[int], cuts: set[int], method: str
) -> None:
    wanted = SearchSettings(
        method=method,  # pyright: ignore[reportArgumentType]
        beam=beam,
        groups=groups if beam > 1 else 1,
        nbest=1 + (beam > 1),
        max_length_extra=6,
        seed=seed,
    )
    model = ToyModel(seed)
    ids, real = sources(6, seed)
    prefixes = [[], [5], [6, 7], [], [5, 5, 5], []]
    together = search(model, ids, real, wanted, prefixes=prefixes)
    edges = [0, *sorted(cuts), 6]
    for start, stop in itertools.pairwise(edges):
        rows = order[start:stop]
        some = search(
            model,
            ids[rows],
            real[rows],
            wanted,
            prefixes=[prefixes[row] for row in rows],
            indices=rows,
        )
        assert some == [together[row] for row in rows]


@quick
@given(seed=seeds, beam=st.integers(2, 6), groups=st.sampled_from([1, 2]))
def test_hypotheses_are_sorted_and_distinct(seed: int, beam: int, groups: int) -> None:
    beam *= groups
    ids, real = sources(3, seed)
    wanted = SearchSettings(beam=beam, nbest=beam, groups=groups, max_length=8)
    for found in search(ToyModel(seed), ids, real, wanted):
        scores = [one.score for one in found]
        assert scores == sorted(scores, reverse=True)
        assert len({one.tokens for one in found}) == len(found)
        assert groups > 1 or len(found) == beam


@quick
@given(
    seed=seeds,
    beam=st.integers(1, 5),
    minimum=st.integers(0, 4),
    maximum=st.integers(4, 9),
    n=st.integers(0, 3),
    method=st.sampled_from(["beam", "sample"]),
)
def test_lengths_bans_and_prefixes_are_respected(
    seed: int, beam: int, minimum: int, maximum: int, n: int, method: str
) -> None:
    ids, real = sources(3, seed)
    prefixes = [[5, 6], [], [7]]
    wanted = SearchSettings(
        method=method,  # pyright: ignore[reportArgumentType]
        beam=beam,
        nbest=beam,
        min_length=minimum,
        max_length=maximum,
        no_repeat_ngram=n,
    )
    model = ToyModel(seed, eos=1.0)
    for prefix, found in zip(
        prefixes, search(model, ids, real, wanted, prefixes=prefixes), strict=True
    ):
        assert found
        for one in found:
            assert set(one.tokens) <= set(WORDS)
            assert list(one.tokens[: len(prefix)]) == prefix
            assert len(one.tokens) <= maximum
            # Where every continuation is banned, a hypothesis is cut early and says so.
            assert len(one.tokens) >= minimum or (n == 1 and not one.finished)
            if n:
                grams = [one.tokens[k : k + n] for k in range(len(one.tokens) - n + 1)]
                assert len(set(grams)) == len(grams)


def test_log_probability_counts_forced_tokens_and_eos() -> None:
    model = ToyModel(3)
    found = search(
        model, torch.tensor([[9]]), None, SearchSettings(max_length=5), prefixes=[[7, 7]]
    )[0][0]
    past, total = [1], 0.0
    for token in (*found.tokens, *([2] if found.finished else [])):
        total += float(model.probabilities([9], past)[token].log())
        past.append(token)
    assert found.log_probability == pytest.approx(total, abs=1e-5)


def test_finished_sentences_and_hypotheses_leave_the_batch() -> None:
    model = ToyModel(1, eos=1.0)
    ids, real = sources(8, 1)
    search(model, ids, real, SearchSettings(beam=4, nbest=4, max_length=30))
    sentences, beams = zip(*model.rows, strict=True)
    assert model.rows[0] == (8, 1)  # the first step expands one beam
    assert list(sentences) == sorted(sentences, reverse=True)
    assert sentences[-1] < 8
    assert list(beams[1:]) == sorted(beams[1:], reverse=True)
    assert beams[-1] < 4


def test_greedy_rows_leave_the_batch() -> None:
    model = ToyModel(2, eos=1.0)
    ids, real = sources(8, 2)
    found = search(model, ids, real, SearchSettings(beam=1, max_length=30))
    steps = [len(one.tokens) + 1 for (one,) in found]
    wanted = [sum(step > place for step in steps) for place in range(max(steps))]
    assert model.computed == wanted
    assert model.rows[-1][0] < 8  # and what is kept of them goes too, if not at once


def test_of_equal_scores_the_lower_id_comes_first() -> None:
    model = ToyModel(0)
    model.table.zero_()
    found = search(
        model,
        torch.tensor([[9]]),
        None,
        SearchSettings(beam=3, nbest=3, max_length=2, min_length=2),
    )[0]
    assert [one.tokens for one in found] == [(5, 5), (5, 6), (5, 7)]
    assert search(model, torch.tensor([[9]]), None, SearchSettings(beam=1))[0][0].tokens == ()


def test_diverse_groups_differ_and_the_first_is_a_plain_beam() -> None:
    ids, real = sources(6, 5)
    plain = search(ToyModel(5), ids, real, SearchSettings(beam=2, nbest=2, max_length=6))
    none = SearchSettings(beam=4, nbest=4, groups=2, diversity=0.0, max_length=6)
    same_twice = search(ToyModel(5), ids, real, none)
    assert same_twice == plain  # without a penalty both groups find the same
    strong = search(ToyModel(5), ids, real, none.model_copy(update={"diversity": 50.0}))
    for found, beam in zip(strong, plain, strict=True):
        assert len(found) == 4
        assert {one.tokens for one in beam} <= {one.tokens for one in found}


def test_diverse_scores_are_the_models_own() -> None:
    model = ToyModel(6)
    found = search(
        model,
        torch.tensor([[9]]),
        None,
        SearchSettings(beam=4, nbest=4, groups=4, diversity=3.0, max_length=4, length_penalty=0),
    )[0]
    truth = {one.tokens: one.log_probability for one in everything(model, [9], 4, 0.0)}
    assert len(found) == 4
    for one in found:
        assert one.log_probability == pytest.approx(truth[one.tokens], abs=1e-5)


def test_no_sentences_need_no_search() -> None:
    assert search(ToyModel(0), torch.empty(0, 3, dtype=torch.long), None, SearchSettings()) == []


@pytest.mark.parametrize("method", ["beam", "sample"])
@pytest.mark.parametrize("beam", [1, 4])
def test_what_fits_exactly_is_what_a_larger_limit_gives(method: str, beam: int) -> None:
    ids, real = sources(8, 3)
    common = {"method": method, "beam": beam, "top_k": 1 if method == "sample" else None}
    whole = search(ToyModel(3, eos=1.0), ids, real, SearchSettings(**common, max_length=40))
    checked = 0
    for row, (one,) in enumerate(whole):
        if not one.finished or not one.tokens:
            continue
        exact = SearchSettings(**common, max_length=len(one.tokens))
        found = search(ToyModel(3, eos=1.0), ids[row : row + 1], real[row : row + 1], exact)[0]
        assert one in found or beam > 1  # a shorter limit may let another hypothesis win
        short = SearchSettings(**common, max_length=max(len(one.tokens) - 1, 1))
        (cut,) = search(ToyModel(3, eos=1.0), ids[row : row + 1], real[row : row + 1], short)[0]
        if beam == 1 and len(one.tokens) > 1:
            assert not cut.finished
            assert cut.tokens == one.tokens[:-1]
            checked += 1
    assert checked or beam > 1
