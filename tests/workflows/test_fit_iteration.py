"""Iterate over a training: what is yielded, and how it is left and resumed."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

import whyformer
from toy_runs import SMALL
from whyformer.foundation.errors import ConfigError, DataError
from whyformer.training import loop
from whyformer.training.checkpoints import META
from whyformer.training.journal import read_journal

COMPARED = ("journal.jsonl", "checkpoint/state.safetensors", "model/model.safetensors")
SETTINGS = SMALL | {"model.dropout": 0.2, "training.updates": 6, "validation.every": 3}


def contents(run: Path) -> dict[str, bytes]:
    return {name: (run / name).read_bytes() for name in COMPARED}


def steps(out: Path):
    return whyformer.fit("copy", out=out, overrides=SETTINGS)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("fit") / "whole"
    whyformer.train("copy", out=out, overrides=SETTINGS, quiet=True)
    return out


def test_iterating_is_training(tmp_path: Path, whole: Path) -> None:
    run = steps(tmp_path / "run")
    seen = []
    for step in run:
        seen.append(step)
        torch.rand(3)  # the caller's draws are not the run's
    assert contents(tmp_path / "run") == contents(whole)
    journal = [line for line in read_journal(whole) if "loss" in line]
    assert [(step.step, step.loss) for step in seen] == [(j["step"], j["loss"]) for j in journal]
    assert [step.step for step in seen if step.validation] == [3, 6]
    assert all(step.metric in step.validation for step in seen if step.validation)
    assert {step.planned for step in seen} == {6}
    assert run.outcome is not None
    assert run.outcome.scores["step"] in (3, 6)


class Gone(Exception):
    pass


@pytest.mark.parametrize(
    ("reason", "last"),
    [(None, 2), (Gone, 3), (KeyboardInterrupt, 2)],
    ids=["left", "raised", "ctrl-c"],
)
def test_a_loop_that_is_left_early_resumes_bit_for_bit(
    tmp_path: Path, whole: Path, reason: type[BaseException] | None, last: int
) -> None:
    run = steps(tmp_path / "run")

    def leave_at_the_last() -> None:
        for step in run:
            torch.rand(5)
            if step.step == last and reason:
                raise reason
            if step.step == last:
                break

    if reason:
        with pytest.raises(reason):
            leave_at_the_last()
    else:
        leave_at_the_last()
    assert (tmp_path / "run" / "checkpoint" / META).exists()
    assert run.outcome is None
    assert next(iter(steps(tmp_path / "run"))).step == last + 1
    assert [step.step for step in run] == list(range(last + 2, 7))
    assert contents(tmp_path / "run") == contents(whole)


def test_ctrl_c_during_an_update_ends_the_update_and_then_the_loop(
    tmp_path: Path, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = loop.fit

    def interrupted(*arguments: object, **options: object):
        for report in original(*arguments, **options):  # pyright: ignore
            if report.step == 2:
                signal.raise_signal(signal.SIGINT)
            yield report

    seen = []
    with monkeypatch.context() as patched:
        patched.setattr("whyformer.workflows.train.fit", interrupted)
        with pytest.raises(KeyboardInterrupt):
            seen += [step.step for step in steps(tmp_path / "run")]
    assert [step.step for step in steps(tmp_path / "run")] == [3, 4, 5, 6]
    assert contents(tmp_path / "run") == contents(whole)


@pytest.fixture
def usual_ctrl_c() -> Iterator[None]:
    """Give Ctrl-C its usual effect, which a process in the background does not have."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("usual_ctrl_c")
def test_between_two_updates_ctrl_c_interrupts_the_callers_code(tmp_path: Path) -> None:
    for step in steps(tmp_path / "run"):
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        if step.step == 2:
            break
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_data_that_is_cut_during_training_is_named_before_anything_is_written(
    tmp_path: Path, whole: Path
) -> None:
    run = iter(steps(tmp_path / "run"))
    next(run)
    file = tmp_path / "run" / "corpus-dev" / "source.offsets.bin"
    os.truncate(file, file.stat().st_size - 8)
    with pytest.raises(DataError, match=r"source.offsets.bin` must not change while it is in use"):
        list(run)
    assert not (tmp_path / "run" / "model").exists()
    for _ in steps(tmp_path / "run"):
        pass
    assert contents(tmp_path / "run") == contents(whole)


def test_a_run_without_any_update_may_start_again_with_another_recipe(tmp_path, whole):
    class Failing(Exception):
        pass

    def failing(*_, **__):
        raise Failing

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("whyformer.workflows.train.start", failing)
        with pytest.raises(Failing):
            whyformer.train(
                "copy", out=tmp_path / "run", overrides=SETTINGS | {"model.dropout": 0.3}
            )
    assert (tmp_path / "run" / "run.json").exists()
    whyformer.train("copy", out=tmp_path / "run", overrides=SETTINGS, quiet=True)
    assert contents(tmp_path / "run") == contents(whole)
    with pytest.raises(ConfigError, match="another recipe"):
        whyformer.train("copy", out=tmp_path / "run", overrides=SETTINGS | {"model.dropout": 0.3})
