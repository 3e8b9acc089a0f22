"""Compare the score after a given time: `whyformer train` and Hugging Face's Marian.

    python benchmarks/time_to_quality.py --task cmudict --minutes 4 --seeds 1 2 3
    python benchmarks/time_to_quality.py --task multi30k --minutes 6 --seeds 1 2 3 --data DIRECTORY

One training runs at a time, on the whole machine or with `--threads`. whyformer's minutes include
validations and checkpoints. Marian's minutes include only updates. See README.md. Run this script
with an interpreter that has whyformer[demo]. Marian runs in ``.benchmarks/peers``.
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

from training_speed import ALLOCATOR, CACHE, HERE, ROOT, fail, peers_python, positive, say

TASKS: dict[str, dict[str, Any]] = {
    "cmudict": {"recipe": "pronounce", "metrics": ["wer", "per"], "beam": 5, "rate": 2e-3},
    "multi30k": {"recipe": "multi30k-en-de", "metrics": ["bleu", "chrf"], "beam": 1, "rate": 3e-3},
}
"""For each task: recipe, metrics, beam of both contenders, and Marian's maximum learning rate.

The rate is the best of those tried (docs/performance.md). For eight minutes of cmudict, the best
rate is 1.5e-3.
"""
WARMUP = 200
"""Warm-up of Marian's learning rate in updates."""


def main() -> None:
    """Measure and print."""
    options = parse_options()
    task = TASKS[options.task]
    work = CACHE / "quality" / options.task
    shutil.rmtree(work / options.label, ignore_errors=True)
    (work / options.label).mkdir(parents=True)
    overrides, test = data_of(options, work / options.label)
    found = []
    for contender in options.contenders:
        for seed in options.seeds:
            say(f"{contender}, seed {seed}, {options.minutes:g} minutes …")
            out = work / options.label / f"{contender}-{seed}"
            run = {"whyformer": by_whyformer, "marian": by_marian}[contender]
            found.append(
                {"contender": contender, "seed": seed}
                | run(options, task, overrides | {"training.seed": seed}, test, out)
            )
            say(json.dumps(found[-1]))
    result = {
        "task": options.task,
        "minutes": options.minutes,
        "threads": options.threads,
        "cores": len(os.sched_getaffinity(0)),
        "rate": options.rate,
        "runs": found,
    }
    print(json.dumps(result, indent=2) if options.json else table(result, task["metrics"]))


def parse_options() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    cores = len(os.sched_getaffinity(0))
    parser.add_argument("--task", choices=TASKS, required=True)
    parser.add_argument("--minutes", type=float, required=True, help="of each training")
    parser.add_argument("--seeds", type=positive, nargs="+", default=[1, 2, 3])
    parser.add_argument(
        "--contenders",
        nargs="+",
        choices=("whyformer", "marian"),
        default=["whyformer", "marian"],
        metavar="NAME",
        help="whyformer, marian or both (default both)",
    )
    parser.add_argument(
        "--rate",
        type=float,
        help="Marian's learning rate (default: the best one known for the task)",
    )
    parser.add_argument("--threads", type=positive, default=cores, help=f"default {cores}: all")
    parser.add_argument(
        "--data",
        type=Path,
        default=ROOT.parent / "shared" / "data" / "multi30k",
        help="for multi30k: directory with train, dev and test_2016_flickr, .en and .de",
    )
    parser.add_argument("--label", default="last", help="name of the directory for the runs")
    parser.add_argument("--json", action="store_true", help="print all measurements as JSON")
    options = parser.parse_args()
    options.rate = options.rate or TASKS[options.task]["rate"]
    return options


def data_of(options: argparse.Namespace, work: Path) -> tuple[dict[str, Any], list[str]]:
    """Return the data settings of a recipe, and the arguments that name the references."""
    if options.task == "cmudict":
        from whyformer.data.catalog import pronunciation_split

        test = pronunciation_split().test
        files = []
        for number in range(
            max(map(len, test.values()))
        ):  # if there are fewer, the last one is repeated
            files.append(work / f"said-{number}.txt")
            said = [all_said[min(number, len(all_said) - 1)] for all_said in test.values()]
            files[-1].write_text("".join(f"{one}\n" for one in said), encoding="utf-8")
        (work / "test.txt").write_text("".join(f"{word}\n" for word in test), encoding="utf-8")
        return {}, ["--references", *map(str, files)]
    source = options.data / "test_2016_flickr.en"
    if not source.is_file():
        fail(f"{source} does not exist. Give the directory of Multi30k with --data.")
    shutil.copy(source, work / "test.txt")
    return (
        {"data.train": [str(options.data / "train")], "data.source": "en", "data.target": "de"},
        ["--references", str(source.with_suffix(".de"))],
    )


def by_whyformer(
    options: argparse.Namespace,
    task: dict[str, Any],
    overrides: dict[str, Any],
    test: list[str],
    out: Path,
) -> dict[str, Any]:
    """Train the built-in recipe. Only minutes and seed are changed."""
    given = [
        word
        for key, value in {**overrides, "training.minutes": options.minutes}.items()
        for word in (f"--{key}", *(value if isinstance(value, list) else [str(value)]))
    ]
    threads = {"OMP_NUM_THREADS": str(options.threads)}
    began = time.perf_counter()
    trained = whyformer(
        "train", task["recipe"], *given, "--out", str(out), "--quiet", "--json", **threads
    )
    seconds = time.perf_counter() - began
    scores = whyformer(
        "evaluate",
        str(out),
        "--source",
        str(out.with_name("test.txt")),
        *test,
        *judged(task),
        "--beam",
        str(task["beam"]),
        "--json",
        **threads,
    )
    parameters = json.loads((out / "run.json").read_text(encoding="utf-8"))["parameters"]
    facts = {"updates": trained["updates"], "parameters": parameters, "command_seconds": seconds}
    return facts | scores_of(scores)


def by_marian(
    options: argparse.Namespace,
    task: dict[str, Any],
    overrides: dict[str, Any],
    test: list[str],
    out: Path,
) -> dict[str, Any]:
    """Train Marian in its environment. Score its output with `whyformer evaluate`."""
    said = out.with_suffix(".txt")
    config = {
        "recipe": task["recipe"],
        "overrides": overrides,
        "cache": str(out.with_name("marian-data")),
        "test": str(out.with_name("test.txt")),
        "out": str(said),
        "minutes": options.minutes,
        "seed": overrides["training.seed"],
        "rate": options.rate,
        "warmup": WARMUP,
        "beam": task["beam"],
        "threads": options.threads,
    }
    threads = str(options.threads)
    began = time.perf_counter()
    with out.with_suffix(".log").open("w") as log:
        done = subprocess.run(
            [peers_python(), HERE / "quality_contender.py", json.dumps(config)],
            check=True,
            stdout=subprocess.PIPE,
            stderr=log,
            env={**os.environ, **ALLOCATOR, "OMP_NUM_THREADS": threads, "HF_HUB_OFFLINE": "1"},
            text=True,
        )
    seconds = time.perf_counter() - began
    scores = whyformer("evaluate", "--hypotheses", str(said), *test, *judged(task), "--json")
    return {**json.loads(done.stdout), "command_seconds": seconds} | scores_of(scores)


def whyformer(*words: str, **environment: str) -> dict[str, Any]:
    """Run a command of whyformer and return its JSON."""
    done = subprocess.run(
        [sys.executable, "-m", "whyformer", *words],
        check=True,
        stdout=subprocess.PIPE,
        env={**os.environ, **environment},
        text=True,
    )
    return json.loads(done.stdout)


def judged(task: dict[str, Any]) -> list[str]:
    """Return the arguments that select the metrics."""
    return ["--metric", ",".join(task["metrics"])]


def scores_of(report: dict[str, Any]) -> dict[str, Any]:
    """Return score and interval of each metric from the report of one system."""
    (scores,) = report["scores"].values()
    return {score["name"]: {key: score[key] for key in ("value", "interval")} for score in scores}


def table(result: dict[str, Any], metrics: list[str]) -> str:
    """Return the results as readable text."""
    lines = [
        f"{result['task']}, {result['minutes']:g} minutes on {result['threads']} of "
        f"{result['cores']} cores; Marian's rate {result['rate']:g}",
        "",
        "| contender | seed | updates | parameters | " + " | ".join(metrics) + " |",
        "| --- " * (4 + len(metrics)) + "|",
    ]
    for run in result["runs"]:
        scores = [
            f"{run[metric]['value']:.2f} [{', '.join(f'{x:.2f}' for x in run[metric]['interval'])}]"
            for metric in metrics
        ]
        cells = [run["contender"], run["seed"], f"{run['updates']:,}", f"{run['parameters']:,}"]
        lines.append("| " + " | ".join(map(str, [*cells, *scores])) + " |")
    for contender in dict.fromkeys(run["contender"] for run in result["runs"]):
        own = [run for run in result["runs"] if run["contender"] == contender]
        for metric in metrics:
            values = [run[metric]["value"] for run in own]
            lines.append(
                f"{contender}: {metric} median {statistics.median(values):.2f}, "
                f"{min(values):.2f}–{max(values):.2f} of {len(values)}"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
