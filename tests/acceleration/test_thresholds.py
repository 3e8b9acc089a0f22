"""Thresholds: measured, stored for one machine, read again; every choice gives the same result."""

import json
import math
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from whyformer.acceleration import measure_thresholds, processor, threshold_file, thresholds
from whyformer.acceleration.measure_thresholds import Measured, measure, twins_of
from whyformer.acceleration.threshold_file import store_thresholds, thresholds_path
from whyformer.acceleration.thresholds import (
    ATTENTION_KEYS,
    NEVER,
    PRODUCT,
    THRESHOLDS,
    TOP_K_ROWS,
    current,
    defaults,
    forget_stored,
    using,
    using_those_of_machine,
)

THREADS = torch.get_num_threads()


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv(threshold_file.OFF)
    monkeypatch.setattr(threshold_file, "_cache_directory", lambda: tmp_path)
    forget_stored()
    yield
    forget_stored()


def store(threads: int = THREADS, **values: int) -> Path:
    path = store_thresholds(values, threads)
    forget_stored()
    return path


def test_stored_values_are_used_and_others_keep_their_defaults() -> None:
    assert current() == defaults()
    store(top_k_rows=3, of_another_version=7)
    assert TOP_K_ROWS() == 3
    assert current() == defaults() | {"top_k_rows": 3}


@pytest.mark.parametrize(
    ("name", "value"),
    [("ONEDNN_MAX_CPU_ISA", "AVX2"), ("ATEN_CPU_CAPABILITY", "default")],
)
def test_values_apply_only_to_equal_instructions(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    store(top_k_rows=3)
    monkeypatch.setenv(name, value)
    forget_stored()
    assert TOP_K_ROWS() == TOP_K_ROWS.default()


def test_values_apply_only_to_an_equal_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    store(top_k_rows=3)
    store(THREADS + 1, top_k_rows=5)
    assert TOP_K_ROWS() == 3
    for target, name, there in (
        (threshold_file, "about_processor", lambda: "model name\t: another one"),
        (threshold_file.os, "cpu_count", lambda: 77),
        (torch, "__version__", "99.0"),
        (torch.backends.cpu, "get_cpu_capability", lambda: "NONE"),
    ):
        with monkeypatch.context() as elsewhere:
            elsewhere.setattr(target, name, there)
            forget_stored()
            assert TOP_K_ROWS() == TOP_K_ROWS.default(), name
    forget_stored()
    assert TOP_K_ROWS() == 3


def test_a_variable_turns_the_stored_values_off(monkeypatch: pytest.MonkeyPatch) -> None:
    store(top_k_rows=3)
    monkeypatch.setenv(threshold_file.OFF, "1")
    assert TOP_K_ROWS() == TOP_K_ROWS.default()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"entries": 3}',
        '{"entries": [3]}',
        '{"entries": [{"thresholds": {"product": 1}}]}',
        '{"entries": [{"machine": {}, "thresholds": {"product": -1}}]}',
        '{"entries": [{"machine": {}, "thresholds": {"product": true}}]}',
        '{"entries": [{"machine": {}, "thresholds": {"product": 1e999}}]}',
    ],
)
def test_a_damaged_file_gives_one_sentence_and_the_defaults(
    text: str, caplog: pytest.LogCaptureFixture
) -> None:
    thresholds_path().parent.mkdir(parents=True)
    thresholds_path().write_text(text, encoding="utf-8")
    assert current() == defaults()
    assert TOP_K_ROWS() == TOP_K_ROWS.default()
    (record,) = caplog.records
    assert "is damaged (" in record.message
    assert "doctor --tune" in record.message
    store(top_k_rows=3)
    assert TOP_K_ROWS() == 3


def test_values_of_a_run_replace_those_of_the_machine_and_can_be_left() -> None:
    store(top_k_rows=3)
    with using({"top_k_rows": 5, "of_another_version": 1}):
        assert current() == defaults() | {"top_k_rows": 5}
        with using_those_of_machine():
            assert TOP_K_ROWS() == 3
        assert TOP_K_ROWS() == 5
    assert TOP_K_ROWS() == 3


@pytest.mark.parametrize(
    ("ratios", "value"),
    [
        ([2.0, 2.0, 0.5, 0.5], 128),
        ([2.0, 2.0, 2.0, 2.0], NEVER),
        ([0.5, 0.5, 0.5, 0.5], 8),
        ([2.0, 0.97, 0.98, 0.97], NEVER),  # the difference is small, so the default remains
        ([2.0, 0.8, 1.1, 0.8], 16),
    ],
)
def test_the_value_is_that_with_the_shortest_times(
    monkeypatch: pytest.MonkeyPatch, ratios: list[float], value: int
) -> None:
    monkeypatch.setattr(processor, "onednn_multiplies_faster", lambda: False)
    monkeypatch.setattr(thresholds, "onednn_multiplies_faster", lambda: False)
    ones = [1.0] * 4
    assert Measured(PRODUCT, (8, 16, 128, 256), ones, ratios, ratios).value == value


def test_a_threshold_up_to_which_something_is_faster_is_found_too() -> None:
    ones, sizes = [1.0] * 3, (8, 16, 128)
    assert Measured(ATTENTION_KEYS, sizes, ones, ones, [0.5, 2.0, 2.0]).value == 8
    assert Measured(ATTENTION_KEYS, sizes, ones, ones, [0.5, 0.5, 0.5]).value == 128
    assert Measured(ATTENTION_KEYS, sizes, ones, ones, [2.0, 2.0, 2.0]).value == 0
    assert Measured(ATTENTION_KEYS, (), (), (), ()).value == ATTENTION_KEYS.default()


@pytest.mark.parametrize("name", THRESHOLDS)
def test_both_implementations_give_the_same_result_for_every_size(name: str) -> None:
    torch.manual_seed(1)
    for _, plain, fast in twins_of(name):
        torch.testing.assert_close(_values(fast()), _values(plain()), rtol=1e-3, atol=1e-3)


def _values(found: object) -> list[torch.Tensor]:
    """Return the tensors of a result, without the ids of a top-k, whose ties may differ."""
    if isinstance(found, torch.Tensor):
        return [found]
    assert isinstance(found, tuple | list)
    return [one for one in found if one.is_floating_point()]


def test_every_threshold_is_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure_thresholds, "ROUNDS", 1)
    monkeypatch.setattr(measure_thresholds, "SECONDS", 0.0)
    monkeypatch.setattr(measure_thresholds, "PRODUCTS", ((64, 8, 8), (64, 16, 8)))
    monkeypatch.setattr(measure_thresholds, "WEIGHTS", ((8, 8), (16, 8)))
    monkeypatch.setattr(measure_thresholds, "MODEL_WEIGHTS", 64)
    found = list(measure())
    assert [one.threshold for one in found] == list(THRESHOLDS.values())
    for one in found:
        assert len(one.sizes) == len(one.plain) == len(one.fast) == len(one.ratios)
        assert list(one.sizes) == sorted(set(one.sizes))
        assert all(0 < ratio < math.inf for ratio in one.ratios)


def test_the_file_is_readable_json_with_one_entry_for_each_machine() -> None:
    store(top_k_rows=3)
    store(THREADS + 1, top_k_rows=4)
    path = store(top_k_rows=5)
    entries = json.loads(path.read_text(encoding="utf-8"))["entries"]
    assert [one["thresholds"]["top_k_rows"] for one in entries] == [4, 5]
    assert entries[1]["machine"]["threads"] == THREADS
