"""Two ranks do what one process does: they train, sharded or not, translate, score and refuse.

And when one of them is killed, the other says so, and all go on from the last checkpoint.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cases
import numpy as np
import pytest
import torch
from filelock import FileLock
from safetensors.torch import load_file

from toy_runs import toy_run
from whyformer.foundation.errors import BundleError
from whyformer.foundation.ranks import ALONE
from whyformer.training.checkpoints import whole_tensors
from whyformer.training.journal import read_journal
from whyformer.training.timetable import read_timetable
from whyformer.workflows.runs.diagnosis import diagnose
from whyformer.workflows.runs.run_file import write_run

pytestmark = [
    pytest.mark.usefixtures("unchecked"),
    pytest.mark.skipif(
        not torch.distributed.is_available(), reason="this torch was built without distributed"
    ),
]
CLOSE = {"rtol": 1e-4, "atol": 5e-6}


def environment() -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1", "WHYFORMER_PLAIN_MALLOC": "1"}


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return what one process left, and beside it what two ranks left; made once for all workers
    of pytest-xdist."""
    base = tmp_path_factory.getbasetemp()
    place = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "ranks"
    with FileLock(f"{place}.lock"):
        if not (place / "told.json").exists():
            place.mkdir()
            make(place)
    return place


def make(place: Path) -> None:
    toy_run(place / "toy", seed=3)
    words = np.random.default_rng(0).choice(list("abcdefghij"), (3000, 9))
    lines = [" ".join(row[: 1 + number % 9]) for number, row in enumerate(words)]
    lines[7] = ""
    (place / "lines.txt").write_text("\n".join(lines) + "\n")
    pairs = [f"{line}\t{line}\n" for line in lines[8:500]]
    (place / "pairs.tsv").write_text("".join(pairs))
    for name in cases.cases():
        cases.run_case(name, place / "one" / name, ALONE, "fsdp")
    cases.go_on(place / "one" / "muon", place / "one-after-one", ALONE, "ddp")
    code, _, complained = cases.called(cases.learn(), place / "alone")
    assert code == 0, complained
    done = subprocess.run(
        [
            sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2",
            cases.__file__, str(place),
        ],
        env=environment(), capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Warning" not in done.stderr, done.stderr


@pytest.fixture(scope="module")
def told(out: Path) -> dict[str, Any]:
    """Return what the ranks said."""
    return json.loads((out / "told.json").read_text())


def held(directory: Path) -> dict[str, torch.Tensor]:
    """Return the tensors of a checkpoint but for the random streams."""
    found = whole_tensors(directory)
    return {name: tensor for name, tensor in found.items() if not name.startswith("random.")}


def assert_alike(first: Path, second: Path, *, exactly: bool = False) -> None:
    one, two = held(first), held(second)
    assert one.keys() == two.keys()
    for name, tensor in one.items():
        if exactly:
            assert torch.equal(two[name], tensor), name
        else:
            torch.testing.assert_close(
                two[name], tensor, **CLOSE, msg=lambda m, n=name: f"{n}: {m}"
            )
    losses = [
        json.loads((p / "state.json").read_text())["extra"]["losses"] for p in (first, second)
    ]
    torch.testing.assert_close(losses[0], losses[1], rtol=0 if exactly else 1e-5, atol=0)


@pytest.mark.parametrize("name", cases.cases())
def test_two_sharded_ranks_learn_what_one_process_learns(out: Path, name: str) -> None:
    assert_alike(out / "one" / name, out / "fsdp" / name)


@pytest.mark.parametrize("name", cases.BY_DDP)
def test_two_whole_ranks_learn_what_one_process_learns(out: Path, name: str) -> None:
    assert_alike(out / "one" / name, out / "ddp" / name)


@pytest.mark.parametrize("name", cases.cases())
def test_a_sharded_rank_holds_about_half(told: dict[str, Any], name: str) -> None:
    first, second = told[f"held {name}"]
    model = cases.MODELS[cases.cases()[name][0]]()
    assert first + second == sum(p.numel() for p in model.parameters())
    assert second > 0.4 * first  # odd sizes fall to the first


@pytest.mark.parametrize("former", ["one", "ddp", "fsdp"])
def test_two_sharded_ranks_go_on_from_any_checkpoint(out: Path, former: str) -> None:
    assert_alike(out / "one-after-one", out / f"fsdp-after-{former}")


def test_one_process_goes_on_from_two_sharded_ranks(out: Path, tmp_path: Path) -> None:
    cases.go_on(out / "fsdp" / "muon", tmp_path / "state", ALONE, "fsdp")
    assert_alike(out / "one-after-one", tmp_path / "state")


def test_each_sharded_rank_writes_its_own_part(out: Path) -> None:
    files = [load_file(file) for file in (out / "fsdp" / "muon").glob("*.safetensors")]
    sizes = [sum(t.numel() for n, t in f.items() if not n.startswith("random.")) for f in files]
    assert len(sizes) == 2
    assert sum(sizes) == sum(tensor.numel() for tensor in held(out / "one" / "muon").values())
    assert max(sizes) < 0.6 * sum(sizes)  # odd sizes fall to the first


def test_a_part_that_is_missing_is_an_error_in_words(out: Path, tmp_path: Path) -> None:
    shutil.copytree(out / "fsdp" / "muon", tmp_path / "state")
    name = sorted(file.name for file in (tmp_path / "state").glob("*.safetensors"))[1]
    (tmp_path / "state" / name).unlink()
    with pytest.raises(BundleError, match=rf"is damaged \(`{name}` is missing\)\. Copy the run"):
        cases.go_on(tmp_path / "state", tmp_path / "after", ALONE, "fsdp")


def test_sharded_ranks_resume_bit_for_bit_with_dropout(out: Path) -> None:
    whole, halves = held(out / "dropout" / "whole"), held(out / "dropout" / "halves")
    assert whole.keys() == halves.keys()
    for name, tensor in whole.items():
        assert torch.equal(halves[name], tensor), name
    randomness = [whole_tensors(out / "dropout" / name) for name in ("whole", "halves")]
    for rank in (0, 1):
        assert torch.equal(*(one[f"random.{rank}.torch"] for one in randomness))


@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
def test_all_ranks_name_the_layer_and_the_batch_that_failed(
    told: dict[str, Any], parallel: str
) -> None:
    said = told[f"diverged {parallel}"]
    assert [one[:2] for one in said["layer"]] == 2 * [[cases.OVERFLOWING, "output"]]
    first, second = said["batch"]
    assert first == second
    assert first[0] == "the loss"
    assert first[2] == cases.tiny.CopyBatches().batch(0, 1).labels.tolist()


def test_sharded_ranks_keep_the_diagnosis_of_a_run(out: Path, told: dict[str, Any]) -> None:
    for code, _, complained in told["bad"]:
        assert code == 1
        assert "whyformer: Training stopped before update " in complained
    found = diagnose(out / "two" / "bad").render()
    assert "the weights before it are saved" in found
    state = whole_tensors(out / "two" / "bad" / "diagnosis" / "state")
    whole = whole_tensors(out / "two" / "fsdp" / "checkpoint")
    for name, tensor in whole.items():
        assert state[name].shape == tensor.shape


@pytest.mark.parametrize("name", ["file", "json", "draws"])
def test_ranks_translate_to_the_same_lines(out: Path, told: dict[str, Any], name: str) -> None:
    alone = cases.called(cases.commands(out)[name], out / name)
    assert alone[:2] == (0, "")
    assert [one[:2] for one in told[name]] == 2 * [[0, ""]]
    assert told[name][0][2] == alone[2]
    found = (out / "two" / name).read_text().split("\n")
    wanted = (out / name).read_text().split("\n")
    assert len(found) == len(wanted) == 3000 + 1
    if name != "json":
        assert found == wanted
        return
    pairs = zip(found[:-1], wanted[:-1], strict=True)
    for line, twin in ((json.loads(one), json.loads(two)) for one, two in pairs):
        # On each rank other lines are searched beside it, which may change how sums are rounded.
        scores = [[one["score"] for one in each["hypotheses"]] for each in (line, twin)]
        assert scores[0] == pytest.approx(scores[1], abs=1e-4)
        texts = [[one["text"] for one in each["hypotheses"]] for each in (line, twin)]
        assert texts[0] == texts[1]


@pytest.mark.parametrize("name", ["text", "scores"])
def test_only_the_first_rank_writes_to_standard_output(
    out: Path, told: dict[str, Any], name: str
) -> None:
    alone = cases.called(cases.commands(out)[name], out / name)
    assert alone[0] == 0
    assert alone[1]
    assert told[name] == [list(alone), [0, "", ""]]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("stdin", "Several processes cannot share standard input. Use --input FILE"),
        ("labels", "Several processes can only be used to translate --source or --pairs"),
        ("odd", "`training.accumulate` must be a multiple of the 2 ranks, which share the batches"),
    ],
)
def test_what_ranks_cannot_share_is_refused(told: dict[str, Any], name: str, sentence: str) -> None:
    for code, said, complained in told[name]:
        assert (code, said) == (2, "")
        assert complained.splitlines()[-1].startswith(f"whyformer: {sentence}")


@pytest.mark.parametrize("name", ["ddp", "fsdp"])
def test_ranks_leave_the_run_that_one_process_leaves(
    out: Path, told: dict[str, Any], name: str
) -> None:
    alone, run = out / "alone", out / "two" / name
    (code, said, _), second = told[name]
    assert code == 0
    assert said.startswith(f"{run}: 8 updates; best at update ")
    assert second == [0, "", ""]
    assert json.loads((run / "run.json").read_text())["ranks"] == 2
    for one, two in zip(read_journal(alone), read_journal(run), strict=True):
        assert one.keys() == two.keys()
        if "validation" in one:
            assert one["validation"]["exact"] == two["validation"]["exact"]
            one, two = one["validation"], two["validation"]
        assert two["loss"] == pytest.approx(one["loss"], rel=1e-5)
    bundles = [load_file(one / "model" / "model.safetensors") for one in (alone, run)]
    assert bundles[0].keys() == bundles[1].keys()
    for key, tensor in bundles[0].items():
        torch.testing.assert_close(bundles[1][key], tensor, **CLOSE)


def test_two_ranks_by_minutes_decide_alike(out: Path, told: dict[str, Any]) -> None:
    run = out / "two" / "minutes"
    assert [code for code, _, _ in told["minutes"]] == [0, 0]
    steps = [line["step"] for line in read_journal(run) if "loss" in line]
    timetable = read_timetable(run)
    assert steps == list(range(1, timetable.last.updates + 1))
    state = json.loads((run / "checkpoint" / "state.json").read_text())
    assert state["extra"]["pace"]["decisions"] == len(timetable.decisions)


def test_one_process_goes_on_with_the_run_of_two_sharded_ranks(
    out: Path, told: dict[str, Any], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(out / "two" / "fsdp", run)
    recipe = (run / "recipe.yaml").read_text()
    assert "updates: 8\n" in recipe
    recipe = recipe.replace("updates: 8\n", "updates: 12\n")
    about = json.loads((run / "run.json").read_text())
    assert about["updates"] == 8
    write_run(run, recipe, about | {"updates": 12})  # sealed together
    code, _, complained = cases.called(cases.learn(run, training__updates=12), run)
    assert code == 0, complained
    assert "Resuming after update 8 of 12." in complained
    assert [line["step"] for line in read_journal(run) if "loss" in line] == list(range(1, 13))


def launched(run: Path, said: Path, *options: str) -> subprocess.Popen[bytes]:
    """Start two ranks, whose standard error goes to a file."""
    words = cases.learn(run, **cases.DROPPING)
    with said.open("wb") as stderr:
        return subprocess.Popen(
            [
                sys.executable, "-m", "torch.distributed.run", "--standalone",
                "--nproc-per-node=2", *options, "-m", "whyformer", *words,
            ],
            env=environment(), stdout=subprocess.DEVNULL, stderr=stderr,
        )  # fmt: skip


def step_of(run: Path) -> int:
    """Return the update of the last checkpoint; 0 while there is none."""
    try:
        return json.loads((run / "checkpoint" / "state.json").read_text())["step"]
    except FileNotFoundError:  # or it is being replaced
        return 0


def kill_a_rank(launcher: int, rank: int) -> None:
    """Send SIGKILL to one of the processes that torchrun started."""
    children = (
        Path(f"/proc/{launcher}/task/{launcher}/children").read_text(encoding="utf-8").split()
    )
    for child in map(int, children):
        if f"RANK={rank}\0".encode() in Path(f"/proc/{child}/environ").read_bytes():
            os.kill(child, signal.SIGKILL)
            return
    raise AssertionError(f"no rank {rank} among {children}")


def killed_once(run: Path, said: Path, rank: int, *options: str) -> tuple[int, int]:
    """Start two ranks, kill one after its next checkpoint; return where, and the exit code."""
    before = step_of(run)
    with launched(run, said, *options) as launcher:
        until = time.monotonic() + 120
        while step_of(run) <= before:
            assert launcher.poll() is None, said.read_text(encoding="utf-8")
            assert time.monotonic() < until
            time.sleep(0.01)
        kill_a_rank(launcher.pid, rank)
        return step_of(run), launcher.wait(120)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="ranks are found in /proc")
@pytest.mark.slow
def test_a_killed_rank_ends_the_others_and_all_go_on_bit_for_bit(
    out: Path, told: dict[str, Any], tmp_path: Path
) -> None:
    assert told["dropping"][0][0] == 0
    run, said = tmp_path / "run", tmp_path / "said"
    step, code = killed_once(run, said, 1)
    assert 0 < step < 40
    assert code != 0
    text = said.read_text()
    assert "whyformer: Rank 0 stopped, because another rank ended or no longer responds" in text
    assert "Signal 9 (SIGKILL) received by PID" in text  # torchrun's report of the other
    # Which of the two torchrun names in its log depends on when it looked; its report is sure.
    assert "Traceback" not in text.partition("failed (exitcode: ")[0]
    # The same command goes on, and where torchrun may start ranks again, so does that.
    later, code = killed_once(run, said, 0, "--max-restarts=1")
    assert code == 0, said.read_text()
    assert step < later < 40
    text = said.read_text()
    first, second = (
        int(line.split()[3]) for line in text.splitlines() if line.startswith("Resuming after")
    )
    assert step <= first < later <= second < 40
    whole, ended = (
        load_file(one / "checkpoint" / "state.safetensors")
        for one in (out / "two" / "dropping", run)
    )
    assert whole.keys() == ended.keys()
    for name, tensor in whole.items():
        assert torch.equal(ended[name], tensor), name
    journals = [(one / "journal.jsonl").read_bytes() for one in (out / "two" / "dropping", run)]
    assert journals[0] == journals[1]
