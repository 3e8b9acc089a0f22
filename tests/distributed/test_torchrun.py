"""Two ranks under torchrun learn what one process learns, and go on where they stopped."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from whyformer.training.journal import read_journal

pytestmark = pytest.mark.skipif(
    not torch.distributed.is_available(), reason="this torch was built without torch.distributed"
)
TINY = {
    "model.d_model": 16, "model.heads": 2, "model.d_ff": 32, "model.dropout": 0.0,
    "training.updates": 8, "training.batch_tokens": 256, "training.accumulate": 2,
    "validation.every": 4, "validation.sentences": 5,
}  # fmt: skip


def command(out: Path, ranks: int, **changes: object) -> list[str]:
    given = TINY | {key.replace("__", "."): value for key, value in changes.items()}
    options = [word for key, value in given.items() for word in (f"--{key}", str(value))]
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={ranks}"]
    return [
        sys.executable, *(launcher if ranks > 1 else []), "-m", "whyformer", "train", "copy",
        "--out", str(out), "--quiet", *options,
    ]  # fmt: skip


def environment() -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1", "WHYFORMER_PLAIN_MALLOC": "1"}


def train(out: Path, ranks: int, **changes: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(out, ranks, **changes), env=environment(), capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip


def weights(run: Path) -> dict[str, torch.Tensor]:
    state = load_file(run / "checkpoint" / "state.safetensors")
    return {name: tensor for name, tensor in state.items() if name.startswith("model.")}


def losses(run: Path) -> list[float]:
    return [line["loss"] for line in read_journal(run) if "loss" in line]


def test_two_ranks_learn_what_one_learns(tmp_path: Path) -> None:
    for ranks in (1, 2):
        done = train(tmp_path / str(ranks), ranks)
        assert done.returncode == 0, done.stderr
    seen = losses(tmp_path / "1")
    assert len(seen) == TINY["training.updates"]
    torch.testing.assert_close(seen, losses(tmp_path / "2"), rtol=1e-5, atol=0)
    alone, together = weights(tmp_path / "1"), weights(tmp_path / "2")
    for name, tensor in alone.items():
        torch.testing.assert_close(together[name], tensor, rtol=1e-4, atol=1e-6)
    assert json.loads((tmp_path / "2" / "run.json").read_text())["ranks"] == 2


def test_two_ranks_killed_and_started_again_end_where_they_would_have_ended(
    tmp_path: Path,
) -> None:
    dropping = {"model__dropout": 0.1, "training__updates": 40}
    assert train(tmp_path / "whole", 2, **dropping).returncode == 0
    stopped = tmp_path / "stopped"
    running = subprocess.Popen(
        command(stopped, 2, **dropping), env=environment(), stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    until = time.monotonic() + 240
    while not (stopped / "checkpoint" / "state.json").exists() and time.monotonic() < until:
        time.sleep(0.02)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait(30)
    state = json.loads((stopped / "checkpoint" / "state.json").read_text())
    assert 0 < state["step"] < 40, "the run was over before it was killed"
    done = train(stopped, 2, **dropping)
    assert done.returncode == 0, done.stderr
    ended = weights(stopped)
    for name, tensor in weights(tmp_path / "whole").items():
        assert torch.equal(ended[name], tensor), name


def test_a_checkpoint_of_two_ranks_is_gone_on_with_by_one(tmp_path: Path) -> None:
    whole, part = tmp_path / "whole", tmp_path / "part"
    assert train(whole, 1).returncode == 0
    assert train(part, 2, training__updates=4).returncode == 0
    for name in ("recipe.yaml", "run.json"):
        place = part / name
        text = place.read_text().replace("updates: 4\n", "updates: 8\n")
        place.write_text(text.replace('"updates": 4', '"updates": 8'))
    done = train(part, 1)
    assert done.returncode == 0, done.stderr
    assert len(losses(part)) == 8


def test_batches_that_cannot_be_shared_are_refused_in_one_sentence(tmp_path: Path) -> None:
    done = train(tmp_path / "run", 2, training__accumulate=3)
    assert done.returncode != 0
    assert "`training.accumulate` must be a multiple of the 2 ranks" in done.stderr
    assert "Set it to 2." in done.stderr
