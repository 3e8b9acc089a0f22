"""The demo: train a Transformer to pronounce English, evaluate it, use it, and write a report."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whyformer.bundle import load_bundle
from whyformer.data.catalog import pronunciation_split
from whyformer.decoding.alignment import align
from whyformer.evaluation.accuracy import edit_distance
from whyformer.evaluation.report import evaluate_texts
from whyformer.foundation.files import write_text
from whyformer.recipes.recipe import resolve
from whyformer.viewer.frame import framed
from whyformer.viewer.model import of_bundle
from whyformer.workflows.engines import Engines
from whyformer.workflows.report.page import Mistake, ReportContent, write_report
from whyformer.workflows.train import Outcome, train

TRAINING_SHARE = 0.92
"""Fraction of the total time for training; the rest is for evaluation and the report."""

INVENTED = (
    "whyformer", "attentive", "softmaxer", "tokenly", "embeddish", "gradientine",
    "zorbifying", "quixotron", "blenkship", "thrumbelly", "photonize", "snarkwhistle",
)  # fmt: skip
"""Invented words. The demo prints their predicted pronunciations."""


@dataclass(frozen=True)
class DemoOutcome:
    """The results of the demo and its directory."""

    run: Path
    interrupted: bool
    results: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return all values as JSON."""
        return {"run": str(self.run), "interrupted": self.interrupted, **self.results}


def demo(
    *,
    minutes: float = 6.0,
    out: Path = Path("runs/demo"),
    overwrite: bool = False,
    quiet: bool = False,
) -> DemoOutcome:
    """Train the recipe `pronounce`, evaluate it on held-out words and write ``report.html``.

    Args:
        minutes: total time; most of it is for training and validation.
        overwrite: delete an existing run.
    Raises: MissingExtraError if the pronouncing dictionary is not installed.
    """
    split = pronunciation_split()
    outcome: Outcome = train(
        resolve("pronounce", {"training.minutes": minutes * TRAINING_SHARE}),
        out,
        overwrite=overwrite,
        quiet=quiet,
    )
    if outcome.interrupted:
        return DemoOutcome(out, True, {})
    chosen = Engines([out]).choose({})
    translator, search = chosen.translator, chosen.settings
    words, references = list(split.test), list(split.test.values())
    answers = [t.text for t in translator.translate(words, search)]
    report = evaluate_texts([answers], references, ["per", "wer"], names=["demo"])
    scores = {score.name: score for score in report.scores["demo"]}
    invented = translator.translate(
        list(INVENTED), search.model_copy(update={"nbest": 3, "beam": max(5, search.beam)})
    )
    results: dict[str, Any] = {
        "words": len(words),
        "scores": {name: score.to_json() for name, score in scores.items()},
        "validation": outcome.scores,
        "updates": outcome.updates,
        "verdict": outcome.verdict.to_json() if outcome.verdict else None,
        "pronounced": {
            t.source: [[text, one.log_probability] for text, one in t.hypotheses] for t in invented
        },
        "report": str(out / "report.html"),
    }
    write_text(out / "results.json", json.dumps(results, indent=2, ensure_ascii=False))
    write_text(
        out / "test.tsv",
        "".join(f"{w}\t{one}\n" for w, r in zip(words, references, strict=True) for one in r),
    )
    write_text(
        out / "predictions.tsv",
        "word\tprediction\n" + "".join(f"{w}\t{a}\n" for w, a in zip(words, answers, strict=True)),
    )
    shown = invented[:4]
    bundle = load_bundle(out)
    alignments = align(bundle, [t.source for t in shown], [t.text for t in shown])
    write_report(
        out,
        ReportContent(
            title="A Transformer learns to pronounce English",
            scores=list(scores.values()),
            pronounced=[
                (t.source, [(text, one.log_probability) for text, one in t.hypotheses])
                for t in invented
            ],
            alignments=alignments,
            mistakes=_worst(words, answers, references),
            repeat=f"whyformer demo --minutes {minutes:g} --out {out}",
            metric="per",
            verdict=outcome.verdict.lines() if outcome.verdict else (),
            viewer=framed(
                [of_bundle(bundle, out, name="Pronounce English", examples=INVENTED[:4])]
            ),
        ),
    )
    return DemoOutcome(out, False, results)


def _worst(words: list[str], answers: list[str], references: list[list[str]]) -> list[Mistake]:
    """Return the 20 answers with the highest error rates against their nearest references."""
    found = []
    for word, answer, right in zip(words, answers, references, strict=True):
        distances = [(edit_distance(answer.split(), r.split()), r) for r in right]
        errors, nearest = min(distances)
        if errors:
            found.append(Mistake(word, answer, nearest, errors, errors / len(nearest.split())))
    return sorted(found, key=lambda m: (-m.rate, -m.errors, m.source))[:20]
