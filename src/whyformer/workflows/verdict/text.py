"""The verdict on a run of the task `language`."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from whyformer.bundle import load_bundle
from whyformer.data.documents import Documents
from whyformer.data.rows import PackedRows, text_batch
from whyformer.evaluation.baselines.kneser_ney import KneserNey
from whyformer.evaluation.interval import Array
from whyformer.evaluation.verdict import Measure, Verdict
from whyformer.foundation.devices import choose_device
from whyformer.foundation.wording import counted
from whyformer.models.build import TextModel
from whyformer.tasks.language import Language
from whyformer.tasks.task import evaluation_mode
from whyformer.text.symbols import PAD
from whyformer.workflows.verdict.effort import answered
from whyformer.workflows.verdict.labels import verdict
from whyformer.workflows.verdict.origin import SELECTED

TOKENS_PER_SECOND = 250_000
"""Tokens that the n-gram model counts per second, on one slow core."""
LETTERS = 1.5
"""If a text has fewer characters per token than this, its tokens are treated as characters."""
ORDERS = {"characters": 7, "pieces": 5}
"""Length of the longest n-grams of the baseline."""

Row = list[tuple[int, int]]
"""The spans (start, end) of the documents of a row."""


def verdict_on_text(task: Language, run: Path, seconds: float) -> Verdict:
    """Score the run and an n-gram model on rows of the held-out text, in bits per character."""
    documents = task.dev
    rows = held_out_rows(task)
    mine = np.array(answered(rows, Nats(run, documents).of_rows, seconds))
    rows = rows[: len(mine)]
    letters = task.train.report.characters / task.train.report.tokens < LETTERS
    order = ORDERS["characters" if letters else "pieces"]
    train = first_documents(task.train, int(seconds * TOKENS_PER_SECOND * 5 / order))
    model = KneserNey(train, vocabulary=len(task.tokenizer), order=order, ends=False)
    nats = -np.concatenate(
        [model.log_probabilities(documents.document(n)) for n in range(len(documents))]
    )
    theirs = np.array([sum(nats[start:end].sum() for start, end in row) for row in rows])
    tokens = np.array([sum(end - start for start, end in row) for row in rows], dtype=float)
    measure = bits_per_character(scale_of(documents))
    tables: list[Array] = [np.stack([one, tokens], 1) for one in (mine, theirs)]
    notes = [SELECTED]
    used = sum(map(len, train))
    if used < len(task.train.ids):
        notes.append(
            f"The baseline uses {counted(used, 'training token')} of "
            f"{len(task.train.ids):,}, to limit its time."
        )
    method = f"Kneser–Ney {order}-grams of the same tokens"
    return verdict(measure, tables, "row", method, notes)


def scale_of(documents: Documents) -> float:
    """Return the factor that turns nats per token of a text into bits per character."""
    report = documents.report
    return report.tokens / report.characters / math.log(2)


def bits_per_character(scale: float) -> Measure:
    """Return the metric of rows, whose statistics are their nats and their tokens."""
    return Measure(
        "bits_per_character",
        "bits per character, lower is better",
        False,
        lambda sums: float(sums[0] / sums[1] * scale),
    )


class Nats:
    """Computes −ln P of rows of text with the saved model of a run."""

    def __init__(self, run: Path, documents: Documents) -> None:
        model = load_bundle(run, device=choose_device()).model
        assert isinstance(model, TextModel)
        self.model, self.documents = model, documents

    def of_rows(self, rows: Sequence[Row]) -> list[float]:
        """Return the sum over the tokens of each row, in nats."""
        ids, device = self.documents.ids, next(self.model.parameters()).device
        found = []
        with evaluation_mode(self.model), torch.inference_mode():
            for row in rows:
                spans = [ids[start:end].astype(np.int64) for start, end in row]
                batch = text_batch([spans], packed=len(spans) > 1).to(device)
                features = self.model.features(batch.target, batch.documents)  # pyright: ignore
                logits = self.model.projection(features[0])
                labels = batch.labels[0]
                nats = F.cross_entropy(logits, labels, ignore_index=PAD, reduction="sum")
                found.append(float(nats))
        return found


def held_out_rows(task: Language, documents: Documents | None = None) -> list[Row]:
    """Return the rows of a text, as validation reads them. Args: documents: None means the held-out
    text of the task."""
    rows = task.validation_rows(documents)
    if isinstance(rows, PackedRows):
        return [row for batch in rows.plan(0) for row in batch]
    return [[row] for batch in rows.plan(0) for row in batch]


def first_documents(documents: Documents, most: int) -> list[Array]:
    """Return the first documents with about ``most`` tokens; the last one may be cut."""
    found = []
    for number in range(len(documents)):
        if most <= 0:
            break
        found.append(documents.document(number)[:most].astype(np.int64))
        most -= len(found[-1])
    return found
