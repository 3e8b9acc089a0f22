"""The loop: resumed = uninterrupted bit for bit, micro-batches = one batch, every member runs."""

import itertools
import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.testing import assert_close

import tiny
from whyformer.foundation.errors import BundleError
from whyformer.foundation.integrity import hashes, sealed_text
from whyformer.foundation.randomness import random_state, seed_everything
from whyformer.training.averaging import Averaging
from whyformer.training.checkpoints import (
    FORMAT,
    has_checkpoint,
    load_checkpoint,
    save_checkpoint,
)
from whyformer.training.loop import fit, start
from whyformer.training.optimizers import OPTIMIZERS
from whyformer.training.schedules import SCHEDULES
from whyformer.training.settings import TrainingSettings
from whyformer.training.state import TrainingState

pytestmark = pytest.mark.usefixtures("unchecked")
SMALL = {"encoder_layers": 1, "decoder_layers": 1}
REST = {"updates": 20, "learning_rate": 1e-3, "schedule": "cosine", "warmup": 4}


def run(state: TrainingState, settings: TrainingSettings, count: int, batches=None) -> list[dict]:
    """Train ``count`` updates, remembering a checkpoint for the mean at every fourth."""
    lines = []
    stream = fit(state, batches or tiny.CopyBatches(), settings, d_model=16)
    for report in itertools.islice(stream, count):
        lines.append(report.journal_line())
        if report.step % 4 == 0:
            state.average.add_checkpoint(state.model)
    return lines


def weights(state: TrainingState) -> dict[str, torch.Tensor]:
    averaged = {f"average.{n}": t.clone() for n, t in state.average.weights(state.model).items()}
    return {n: p.detach().clone() for n, p in state.model.named_parameters()} | averaged


DROPPED = {"dropout": 0.3, "attention_dropout": 0.2}


@pytest.mark.parametrize("average", Averaging)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_stopping_and_going_on_changes_no_bit(optimizer, average, tmp_path):
    settings = TrainingSettings(
        **REST, accumulate=2, optimizer=optimizer, average=average, average_last=2, clip=1.0
    )
    seed_everything(5)
    whole = start(tiny.build(5, **DROPPED, **SMALL), settings)
    expected = run(whole, settings, 10)
    end = random_state()

    seed_everything(5)
    first = start(tiny.build(5, **DROPPED, **SMALL), settings)
    lines = run(first, settings, 5)
    save_checkpoint(tmp_path / "checkpoint", first, {"best": 1.5})
    torch.rand(100)  # whatever happens in between

    seed_everything(99)
    second = start(tiny.build(99, **DROPPED, **SMALL), settings)
    assert load_checkpoint(tmp_path / "checkpoint", second) == {"best": 1.5}
    assert (second.step, second.average.steps) == (5, first.average.steps)
    lines += run(second, settings, 5)

    assert json.dumps(lines) == json.dumps(expected)
    mine, theirs = weights(second), weights(whole)
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(mine[name], theirs[name]) for name in mine)
    assert random_state()["bytes"] == end["bytes"]
    assert torch.equal(random_state()["torch"], end["torch"])


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="needs /proc")
@pytest.mark.parametrize("average", Averaging)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_loaded_checkpoint_is_not_kept_open(optimizer, average, tmp_path):
    settings = TrainingSettings(**REST, optimizer=optimizer, average=average, average_last=2)
    first = start(tiny.build(5, **SMALL), settings)
    run(first, settings, 5)
    save_checkpoint(tmp_path / "checkpoint", first, {})
    second = start(tiny.build(5, **SMALL), settings)
    load_checkpoint(tmp_path / "checkpoint", second)
    assert str(tmp_path) not in Path("/proc/self/maps").read_text(encoding="utf-8")


def test_two_micro_batches_are_one_joint_batch():
    parts = [tiny.batch_of([[5, 6, 7, 8], [9]]), tiny.batch_of([[10, 11]])]
    joint = tiny.batch_of([[5, 6, 7, 8], [9], [10, 11]])
    assert parts[0].tokens != parts[1].tokens
    results = []
    for batches, accumulate in ((parts, 2), ([joint], 1)):
        # a large ε makes Adam's first step proportional to the gradient instead of its sign
        settings = TrainingSettings(**{**REST, "updates": 1}, accumulate=accumulate, epsilon=1.0)
        state = start(tiny.build(0, **SMALL), settings)
        (line,) = run(state, settings, 1, tiny.FixedBatches(batches))
        results.append((line, weights(state)))
    (first, mine), (second, theirs) = results
    for key in ("loss", "nll", "gradient_norm", "tokens"):
        assert first[key] == pytest.approx(second[key], rel=1e-5)
    assert_close(mine, theirs, rtol=1e-5, atol=1e-7)


def test_a_report_tells_the_mean_over_real_tokens():
    batch = tiny.copy_batch(3)
    settings = TrainingSettings(**REST)
    model = tiny.build(0, **SMALL)
    with torch.no_grad():
        logits = model(batch.source, batch.source_real, batch.target)
    nll = torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), batch.labels.flatten(), ignore_index=0
    )
    (line,) = run(start(model, settings), settings, 1, tiny.FixedBatches([batch]))
    assert line["nll"] == pytest.approx(nll.item(), rel=1e-5)
    assert line["tokens"] == batch.tokens
    layers = line["layer_gradient_norms"]
    assert set(layers) == {"encoder.embedding", "encoder.layers.0", "decoder.layers.0"}
    assert sum(n**2 for n in layers.values()) ** 0.5 == pytest.approx(
        line["gradient_norm"], rel=1e-5
    )
    assert line["learning_rate"] == pytest.approx(1e-3 / 4)


def test_epochs_follow_each_other_and_the_cursor_stands_behind_the_last_batch():
    settings = TrainingSettings(**REST, accumulate=2)
    state = start(tiny.build(0, **SMALL), settings)
    lines = run(state, settings, 5, tiny.CopyBatches(per_epoch=3))
    assert [line["epoch"] for line in lines] == [0, 1, 1, 2, 3]
    assert (state.step, state.epoch, state.next_batch) == (5, 3, 1)


@dataclass
class Watched(tiny.CopyBatches):
    """Remembers which batches were made."""

    made: list[tuple[int, int]] = field(default_factory=list)

    def batch(self, epoch: int, index: int):
        self.made.append((epoch, index))
        return super().batch(epoch, index)


def test_the_next_update_is_made_before_this_one_is_reported_and_none_after_the_last():
    settings = TrainingSettings(**{**REST, "updates": 3}, accumulate=2)
    batches = Watched(per_epoch=3)
    stream = fit(start(tiny.build(0, **SMALL), settings), batches, settings, d_model=16)
    next(stream)
    assert batches.made == [(0, 0), (0, 1), (0, 2), (1, 0)]
    assert [report.step for report in stream] == [2, 3]
    assert batches.made[4:] == [(1, 1), (1, 2)]


def test_a_run_that_is_done_makes_nothing():
    settings = TrainingSettings(**REST)
    state = start(tiny.build(0, **SMALL), settings)
    state.step = settings.updates
    batches = Watched(per_epoch=3)
    assert list(fit(state, batches, settings, d_model=16)) == []
    assert batches.made == []


def test_clipping_shortens_a_long_gradient_to_the_limit():
    settings = TrainingSettings(**{**REST, "updates": 1}, clip=0.01)
    state = start(tiny.build(0, **SMALL), settings)
    (line,) = run(state, settings, 1)
    assert line["gradient_norm"] > 0.01  # the report tells the length before clipping
    squares = [p.grad.square().sum() for p in state.model.parameters()]
    assert sum(squares).sqrt().item() == pytest.approx(0.01, rel=1e-4)


def test_a_group_may_have_a_warm_up_of_its_own():
    settings = TrainingSettings(
        updates=10, learning_rate=1e-3, schedule="trapezoid", warmup=0, optimizer="sgd"
    )
    model = tiny.build(0, **SMALL)
    late = list(model.decoder.layers.parameters())
    early = [p for p in model.parameters() if all(p is not other for other in late)]
    groups = [
        {"params": early, "ratio": 1.0},
        {"params": late, "ratio": 2.0, "warmup": 4},
    ]
    plain = start(model, settings)
    state = replace(plain, optimizer=torch.optim.SGD(groups, lr=1.0))
    rates = []
    for report in itertools.islice(fit(state, tiny.CopyBatches(), settings, d_model=16), 5):
        rates.append([group["lr"] for group in state.optimizer.param_groups])
        assert report.learning_rate == 1e-3  # the report tells the settings' own rate
    assert rates == [pytest.approx([1e-3, 2e-3 * min(1, step / 4)]) for step in range(1, 6)]


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_schedule_trains(schedule):
    rate = 0.5 if schedule == "noam" else 3e-3
    settings = TrainingSettings(updates=25, learning_rate=rate, schedule=schedule, warmup=5)
    state = start(tiny.build(0, **SMALL), settings)
    batches = tiny.FixedBatches([tiny.copy_batch(1, rows=4)])
    lines = run(state, settings, 25, batches)
    assert lines[-1]["loss"] < 0.9 * lines[0]["loss"]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_every_optimizer_trains_in_every_precision(optimizer, precision):
    settings = TrainingSettings(
        **{**REST, "updates": 40, "learning_rate": 3e-3},
        optimizer=optimizer,
        precision=precision,
        weight_decay=0.01,
        matrix_ratio=3.0,
    )
    seed_everything(0)
    state = start(tiny.build(0, dropout=0.1, **SMALL), settings)
    lines = run(state, settings, 40, tiny.FixedBatches([tiny.copy_batch(1, rows=4)]))
    assert lines[-1]["loss"] < 0.9 * lines[0]["loss"]
    assert all(p.dtype == torch.float32 for p in state.model.parameters())


def test_one_batch_is_learned_by_heart():
    settings = TrainingSettings(
        updates=120, learning_rate=5e-3, schedule="constant", warmup=10, label_smoothing=0
    )
    state = start(tiny.build(0), settings)
    lines = run(state, settings, 120, tiny.FixedBatches([tiny.copy_batch(1, rows=4)]))
    assert lines[-1]["nll"] < 0.05


def saved(directory) -> TrainingState:
    settings = TrainingSettings(**REST, average="ema")
    state = start(tiny.build(0, **SMALL), settings)
    run(state, settings, 1)
    save_checkpoint(directory, state, {})
    return state


def test_a_damaged_checkpoint_is_an_error_in_words(tmp_path):
    assert not has_checkpoint(tmp_path / "checkpoint")
    state = saved(tmp_path / "checkpoint")
    assert has_checkpoint(tmp_path / "checkpoint")
    file = tmp_path / "checkpoint" / "state.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(
        BundleError, match=r"The checkpoint `.*` is damaged \(.*\)\. Copy the run again"
    ):
        load_checkpoint(tmp_path / "checkpoint", state)
    (tmp_path / "checkpoint" / "state.json").write_text("{")
    with pytest.raises(BundleError, match="is damaged"):
        load_checkpoint(tmp_path / "checkpoint", state)
    (tmp_path / "checkpoint" / "state.json").write_text('{"format": 99}')
    saved(tmp_path / "other")
    file.write_bytes((tmp_path / "other" / "state.safetensors").read_bytes())
    with pytest.raises(
        BundleError,
        match=rf"has format 99, and this version of whyformer reads up to {FORMAT}\. Upgrade",
    ):
        load_checkpoint(tmp_path / "checkpoint", state)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"d_ff": 32},
            r"`encoder\.layers\.0\.feedforward\.expand\.weight` should be \(32, 16\), found",
        ),
        ({"encoder_layers": 2}, r"`encoder\.layers\.1\..*` should be .*, found nothing\."),
        ({"activation": "swiglu"}, "does not fit the model: "),
        ({"wiring": "no-norm"}, r"does not fit the model: it holds `.*norm.*`, which the"),
    ],
)
def test_a_checkpoint_of_another_model_is_an_error_in_words(changes, message, tmp_path):
    saved(tmp_path / "checkpoint")
    other = start(tiny.build(0, **{**SMALL, **changes}), TrainingSettings(**REST, average="ema"))
    with pytest.raises(BundleError, match=message):
        load_checkpoint(tmp_path / "checkpoint", other)


def test_a_checkpoint_that_misses_a_part_is_damaged(tmp_path):
    state = saved(tmp_path / "checkpoint")
    file = tmp_path / "checkpoint" / "state.safetensors"
    tensors = {n: t for n, t in load_file(file).items() if not n.startswith("average.")}
    save_file(tensors, file)
    place = file.with_name("state.json")
    meta = json.loads(place.read_text(encoding="utf-8"))
    meta["files"] = hashes(file.parent, [file.name])
    place.write_text(sealed_text(meta), encoding="utf-8")
    with pytest.raises(BundleError, match=r"is damaged \(`ema\..*` is missing\)"):
        load_checkpoint(tmp_path / "checkpoint", state)
