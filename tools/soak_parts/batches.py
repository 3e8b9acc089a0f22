"""Part `batches`: the answer to a text does not depend on its batch, the threads or the engine.

There are four models: a Transformer for words, one for sentences, a recurrent model and a
classifier. Each answers texts in one order and batch size, then again with a different order,
batch size, number of threads or engine (CTranslate2).
"""

import math
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from soak_parts.forks import in_child, run_command
from soak_parts.tiny_runs import SYLLABLES, word
from soak_parts.verdicts import Tally, Verdict

ROUNDING = 1e-4
"""Hypotheses whose scores differ by less than this are tied and may be exchanged, also at the edge
of the beam (docs/decoding.md). The difference is relative if the score is above 1."""
WORDS = "".join(SYLLABLES)
BLOCK = 250
"""Number of texts per call."""
NAMES = ("words", "sentences", "recurrent", "labels")
_loaded: dict[tuple[str, str], Any] = {}


def set_up(place: Path) -> Path:
    """Train the four models, each in less than a minute, and convert two; return ``place``."""
    data = place / "batches"
    data.mkdir(parents=True, exist_ok=True)
    if not (data / "done").exists():
        _write(data)
        shape = ["--model.d-model", "64", "--model.d-ff", "128", "--model.encoder-layers", "2"]
        trained = [
            "--training.updates",
            "600",
            "--training.warmup",
            "60",
            "--validation.every",
            "300",
        ]
        small = [*trained, "--training.batch-tokens", "1024", "--quiet"]
        words = ["--data", str(data / "words.tsv"), *small]
        _must("train", "pronounce", "--out", data / "words", *words, *shape)
        _must(
            "train", "pronounce-lstm", "--out", data / "recurrent", *words, "--model.d-model", "64"
        )
        _must(
            "train",
            "translate",
            "--out",
            data / "sentences",
            "--data",
            data / "sentences.tsv",
            *small,
            *shape,
            "--validation.metric",
            "chrf",
            "--text.vocabulary",
            "500",
        )
        _must(
            "train",
            "classify",
            "--out",
            data / "labels",
            "--data",
            data / "labels.tsv",
            *small,
            "--model.d-model",
            "64",
            "--model.d-ff",
            "128",
            "--model.layers",
            "2",
            "--text.vocabulary",
            "500",
        )
        for name in ("words", "sentences"):
            _must("convert", data / name, "--sentences", "20")
        (data / "done").write_text("", encoding="utf-8")
    return place


def _must(*argv: object) -> None:
    ending = in_child(run_command, *argv, seconds=600, memory=None)
    if ending.fault or ending.value.code != 0:
        raise RuntimeError(f"{argv}: {ending.fault or ending.value}")


def run(seed: int, first: int, last: int, place: Path) -> Tally:
    """Answer texts ``first`` to ``last`` in two ways; see `Part.run`."""
    ending = in_child(_run, seed, first, last, place / "batches", seconds=3600, memory=None)
    if ending.fault:
        raise RuntimeError(ending.fault)
    return ending.value


def _run(seed: int, first: int, last: int, data: Path) -> Tally:
    tally = Tally()
    for begin in range(first, last, BLOCK):
        block = begin // BLOCK
        rng = random.Random(f"batches/{seed}/{block}")
        name = NAMES[block % len(NAMES)]
        some = texts(name, rng, min(BLOCK, last - begin))
        answer = _classified if name == "labels" else translated
        for place, verdict, gap in answer(name, rng, some, data):
            tally.add(begin + place, verdict)
            if verdict.kind != "tie":
                figure = f"largest difference of a score, {verdict.kind}"
                tally.figures[figure] = max(gap, tally.figures.get(figure, 0.0))
    return tally


def texts(name: str, rng: random.Random, count: int) -> list[str]:
    """Return input texts for a model; most words are not in its training data."""
    if name in ("words", "recurrent"):
        return [_spelling(rng) for _ in range(count)]
    return [" ".join(word(rng) for _ in range(rng.choice((1, 3, 6, 12, 25)))) for _ in range(count)]


def _spelling(rng: random.Random) -> str:
    return "".join(rng.choice(WORDS) for _ in range(rng.choice((1, 2, 4, 6, 9, 14))))


def compare(
    place: int, one: tuple[str, float], other: tuple[str, float], how: str
) -> tuple[int, Verdict, float]:
    """Compare two answers to a text.

    Args: one, other: best hypothesis and its score. how: what differed between the calls.
    Returns: place, verdict and relative difference of the scores.
    """
    gap = abs(one[1] - other[1]) / max(1.0, abs(one[1]))
    if one[0] == other[0]:
        same = gap <= ROUNDING
        return place, Verdict(same, how if same else "score", f"{how}: {one} {other}"), gap
    tie = gap <= ROUNDING
    return place, Verdict(tie, "tie" if tie else "different", f"{how}: {one} {other}"), gap


def translated(
    name: str, rng: random.Random, some: Sequence[str], data: Path
) -> list[tuple[int, Verdict, float]]:
    """Translate texts in two ways and compare the answers."""
    import torch

    from whyformer.decoding.settings import SearchSettings

    how = rng.choice(("order", "batch size", "alone", "threads", "CTranslate2"))
    if how == "CTranslate2" and not (data / name / "ctranslate2").exists():
        how = "order"
    translator = _translator(data / name, "torch")
    beam = 1 if how == "CTranslate2" else rng.choice((1, 4))
    settings = SearchSettings(beam=beam, length_penalty=rng.choice((0.0, 0.6)), max_length=40)
    first = translator.translate(some, settings)
    order = list(range(len(some)))
    options: dict[str, Any] = {}
    if how != "CTranslate2":
        rng.shuffle(order)
    if how == "batch size":
        options = {
            "batch_tokens": rng.choice((30, 100, 1000)),
            "batch_lines": rng.choice((None, 2, 7, 33)),
        }
    elif how == "alone":
        options = {"batch_lines": 1}
    other = _translator(data / name, "ctranslate2") if how == "CTranslate2" else translator
    threads = torch.get_num_threads()
    torch.set_num_threads(2 if how == "threads" else threads)
    try:
        found = other.translate([some[n] for n in order], settings, **options)
    finally:
        torch.set_num_threads(threads)
    second = dict(zip(order, found, strict=True))
    verdicts = [
        compare(n, (one.text, one.score), (second[n].text, second[n].score), how)
        for n, one in enumerate(first)
    ]
    for n, (place, verdict, gap) in enumerate(verdicts):
        if verdict.kind == "different" and closest_places(translator, some[n], settings) < ROUNDING:
            verdicts[n] = place, Verdict(True, "tie", verdict.detail), gap
    return verdicts


def closest_places(translator: Any, text: str, settings: Any) -> float:
    """Return the smallest relative difference between the last candidate inside the beam and the
    first outside it, over all steps of a search. Rounding of this size can exchange the two."""
    from unittest.mock import patch

    from whyformer.decoding import beam

    smallest, places = [math.inf], [0]
    extend, ranked = beam._extend, beam.ranked

    def noting_places(group: Any, *rest: Any) -> Any:
        places[0] = int(group.places.max())
        return extend(group, *rest)

    def noting_differences(scores: Any) -> Any:
        values, order = ranked(scores)
        if 0 < places[0] < values.shape[1]:
            last, next_ = values[0, places[0] - 1 : places[0] + 1].tolist()
            if math.isfinite(next_):
                smallest.append((last - next_) / max(1.0, abs(last)))
        return values, order

    with (
        patch.object(beam, "_extend", noting_places),
        patch.object(beam, "ranked", noting_differences),
    ):
        translator.translate([text], settings)
    return min(smallest)


def _classified(
    name: str, rng: random.Random, some: Sequence[str], data: Path
) -> list[tuple[int, Verdict, float]]:
    labeller = _labeller(data / name)
    pairs = [(text, None) for text in some]
    first = labeller.classify(pairs)
    order = rng.sample(range(len(some)), len(some))
    tokens = rng.choice((40, 100, 500, 4096))
    found = labeller.classify([pairs[n] for n in order], batch_tokens=tokens)
    second = dict(zip(order, found, strict=True))
    return [
        compare(
            n,
            (one.label, one.probabilities[one.label]),
            (second[n].label, second[n].probabilities[second[n].label]),
            "labels",
        )
        for n, one in enumerate(first)
    ]


def _translator(run: Path, engine: str) -> Any:
    key = (str(run), engine)
    if key not in _loaded:
        if engine == "torch":
            from whyformer.workflows.systems import load_system

            _loaded[key] = load_system([run], device="cpu").translator
        else:
            from whyformer.interop.engine import CTranslate2Translator

            _loaded[key] = CTranslate2Translator(run / "ctranslate2")
    return _loaded[key]


def _labeller(run: Path) -> Any:
    key = (str(run), "labels")
    if key not in _loaded:
        from whyformer.workflows.labelling import load_labeller

        _loaded[key] = load_labeller(run, device="cpu")
    return _loaded[key]


def _write(data: Path) -> None:
    """Write the training data: letters to sounds, sentences to reordered sentences, and labels."""
    rng = random.Random("batches")
    words = sorted({_spelling(rng) for _ in range(6000)})
    lines = [f"{one}\t{' '.join(_sounds(one))}" for one in words]
    (data / "words.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    pairs = []
    for _ in range(3000):
        source = [word(rng) for _ in range(rng.randint(1, 12))]
        pairs.append(
            f"{' '.join(source)}\t{' '.join(one[::-1] for one in [source[-1], *source[:-1]])}"
        )
    (data / "sentences.tsv").write_text("\n".join(sorted(set(pairs))) + "\n", encoding="utf-8")
    labelled = [line.split("\t")[0] for line in pairs]
    labels = [f"{text}\t{'abc'[text.count('ba') % 3]}" for text in labelled]
    (data / "labels.tsv").write_text("\n".join(sorted(set(labels))) + "\n", encoding="utf-8")


def _sounds(spelling: str) -> list[str]:
    """Return the sound of each letter, which also depends on the next letter."""
    return [
        (one + after if one in "aeiou" and after in "aeiou" else one).upper()
        for one, after in zip(spelling, spelling[1:] + " ", strict=True)
    ]
