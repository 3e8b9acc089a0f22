"""The decoding part of a benchmark: time engines alternately, and score their translations.

Each engine runs in a separate process, because the thread pools of PyTorch and CTranslate2 would
slow each other down.
"""

import contextlib
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch

from whyformer.bundle import save_bundle
from whyformer.data.lines import read_lines
from whyformer.evaluation.report import evaluate_texts
from whyformer.foundation.errors import DataError
from whyformer.foundation.wording import counted
from whyformer.tasks.translation import Translation
from whyformer.workflows.bench.process import (
    ROUNDS,
    Contender,
    Programs,
    Say,
    contender,
    most_memory,
    spread,
)

SENTENCES = 256
"""Maximum number of sentences for timing."""
BATCH = 64
BEAMS = (1, 5)
BATCHES = 4
"""Minimum number of batches for timing, because CTranslate2 computes several batches in
parallel."""
LEAST_SINGLES = 8
"""Minimum number of single sentences in a round, for a meaningful 95th percentile."""


@dataclass
class Engines:
    """The available engines.

    Args:
        places: the model directory of each engine.
        left_out: for each engine that cannot be used, the reason.
    """

    places: dict[str, Path] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


def sentences_of(task: Translation, source: Path | None) -> list[str]:
    """Return the sentences to decode, longest first, so that batches have little padding."""
    texts = list(read_lines(source)) if source else [item.source for item in task.data.dev]
    texts = [text for text in texts if text.strip()][:SENTENCES]
    if not texts:
        raise DataError(f"`{source or 'the dev set'}` must have a sentence, but all are empty.")
    return sorted(texts, key=len, reverse=True)


def fresh_run(task: Translation, directory: Path) -> Path:
    """Save an untrained model. The model never predicts eos, so all outputs have the maximum
    length."""
    length = int(np.median(task.data.dev_corpus.target_lengths)) - 1
    search = task.recipe.decoding.model_dump(mode="json")
    facts = {"decoding": {**search, "max_length": max(1, length), "min_length": 0}}
    model = task.model(torch.device("cpu")).eval()
    save_bundle(directory / "model", task.bundle(model, facts))
    return directory


def convert_for_engines(
    run: Path,
    programs: Programs,
    scratch: Path,
    source: Path | None,
    references: Sequence[Path],
    say: Say,
) -> Engines:
    """Convert the run for CTranslate2, with the checks of ``whyformer convert``."""
    engines = Engines({"torch": run})
    wanted = {"ctranslate2": "none"}
    if references:
        engines.places["torch-int8"] = run
        wanted["ctranslate2-int8"] = "int8"
    for engine, quantization in wanted.items():
        if find_spec("ctranslate2") is None:
            engines.left_out[engine] = "not installed: pip install ctranslate2"
            continue
        say(f"Converting the run for {engine} …")
        out = scratch / engine
        command = [*programs.whyformer, "convert", str(run), "--out", str(out)]
        command += ["--quantize", quantization, "--sentences", "16"]
        if source and references:
            command += ["--pairs", str(_as_pairs(source, references[0], scratch / "scored.tsv"))]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
        if done.returncode:
            output = done.stderr.strip().splitlines() or ["no output"]
            engines.left_out[engine] = output[-1].removeprefix("whyformer: ")
        else:
            engines.places[engine] = out
    return engines


def _as_pairs(source: Path, references: Path, out: Path) -> Path:
    texts = zip(read_lines(source), read_lines(references), strict=True)
    lines = ["\t".join(text.replace("\t", " ") for text in pair) + "\n" for pair in texts]
    out.write_text("".join(lines), encoding="utf-8", newline="\n")
    return out


def measure_decoding(
    engines: Engines,
    search: dict[str, Any],
    texts: Sequence[str],
    scored: tuple[list[str], list[list[str]]],
    programs: Programs,
    scratch: Path,
    seconds: float,
    others: list[float],
    say: Say,
) -> dict[str, Any]:
    """Time the engines alternately, and score the translations of each engine.

    Args:
        search: search settings of the run.
        scored: sources and references for the scores of every engine.
        others: list that receives, for each turn, the number of cores that other programs used.
    """
    tasks = [(beam, batch) for batch in (1, BATCH) for beam in BEAMS]
    turns: dict[tuple[str, int, int], list[dict[str, Any]]] = {}
    written: dict[str, list[str]] = {}
    with contextlib.ExitStack() as stack:
        contenders = {
            engine: stack.enter_context(
                contender(
                    engine,
                    {
                        "contender": engine.removesuffix("-int8"),
                        "weights": "int8" if engine == "torch-int8" else "float32",
                        "directory": str(directory),
                        "search": search,
                        "sentences": list(texts),
                    },
                    scratch,
                    programs,
                    None,
                )
            )
            for engine, directory in engines.places.items()
        }
        slice_seconds = seconds / (ROUNDS * len(tasks) * len(contenders))
        for beam, batch in tasks:
            say(f"Decoding, {_search(beam)}, batch {batch} …")
            count = _count(contenders, beam, batch, slice_seconds)
            for _ in range(ROUNDS):
                for engine, worker in contenders.items():
                    turn = worker.ask(do="time", beam=beam, batch=batch, count=count)
                    turns.setdefault((engine, beam, batch), []).append(turn)
        if scored[0]:
            say(f"Scoring {counted(len(scored[0]), 'sentence')} …")
            written = {
                e: c.ask(do="write", texts=scored[0])["texts"] for e, c in contenders.items()
            }
    others += [
        turn["cores_used_by_others"]
        for rounds in turns.values()
        for turn in rounds
        if "cores_used_by_others" in turn
    ]
    return {
        "decoding": [
            {"engine": engine, "search": _search(beam), "beam": beam, "batch": batch}
            | decoding_summary(rounds)
            for (engine, beam, batch), rounds in turns.items()
        ],
        "left_out": engines.left_out,
        "quality": _quality(written, scored[1]),
    }


def _search(beam: int) -> str:
    return "greedy" if beam == 1 else f"beam {beam}"


def _count(contenders: Mapping[str, Contender], beam: int, batch: int, seconds: float) -> int:
    """Warm up every engine; return how many sentences the slowest engine translates in
    ``seconds``."""
    least = LEAST_SINGLES if batch == 1 else BATCHES * batch
    for worker in contenders.values():
        worker.ask(do="time", beam=beam, batch=batch, count=2 if batch == 1 else least)
    slowest = max(
        sum(worker.ask(do="time", beam=beam, batch=batch, count=least)["seconds"])
        for worker in contenders.values()
    )
    return least * max(1, int(seconds / slowest))


def decoding_summary(rounds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return latencies and speeds over the rounds."""
    total = [sum(turn["seconds"]) for turn in rounds]
    return {
        "ms_p50": spread([1000 * float(np.percentile(t["seconds"], 50)) for t in rounds]),
        "ms_p95": spread([1000 * float(np.percentile(t["seconds"], 95)) for t in rounds]),
        "tokens_per_second": spread([t["tokens"] / s for t, s in zip(rounds, total, strict=True)]),
        "sentences_per_second": spread(
            [t["sentences"] / s for t, s in zip(rounds, total, strict=True)]
        ),
        "tokens_per_sentence": sum(t["tokens"] for t in rounds)
        / sum(t["sentences"] for t in rounds),
        "sentences": rounds[0]["sentences"],
        "peak_memory_mib": most_memory(rounds),
    }


def _quality(
    written: Mapping[str, list[str]], references: Sequence[Sequence[str]]
) -> dict[str, Any] | None:
    if not written:
        return None
    names = list(written)
    report = evaluate_texts(list(written.values()), references, ["bleu", "chrf"], names=names)
    return {
        name: {score.name: score.to_json() for score in scores}
        for name, scores in report.scores.items()
    }
