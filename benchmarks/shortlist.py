"""Measure a lexical shortlist: speed and quality with and without it, on the same run.

    whyformer shortlist runs/mine
    python benchmarks/shortlist.py --run runs/mine --source test.en --references test.de

Both translators are loaded in one process and translate the same lines in turns, in rounds A B A B
…; the output shows the median time of the rounds and the median ratio within a round. Quality is
chrF and BLEU with 95 % intervals, and the fraction of lines with the same translation. Measure on
an idle machine; see README.md.
"""

import argparse
import statistics
import time
from pathlib import Path

import torch

import whyformer
from whyformer.bundle import read_outline
from whyformer.evaluation.report import evaluate_texts
from whyformer.workflows.shortlist import read_shortlist

PLAIN, SHORT = "whole vocabulary", "shortlist"


def main() -> None:
    """Measure and print."""
    options = parse_options()
    if options.threads:
        torch.set_num_threads(options.threads)
    sources = options.source.read_text(encoding="utf-8").splitlines()[: options.lines]
    references = options.references.read_text(encoding="utf-8").splitlines()[: options.lines]
    models = {
        PLAIN: whyformer.load(options.run),
        SHORT: whyformer.load(options.run, shortlist=True),
    }
    print_sizes(options.run, sources)
    for beam in options.beams:
        texts = {name: one.translate(sources, beam=beam) for name, one in models.items()}  # warm-up
        seconds: dict[str, list[float]] = {name: [] for name in models}
        for _ in range(options.rounds):
            for name, model in models.items():
                start = time.perf_counter()
                model.translate(sources, beam=beam)
                seconds[name].append(time.perf_counter() - start)
        ratios = [a / b for a, b in zip(seconds[PLAIN], seconds[SHORT], strict=True)]
        same = sum(a == b for a, b in zip(texts[PLAIN], texts[SHORT], strict=True)) / len(sources)
        report = evaluate_texts(
            [texts[PLAIN], texts[SHORT]],
            [[one] for one in references],
            ["chrf", "bleu"],
            names=[PLAIN, SHORT],
        )
        print(f"\nbeam {beam}: {statistics.median(ratios):.2f} times as fast, {same:.1%} equal")
        for name in models:
            scores = ", ".join(map(str, report.scores[name]))
            print(f"  {name:<17} {statistics.median(seconds[name]):8.2f} s   {scores}")


def print_sizes(run: Path, sources: list[str]) -> None:
    """Print how many target tokens the shortlists of the lines have."""
    shortlist = read_shortlist(run)
    tokenizer = read_outline(run).source_tokenizer
    sizes = [
        int(shortlist.allowed(torch.tensor([tokenizer.encode(line)])).sum())
        for line in sources
        if line.strip()
    ]
    mean = statistics.mean(sizes)
    print(f"{len(sources)} lines, {mean:.0f} of {shortlist.vocabulary} target tokens per line")


def parse_options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Measure a lexical shortlist.")
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--source", type=Path, required=True, help="one sentence per line")
    parser.add_argument("--references", type=Path, required=True)
    parser.add_argument("--beams", type=int, nargs="+", default=[1, 5])
    parser.add_argument("--lines", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, help="default: all cores")
    return parser.parse_args()


if __name__ == "__main__":
    main()
