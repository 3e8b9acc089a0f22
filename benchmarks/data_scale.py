"""Measure how the corpus builder and the plan of an epoch scale with the number of pairs.

    python benchmarks/data_scale.py
    python benchmarks/data_scale.py --pairs 10000 100000 1000000 10000000 --workers 1 2

Pairs are generated and streamed (`whyformer.data.made_up`), so ten million pairs need no more
memory than ten thousand. Each size runs in a separate process, so its peak memory is measured
alone. Run this script with an interpreter that has whyformer.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any

from training_speed import QUIET, busy_seconds, positive, say

SEED = 1
TOKENIZER_PAIRS = 20_000
MEASURED = (
    ("build_seconds", "building"),
    ("first_batch_seconds", "first batch"),
    ("resume_seconds", "resuming"),
    ("next_epoch_seconds", "next epoch"),
    ("peak_mib", "peak memory"),
)
"""Measurements for which the growth exponent is reported, and their names."""


def main() -> None:
    """Measure and print."""
    options = parse_options()
    if options.one:
        print(json.dumps(measure(*json.loads(options.one))))
        return
    cases = [(pairs, workers) for workers in options.workers for pairs in options.pairs]
    found = []
    for pairs, workers in cases:
        say(f"{pairs:,} pairs, {workers} process(es) …")
        asked = json.dumps([pairs, workers, options.vocabulary, options.budget_tokens])
        done = subprocess.run(
            [sys.executable, __file__, "--one", asked],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        found.append(json.loads(done.stdout))
    result = {
        "cores": len(os.sched_getaffinity(0)),
        "vocabulary": options.vocabulary,
        "budget_tokens": options.budget_tokens,
        "sizes": found,
        "slopes": {
            str(workers): slopes([one for one in found if one["workers"] == workers])
            for workers in options.workers
        },
    }
    print(json.dumps(result, indent=2) if options.json else table(result))


def parse_options() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument(
        "--pairs", type=positive, nargs="+", default=[10_000, 30_000, 100_000],
        help="sizes (default 10000 30000 100000)",
    )  # fmt: skip
    parser.add_argument("--workers", type=positive, nargs="+", default=[1], help="default 1")
    parser.add_argument("--vocabulary", type=positive, default=8000, help="default 8000")
    parser.add_argument("--budget-tokens", type=positive, default=4096, help="default 4096")
    parser.add_argument("--json", action="store_true", help="print all measurements as JSON")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.pairs, options.workers = sorted(set(options.pairs)), sorted(set(options.workers))
    return options


def measure(pairs: int, workers: int, vocabulary: int, budget_tokens: int) -> dict[str, Any]:
    """Build, open, plan and resume a corpus of one size. Return the measurements.

    `first_batch_seconds` is the time from a built corpus to the first batch of a run: open the
    corpus (which verifies the hash of every file), plan the epoch, make the batch. Resuming at the
    end of an epoch then makes the last batch of that epoch. Its plan is loaded if it was stored.
    The next epoch is planned as in an uninterrupted run.
    """
    from whyformer.data.corpus import build_corpus, open_corpus
    from whyformer.data.made_up import made_up_pairs
    from whyformer.tasks.pair_data import CorpusBatches
    from whyformer.text.tokenizer import train_tokenizer
    from whyformer.workflows.bench.process import peak_mib

    learned = islice(made_up_pairs(pairs, seed=SEED), TOKENIZER_PAIRS)
    texts = (text for pair in learned for text in (pair.source, pair.target))
    tokenizer = train_tokenizer("bpe", texts, vocabulary=vocabulary)
    before, generated = peak_mib(), seconds_of(lambda: exhaust(made_up_pairs(pairs, seed=SEED)))
    with tempfile.TemporaryDirectory() as place:
        directory = Path(place) / "corpus"
        busy, cpu = busy_seconds(), sum(os.times()[:4])
        build = seconds_of(
            lambda: build_corpus(
                made_up_pairs(pairs, seed=SEED), tokenizer, tokenizer, directory, workers=workers
            )
        )
        own = sum(os.times()[:4]) - cpu  # children that have ended count
        others = max(0.0, busy_seconds() - busy - own) / build
        after_build = peak_mib()
        began = time.perf_counter()
        corpus = open_corpus(directory)
        opened = time.perf_counter() - began

        def batches() -> CorpusBatches:
            return CorpusBatches(
                corpus, seed=SEED, budget_tokens=budget_tokens, tokenizers=(tokenizer, tokenizer)
            )

        first = opened + seconds_of(lambda: batches().batch(0, 0))
        last = batches().count(0) - 1

        resumed = batches()
        resuming = seconds_of(lambda: resumed.batch(0, last))
        following = seconds_of(lambda: resumed.batch(1, 0))
        return {
            "pairs": pairs,
            "workers": workers,
            "build_seconds": build,
            "generate_seconds": generated,
            "pairs_per_second": pairs / build,
            "pairs_per_cpu_second": pairs / own,
            "cores_used": own / build,
            "cores_used_by_others": others,
            "disk_mib": sum(file.stat().st_size for file in directory.iterdir()) / 2**20,
            "mib_before": before,
            "mib_after_build": after_build,
            "peak_mib": peak_mib(),
            "open_seconds": opened,
            "first_batch_seconds": first,
            "resume_seconds": resuming,
            "next_epoch_seconds": following,
            "batches": last + 1,
        }


def seconds_of(work) -> float:
    """Return the run time of a function."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def exhaust(items) -> None:
    """Consume an iterable without storing it."""
    for _ in items:
        pass


def slopes(sizes: list[dict[str, Any]]) -> dict[str, float | None]:
    """Return the exponents b of cost = a · pairsᵇ, fitted by least squares on logarithms.

    None for a single size. 1 means linear growth, 0 means no growth.
    """
    if len(sizes) < 2:
        return {name: None for name, _ in MEASURED}
    x = [math.log(one["pairs"]) for one in sizes]
    middle = sum(x) / len(x)
    found: dict[str, float | None] = {}
    for name, _ in MEASURED:
        y = [math.log(one[name]) for one in sizes]
        height = sum(y) / len(y)
        rise = sum((a - middle) * (b - height) for a, b in zip(x, y, strict=True))
        found[name] = rise / sum((a - middle) ** 2 for a in x)
    return found


def table(result: dict[str, Any]) -> str:
    """Return the results as readable text."""
    lines = [
        f"Corpus of generated pairs, BPE {result['vocabulary']}, batches of "
        f"{result['budget_tokens']} tokens, {result['cores']} cores",
        "",
        "| pairs | processes | built per second | built per CPU second | cores used | MiB before | "
        "built | planned | disk MiB | open s | first batch s | resume s | next epoch s |",
        "| ---: " * 13 + "|",
    ]
    for one in result["sizes"]:
        lines.append(
            f"| {one['pairs']:,} | {one['workers']} | {one['pairs_per_second']:,.0f} "
            f"| {one['pairs_per_cpu_second']:,.0f} | {one['cores_used']:.2f} "
            f"| {one['mib_before']:,.0f} | {one['mib_after_build']:,.0f} | {one['peak_mib']:,.0f} "
            f"| {one['disk_mib']:,.1f} | {one['open_seconds']:.3f} "
            f"| {one['first_batch_seconds']:.3f} | {one['resume_seconds']:.3f} "
            f"| {one['next_epoch_seconds']:.3f} |"
        )
    for workers, found in result["slopes"].items():
        if any(value is not None for value in found.values()):
            shown = ", ".join(f"{what} {found[name]:.2f}" for name, what in MEASURED)
            lines += [
                "",
                f"Growth with {workers} process(es), exponent for the number of pairs: {shown}",
            ]
    others = max(one["cores_used_by_others"] for one in result["sizes"])
    if others > QUIET:
        lines += [
            "",
            f"BUSY MACHINE: other processes used {others:.2f} cores during the "
            "measurement. Do not publish these numbers.",
        ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
