"""Compare decoding speed: all contenders translate the same sentences with one run.

    python benchmarks/decoding_speed.py --run runs/mine --input test.en

Greedy search and beam 5 are measured with 64 sentences at once (target tokens per second) and
single-sentence (milliseconds, p50 and p95). Each contender is a separate process. All processes
stay loaded and compute one at a time, in rounds A B C A B C … See README.md. Run this script with
an interpreter that has whyformer. Hugging Face's models run in ``.benchmarks/peers`` if
`training_speed.py` has created this environment.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from training_speed import CACHE, PAUSE, PEERS, QUIET, busy_seconds, fail, positive, say

HERE = Path(__file__).resolve().parent
CONTENDERS = (
    "whyformer-torch", "whyformer-ctranslate2", "ctranslate2", "ctranslate2-plain", "hugging-face",
    "whyformer-torch-int8", "ctranslate2-wide",
)  # fmt: skip
REFERENCE, ENGINE, API = CONTENDERS[:3]
ON_GPU = (REFERENCE, "hugging-face")
BATCH = 64


def main() -> None:
    """Measure and print."""
    options = parse_options()
    sentences = read_sentences(options.input, options.sentences)
    conversion = CACHE / "conversions" / f"{options.run.resolve().name}-{options.quantize}"
    if any("ctranslate2" in name for name in options.contenders):
        convert(options, conversion)
    config = {
        "run": str(options.run.resolve()),
        "conversion": str(conversion),
        "quantize": options.quantize,
        "threads": options.threads,
        "device": options.device,
        "length_penalty": options.length_penalty,
        "allocator": options.allocator,
        "sentences": sentences,
    }
    tasks = [
        {"beam": beam, "batch": batch, "count": count}
        for batch, count in (
            (options.group, len(sentences)),
            (1, min(options.singles, len(sentences))),
        )
        for beam in options.beams
    ]
    workers = {name: Worker(name, config) for name in options.contenders}
    try:
        found = [measure(workers, task, options.rounds) for task in tasks]
    finally:
        for worker in workers.values():
            worker.stop()
    result = {
        "run": options.run.name,
        "quantize": options.quantize,
        "device": options.device,
        "allocator": options.allocator,
        "threads": options.threads,
        "cores": len(os.sched_getaffinity(0)),
        "sentences": len(sentences),
        "rounds": options.rounds,
        "tasks": [
            {**task, **summary(task, rounds)} for task, rounds in zip(tasks, found, strict=True)
        ],
    }
    print(json.dumps(result, indent=2, ensure_ascii=False) if options.json else table(result))


def parse_options() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    cores = len(os.sched_getaffinity(0))
    parser.add_argument("--run", type=Path, required=True, help="a trained Transformer")
    parser.add_argument("--input", type=Path, required=True, help="sentences, one per line")
    parser.add_argument(
        "--sentences", type=positive, default=512, help="maximum number of sentences (default 512)"
    )
    parser.add_argument(
        "--singles",
        type=positive,
        default=100,
        help="number of sentences for single-sentence decoding (default 100)",
    )
    parser.add_argument(
        "--rounds",
        type=positive,
        default=5,
        help="number of rounds; the median is reported (default 5)",
    )
    parser.add_argument("--beams", type=positive, nargs="+", default=[1, 5])
    parser.add_argument("--length-penalty", type=float, default=0.6)
    parser.add_argument("--quantize", choices=("none", "int8"), default="none")
    parser.add_argument("--threads", type=positive, default=cores, help=f"default {cores}: all")
    parser.add_argument(
        "--device", choices=("cpu", "cuda"), default="cpu",
        help="cuda: whyformer's torch engine and Hugging Face on a GPU",
    )  # fmt: skip
    parser.add_argument(
        "--group", type=positive, default=BATCH, help=f"sentences at once (default {BATCH})"
    )
    parser.add_argument(
        "--allocator", choices=("ours-only", "kept", "default"), default="ours-only",
        help="who keeps large blocks: whyformer (as its command line does), all, or none",
    )  # fmt: skip
    parser.add_argument(
        "--contenders", nargs="+", choices=CONTENDERS, metavar="NAME",
        help=f"of {', '.join(CONTENDERS)}; default: all contenders that the device supports",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print all measurements as JSON")
    options = parser.parse_args()
    there = ON_GPU if options.device == "cuda" else CONTENDERS
    options.contenders = options.contenders or list(there)
    if absent := set(options.contenders) - set(there):
        parser.error(
            f"{', '.join(sorted(absent))}: not supported on a GPU. "
            "Remove from --contenders or use --device cpu."
        )
    if options.device == "cuda" and not shutil.which("nvidia-smi"):
        parser.error("--device cuda: no GPU found (no nvidia-smi). Use --device cpu.")
    return options


def read_sentences(path: Path, count: int) -> list[str]:
    """Return the sentences, longest first, so that groups of them contain little padding."""
    lines = [line for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
    return sorted(lines[:count], key=len, reverse=True)


def convert(options: argparse.Namespace, out: Path) -> None:
    """Convert the run, with the checks of `whyformer convert`."""
    command = ["convert", options.run, "--out", out, "--quantize", options.quantize]
    command += ["--sentences", str(min(50, options.sentences))]
    done = subprocess.run([sys.executable, "-m", "whyformer", *command], stdout=2)
    if done.returncode:
        fail(f"The run could not be converted: {' '.join(map(str, command))}")


class Worker:
    """One contender in a separate process. Its standard error goes to a file."""

    def __init__(self, name: str, config: dict[str, Any]) -> None:
        self.name = name
        self.log = CACHE / "logs" / f"decoding-{name}.log"
        self.log.parent.mkdir(parents=True, exist_ok=True)
        peers = PEERS / "bin" / "python"
        python = peers if name == "hugging-face" and peers.is_file() else sys.executable
        threads = str(config["threads"])
        environment = os.environ | {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [python, HERE / "decoding_contenders.py", name, json.dumps(config)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment | {"HF_HUB_OFFLINE": "1"},
                text=True,
            )
        self._answer()

    def ask(self, **command: Any) -> dict[str, Any]:
        """Send a command and wait for the answer."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def stop(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            fail(f"{self.name} ended: {self.log.read_text()[-2000:]}\nAll of it: {self.log}")
        return json.loads(line)


Round = dict[str, dict[str, Any]]


def measure(workers: dict[str, Worker], task: dict[str, Any], rounds: int) -> list[Round]:
    """Run one task in alternating rounds. The warm-up uses two groups per core."""
    warm = min(task["count"], 2 * len(os.sched_getaffinity(0)) * task["batch"])
    for worker in workers.values():
        worker.ask(**{**task, "count": warm})
    found: list[Round] = []
    for number in range(1, rounds + 1):
        turn: Round = {}
        for name, worker in workers.items():
            time.sleep(PAUSE)
            began, busy = time.perf_counter(), busy_seconds()
            turn[name] = worker.ask(**task)
            elapsed = time.perf_counter() - began
            others = max(0.0, busy_seconds() - busy - turn[name]["cpu_seconds"])
            turn[name]["cores_used_by_others"] = others / elapsed
        say(f"beam {task['beam']}, batch {task['batch']}: round {number} of {rounds}")
        found.append(turn)
    return found


def summary(task: dict[str, Any], rounds: list[Round]) -> dict[str, Any]:
    """Return medians over rounds, ratios within rounds, and the number of equal texts."""
    contenders = {}
    for name in rounds[0]:
        turns = [turn[name] for turn in rounds]
        speeds = [turn["tokens"] / sum(turn["seconds"]) for turn in turns]
        one: dict[str, Any] = {
            "tokens_per_second": statistics.median(speeds),
            "lowest": min(speeds),
            "highest": max(speeds),
            "p50_ms": 1000 * statistics.median(quantile(turn["seconds"], 0.5) for turn in turns),
            "p95_ms": 1000 * statistics.median(quantile(turn["seconds"], 0.95) for turn in turns),
        }
        for other, key in ((API, "time_of_api"), (REFERENCE, "time_of_torch")):
            if other in rounds[0]:
                one[key] = statistics.median(
                    sum(turn[name]["seconds"]) / sum(turn[other]["seconds"]) for turn in rounds
                )
        if REFERENCE in rounds[0]:
            pairs = list(zip(turns[0]["texts"], rounds[0][REFERENCE]["texts"], strict=True))
            one["same_as_torch"] = sum(a == b for a, b in pairs) / len(pairs)
        contenders[name] = one
    others = statistics.mean(
        turn["cores_used_by_others"] for found in rounds for turn in found.values()
    )
    return {"contenders": contenders, "cores_used_by_others": others}


def quantile(values: list[float], share: float) -> float:
    """Return the quantile: the value that ``share`` of the values do not exceed."""
    return sorted(values)[min(len(values) - 1, round(share * (len(values) - 1)))]


def table(result: dict[str, Any]) -> str:
    """Return the results as readable text."""
    lines = [
        f"Decoding with {result['run']} on {result['device']}, {result['threads']} of "
        f"{result['cores']} cores, "
        f"conversion: {result['quantize'].replace('none', 'float32')}, "
        f"allocator {result['allocator']}; medians of "
        f"{result['rounds']} alternating rounds"
    ]
    for task in result["tasks"]:
        search = "greedy" if task["beam"] == 1 else f"beam {task['beam']}"
        single = task["batch"] == 1
        unit = "p50 ms | p95 ms" if single else "tok/s | min–max"
        lines += [
            "",
            f"{search}, {task['count']} sentences, {task['batch']} at once:",
            "",
            f"| contender | {unit} | time / CTranslate2's API | same text as torch |",
            "| --- | ---: | ---: | ---: | ---: |",
        ]
        for name, one in task["contenders"].items():
            speed = (
                f"{one['p50_ms']:.2f} | {one['p95_ms']:.2f}"
                if single
                else f"{one['tokens_per_second']:,.0f} | {one['lowest']:,.0f}–{one['highest']:,.0f}"
            )
            ratio = f"{one['time_of_api']:.3f}" if "time_of_api" in one else "–"
            same = f"{100 * one['same_as_torch']:.1f} %" if "same_as_torch" in one else "–"
            lines.append(f"| {name} | {speed} | {ratio} | {same} |")
    others = statistics.mean(task["cores_used_by_others"] for task in result["tasks"])
    if others > QUIET:
        lines += [
            "",
            f"BUSY MACHINE: other processes used {others:.2f} cores during the "
            "measurement. Do not publish these numbers.",
        ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
