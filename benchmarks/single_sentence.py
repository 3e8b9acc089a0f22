"""Measure one sentence at a time: whyformer with a conversion beside CTranslate2's own Python API.

    python benchmarks/single_sentence.py --run runs/mine --input test.en --out single.jsonl

Both compute a greedy search on the same ids, with the same number of cores. CTranslate2 gets ids
and returns ids; whyformer gets text and returns text, so the difference is the time of whyformer's
tokenizers and of its Python code. The contenders alternate within each sentence. Each round is
appended to the file of --out, and a second call continues after the last round. The last line
printed is the ratio: the median over the rounds of the quotient of the medians.
"""

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import ctranslate2

import whyformer
from whyformer.interop.conversion import find_conversion, read_tokenizers
from whyformer.interop.convert import convert
from whyformer.interop.engine import cores

GOAL = 1.1
"""Largest ratio that is acceptable."""
WARM_UP = 10


def contenders(
    run: Path, texts: list[str], limit: int, threads: int
) -> dict[str, list[Callable[[], object]]]:
    """Return, for each contender, one function for each sentence."""
    directory = find_conversion(run) or convert(run).directory
    source, _ = read_tokenizers(directory)
    engine = ctranslate2.Translator(str(directory), intra_threads=threads)
    model = whyformer.load(run, engine="ctranslate2")

    def plain(row: list[str], *, scores: bool) -> Callable[[], object]:
        return lambda: engine.translate_batch(
            [row],
            beam_size=1,
            max_input_length=0,
            max_decoding_length=limit,
            min_decoding_length=0,
            return_scores=scores,
        )

    def ours(text: str) -> Callable[[], object]:
        return lambda: model.translate([text], beam=1, max_length=limit)

    rows = [[*map(str, source.encode(text)), "2"] for text in texts]
    return {
        "ctranslate2": [plain(row, scores=False) for row in rows],
        "ctranslate2 with scores": [plain(row, scores=True) for row in rows],
        "whyformer": [ours(text) for text in texts],
    }


def measure(functions: dict[str, list[Callable[[], object]]]) -> dict[str, float]:
    """Return the median milliseconds of each contender; the contenders alternate."""
    times: dict[str, list[float]] = {name: [] for name in functions}
    for turn, some in enumerate(zip(*functions.values(), strict=True)):
        order = list(zip(functions, some, strict=True))
        for name, call in order[turn % len(order) :] + order[: turn % len(order)]:
            began = time.perf_counter()
            call()
            times[name].append(1000 * (time.perf_counter() - began))
    return {name: statistics.median(values) for name, values in times.items()}


def main() -> int:
    """Measure the missing rounds, and print the medians and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--input", type=Path, required=True, help="one sentence per line")
    parser.add_argument("--out", type=Path, required=True, help="JSON lines, one per round")
    parser.add_argument("--sentences", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--limit", type=int, default=256, help="maximum tokens of an output")
    options = parser.parse_args()
    lines = options.input.read_text(encoding="utf-8").splitlines()
    texts = [line for line in lines if line.strip()][: options.sentences]
    key = {
        "run": str(options.run), "input": str(options.input), "sentences": len(texts),
        "cores": cores(), "machine": platform.processor() or platform.machine(),
        "ctranslate2": ctranslate2.__version__,
    }  # fmt: skip
    known = options.out.read_text(encoding="utf-8").splitlines() if options.out.exists() else []
    rounds = [row for row in map(json.loads, known) if row["key"] == key]
    if len(rounds) < options.rounds:
        functions = contenders(options.run, texts, options.limit, cores())
        for calls in functions.values():
            for call in calls[:WARM_UP]:
                call()
        while len(rounds) < options.rounds:
            rounds.append({"key": key, "ms": measure(functions)})
            with options.out.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(rounds[-1]) + "\n")
    medians = [row["ms"] for row in rounds[: options.rounds]]
    for name in medians[0]:
        values = sorted(row[name] for row in medians)
        print(f"{name:<24} {statistics.median(values):8.3f} ms [{values[0]:.3f}–{values[-1]:.3f}]")
    ratio = statistics.median(row["whyformer"] / row["ctranslate2"] for row in medians)
    print(f"whyformer / ctranslate2  {ratio:8.3f} (goal: at most {GOAL})")
    return 0 if ratio <= GOAL else 1


if __name__ == "__main__":
    raise SystemExit(main())
