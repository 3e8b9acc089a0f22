"""Sentences that begin while others are on their way: each finds what it finds alone."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import tiny
from toy_models import ToyModel, sources
from whyformer.decoding.capacity import SearchCapacity
from whyformer.decoding.ensemble import Ensemble
from whyformer.decoding.hypotheses import Hypothesis
from whyformer.decoding.queue import Cohort, Queue, SupportsJoin
from whyformer.decoding.search import search, search_all
from whyformer.decoding.settings import SearchSettings

pytestmark = pytest.mark.usefixtures("unchecked")
SENTENCES = 7
PREFIXES = [[], [5], [6, 7], [], [5, 5, 5], [], [7]]
cuts = st.sets(st.integers(1, SENTENCES - 1))
capacities = st.builds(
    SearchCapacity, st.sampled_from([None, 1, 8, 20]), st.sampled_from([None, 1, 2, 3, SENTENCES])
)
seeds = st.integers(0, 2**31)
ALL = [*tiny.VARIANTS, *tiny.RECURRENT_VARIANTS, "both"]
CLEAR = [name for name in ALL if name != "wiring=no-skip"]
"""Without skip connections all pasts predict nearly the same, and rounding decides who is first."""


def queue_of(
    ids: torch.Tensor,
    real: torch.Tensor,
    capacity: SearchCapacity,
    cuts: set[int],
    wanted: SearchSettings,
) -> Queue:
    """Let the rows of a batch arrive in parts, each padded to its own longest."""
    arrivals = []
    for first, end in itertools.pairwise([0, *sorted(cuts), len(ids)]):
        some, lengths = real[first:end], real[first:end].sum(-1)
        width = int(lengths.max())
        padded = None if bool(some[:, :width].all()) else some[:, :width]
        limits = [wanted.limit(length) for length in lengths.tolist()]
        arrivals.append(Cohort(ids[first:end, :width], padded, limits, PREFIXES[first:end]))
    return Queue(arrivals, capacity)


@settings(max_examples=60, deadline=None)
@given(
    seed=seeds,
    beam=st.sampled_from([1, 2, 3, 4, 6]),
    groups=st.sampled_from([1, 1, 2]),
    minimum=st.sampled_from([0, 0, 3]),
    n=st.sampled_from([0, 0, 1, 2]),
    eos=st.sampled_from([0.0, 1.0]),
    cuts=cuts,
    capacity=capacities,
)
def test_a_sentence_finds_what_it_finds_alone_whenever_it_begins(
    seed: int,
    beam: int,
    groups: int,
    minimum: int,
    n: int,
    eos: float,
    cuts: set[int],
    capacity: SearchCapacity,
) -> None:
    wanted = SearchSettings(
        beam=beam,
        groups=groups if beam % 2 == 0 else 1,
        nbest=beam,
        max_length_extra=8,
        min_length=minimum,
        no_repeat_ngram=n,
    )
    model = ToyModel(seed, eos=eos)
    ids, real = sources(SENTENCES, seed)
    found = search_all(model, queue_of(ids, real, capacity, cuts, wanted), wanted)
    alone = [
        search(model, ids[row : row + 1], real[row : row + 1], wanted, prefixes=[PREFIXES[row]])[0]
        for row in range(SENTENCES)
    ]
    assert found == alone


def same_words(some: list[list[Hypothesis]], others: list[list[Hypothesis]]) -> None:
    """Compare; scores up to the rounding of sums in batches of another shape."""
    for one, other in zip(some, others, strict=True):
        assert [each.tokens for each in one] == [each.tokens for each in other]
        for each, twin in zip(one, other, strict=True):
            assert each.score == pytest.approx(twin.score, abs=1e-4)


@pytest.mark.parametrize("variant", CLEAR)
@settings(max_examples=3, deadline=None)
@given(seed=seeds, beam=st.sampled_from([1, 3]), cuts=cuts, capacity=capacities)
@torch.no_grad()
def test_every_model_lets_sentences_begin_beside_others(
    variant: str, seed: int, beam: int, cuts: set[int], capacity: SearchCapacity
) -> None:
    both = variant == "both"
    names = ["positions=rotary", "rnn cell=lstm"] if both else [variant]
    models = [tiny.shaken(name) for name in names]
    model = Ensemble(models) if both else models[0]  # pyright: ignore[reportArgumentType]
    assert isinstance(model, SupportsJoin)
    wanted = SearchSettings(beam=beam, nbest=beam, max_length_extra=6)
    ids, real = sources(SENTENCES, seed)
    ids = ids % tiny.VOCABULARY
    found = search_all(model, queue_of(ids, real, capacity, cuts, wanted), wanted)
    limits = [wanted.limit(length) for length in real.sum(-1).tolist()]
    together = Queue([Cohort(ids, real, limits, PREFIXES)])
    same_words(found, search_all(model, together, wanted))


@settings(max_examples=40, deadline=None)
@given(seed=seeds, beam=st.integers(1, 3), size=st.integers(1, SENTENCES), cuts=cuts)
def test_no_more_are_searched_at_once_than_there_is_room_for(
    seed: int, beam: int, size: int, cuts: set[int]
) -> None:
    model, wanted = ToyModel(seed), SearchSettings(beam=beam, max_length=9)
    ids, real = sources(SENTENCES, seed)
    edges = [0, *sorted(cuts), SENTENCES]
    largest = max(b - a for a, b in itertools.pairwise(edges))
    search_all(model, queue_of(ids, real, SearchCapacity(sentences=size), cuts, wanted), wanted)
    assert max(sentences for sentences, _ in model.rows) <= max(size, largest)


def test_whoever_waits_begins_as_soon_as_another_ends() -> None:
    model, wanted = ToyModel(2, eos=1.0), SearchSettings(beam=1, max_length=30)
    ids, real = sources(8, 2)
    lengths = [len(one.tokens) + 1 for (one,) in search(model, ids, real, wanted)]  # and eos
    assert len(set(lengths)) > 3
    model.computed.clear()
    arrivals = [Cohort(ids[row : row + 1], real[row : row + 1], [30]) for row in range(len(ids))]
    search_all(model, Queue(arrivals, SearchCapacity(sentences=2)), wanted)
    places = [0, 0]  # the step in which each place is free
    for length in lengths:
        places.sort()
        places[0] += length
    both = min(places)
    assert model.computed == [2] * both + [1] * (max(places) - both)


def test_capacity_is_counted_in_sentences_and_in_padded_tokens() -> None:
    assert SearchCapacity().holds(10**6, 10**6)
    assert SearchCapacity(sentences=3).holds(3, 10**6)
    assert not SearchCapacity(sentences=3).holds(4, 1)
    assert SearchCapacity(tokens=12).holds(3, 4)
    assert not SearchCapacity(tokens=12).holds(3, 5)


def test_the_longest_on_its_way_counts_for_the_capacity() -> None:
    long = Cohort(torch.full((1, 9), 7), None, [5])
    short = Cohort(torch.full((2, 2), 7), torch.tensor([[True, True], [True, False]]), [5, 5])
    queue = Queue([long, short], SearchCapacity(tokens=18))
    queue.take()
    assert not queue.waits(torch.tensor([0]))  # three of 9 are 27
    assert queue.waits(torch.tensor([], dtype=torch.long))  # alone they may always begin
    roomy = Queue([long, short], SearchCapacity(tokens=27))
    roomy.take()
    assert roomy.waits(torch.tensor([0]))
    assert roomy.take()[1].tolist() == [1, 2]
    assert not roomy.waits(torch.tensor([0, 1, 2]))


def test_an_empty_queue_finds_nothing() -> None:
    for beam in (1, 2):
        assert search_all(ToyModel(0), Queue([]), SearchSettings(beam=beam)) == []
