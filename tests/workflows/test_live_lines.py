"""Lines that come slowly are answered as they come; nothing is lost, reordered or swallowed."""

import itertools
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toy_runs import toy_run
from whyformer.decoding.text_translator import WINDOW
from whyformer.foundation.errors import BundleError, ConfigError, DataError
from whyformer.workflows.search_settings import search_settings
from whyformer.workflows.systems import load_system
from whyformer.workflows.translate import answers, arrived


@pytest.fixture(scope="module")
def system(tmp_path_factory):
    return load_system([toy_run(tmp_path_factory.mktemp("toy") / "run")])


@given(st.lists(st.text(max_size=3), max_size=40))
def test_all_lines_arrive_in_order(lines):
    windows = list(arrived(iter(lines)))
    assert list(itertools.chain.from_iterable(windows)) == lines
    assert all(windows)


def test_what_has_come_is_given_before_more_comes():
    gate = threading.Event()

    def slow():
        yield "a"
        yield "b"
        assert gate.wait(10)
        yield "c"

    windows = arrived(slow())
    first = next(windows)
    assert first in (["a", "b"], ["a"])
    gate.set()
    assert [*first, *itertools.chain.from_iterable(windows)] == ["a", "b", "c"]


def test_windows_are_bounded():
    windows = list(arrived(iter(["x"] * (2 * WINDOW + 1))))
    assert max(map(len, windows)) <= WINDOW
    assert sum(map(len, windows)) == 2 * WINDOW + 1


def test_an_error_of_the_input_follows_the_lines_before_it():
    def broken():
        yield "a"
        raise DataError("line 2 is broken")

    windows = arrived(broken())
    assert next(windows) == ["a"]
    with pytest.raises(DataError, match="line 2 is broken"):
        next(windows)


@pytest.mark.parametrize("method", ["beam", "sample"])
@pytest.mark.parametrize("prefix", ["", "b"])
def test_live_or_not_the_answers_are_the_same(system, method, prefix):
    lines = ["a b c", "", "e f", "j", "c b a d"] * 3
    settings = search_settings(system.facts, {"method": method})
    live, whole = (
        [t.text for t in answers(system.translator, lines, settings, prefix=prefix, live=live)]
        for live in (True, False)
    )
    assert live == whole
    assert len(live) == len(lines)


def test_given_settings_lie_over_those_of_the_run(system):
    assert search_settings(system.facts, {}).beam == 2
    merged = search_settings(system.facts, {"beam": 4})
    assert (merged.beam, merged.max_length) == (4, 6)
    with pytest.raises(ConfigError, match="`nbest` must not exceed `beam`"):
        search_settings(system.facts, {"nbest": 9, "beam": 4})


def test_an_ensemble_must_share_both_tokenizers(tmp_path):
    one, other = toy_run(tmp_path / "one"), toy_run(tmp_path / "other", shared=False)
    with pytest.raises(BundleError, match="must share their tokenizers, but the target"):
        load_system([one, other])
