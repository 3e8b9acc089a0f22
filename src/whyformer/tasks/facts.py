"""The lines about sentence pairs that a run prints before its first update."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from whyformer.data.filters import CorpusReport
from whyformer.data.plan import padding_share
from whyformer.data.survey.profile import Kind
from whyformer.decoding.expected import Expected
from whyformer.decoding.limits import limit_of
from whyformer.decoding.settings import SearchSettings
from whyformer.foundation.wording import counted
from whyformer.tasks.files_facts import files_facts
from whyformer.tasks.survey_facts import (
    amount_finding,
    held_out_finding,
    pair_findings,
    unknown_finding,
)
from whyformer.tasks.task import Caution, with_end
from whyformer.tasks.training_facts import model_fact, training_fact
from whyformer.tasks.validation_facts import few_fact, overlap_fact

if TYPE_CHECKING:
    from whyformer.data.mixture import MixedCorpus
    from whyformer.recipes.recipe import Recipe
    from whyformer.tasks.pair_data import CorpusBatches, Prepared


def facts_before_training(
    recipe: "Recipe",
    data: "Prepared",
    batches: "CorpusBatches",
    parameters: int,
    device: torch.device,
) -> Iterator[str]:
    """Yield the lines about pairs, tokens, lossless encoding (round trip), batches, model and
    training."""
    corpus, report = data.corpus, data.corpus.report
    dropped = "; ".join(f"{reason}: {what}" for reason, what in report.dropped.items())
    yield from files_facts(data.tables)
    yield with_end(
        f"pairs       {_used(report, None if data.overlap else data.dev_corpus.report)}",
        Caution(f"; dropped {dropped}") if dropped else "",
    )
    if recipe.data.mix:
        yield mixture_fact(recipe.data.mix, data)
    if not recipe.data.builtin:
        yield from amount_finding(Kind.PAIRS, len(corpus), start_from=recipe.start_from)
    yield from pair_findings(recipe.data, corpus)
    yield with_end(
        f"validation  {counted(len(data.dev), 'source')}, {counted(len(data.dev_corpus), 'pair')}",
        overlap_fact(data.overlap, "source", "target"),
    )
    dropped = data.dev_corpus.report.dropped
    if dropped:
        reasons = "; ".join(f"{reason}: {what}" for reason, what in dropped.items())
        yield Caution(f"            validation pairs dropped: {reasons}")
    yield from few_fact(len(data.dev_corpus), "pair", separate=data.overlap is not None)
    if data.overlap is None and not recipe.data.builtin:
        sources = (corpus.texts(number)[0] for number in range(len(corpus)))
        yield from held_out_finding(Kind.PAIRS, (item.source for item in data.dev), sources)
    for name, side, tokenizer in (
        ("source", report.source, data.source_tokenizer),
        ("target", report.target, data.target_tokenizer),
    ):
        unknown = side.unknown / max(1, side.tokens)
        spelled = side.spelled / max(1, side.tokens)
        yield (
            f"{name}      {counted(side.tokens, 'token')} of a vocabulary of {len(tokenizer):,}, "
            f"{side.fertility:.2f} per word, longest {side.longest}, "
            f"<unk> {unknown:.0%}, spelled in bytes {spelled:.2%}"
        )
        yield from unknown_finding(side.unknown, side.tokens, name)
    changed = report.round_trip_failures
    what = changed.of("line") if changed.count else "no line"
    yield f"round trip  encoding and decoding changes {what}"
    plan = batches.plan(0)
    padding = padding_share(plan, corpus.source_lengths, corpus.target_lengths)
    yield (
        f"batches     {len(plan):,} per epoch, each of at most {recipe.training.batch_tokens:,} "
        f"tokens, padding {padding:.1%}"
    )
    shape = recipe.model
    yield model_fact(recipe, parameters, shape.summary, device)
    yield training_fact(
        recipe, shape.dropout, f", label smoothing {recipe.training.label_smoothing:g}"
    )


def mixture_fact(corpora: "Sequence[MixedCorpus]", data: "Prepared") -> str:
    """Return the line about the pairs of each corpus of a mixture, and its fraction of an epoch."""
    sizes = data.corpus.parts
    weights = [one.weight for one in corpora if one.weight is not None] or sizes
    total = sum(weights)
    parts = [
        f"{name} {counted(size, 'pair')} = {weight / total:.0%} of an epoch"
        for name, size, weight in zip(data.names, sizes, weights, strict=False)
    ]
    return f"mixture     {'; '.join(parts)}"


def _used(train: CorpusReport, held_out: CorpusReport | None) -> str:
    """Return, as text, how many of the pairs that were read are used for training and for
    validation.

    Args: held_out: the report on the validation set if it was held out of the training data;
        otherwise None.
    """
    if held_out is None:
        return f"{train.kept:,} for training, of {train.read:,}"
    return (
        f"{train.kept:,} for training and {held_out.kept:,} held out for validation, of "
        f"{train.read + held_out.read:,}"
    )


def limit_fact(
    settings: SearchSettings, data: "Prepared", longest: int | None, expected: Expected
) -> str:
    """Return the line about the maximum output length and the training targets that exceed it."""
    lengths, places = np.unique(data.corpus.source_lengths, return_inverse=True)
    limits = [limit_of(settings, int(length), longest, expected) for length in lengths]
    limit = np.array(limits)[places]
    over = int((data.corpus.target_lengths - 1 > limit).sum())
    most = counted(int(limit.max()), "token")
    stated = f"outputs are limited to {int(limit.min()):,} to {most}, depending on the source"
    if limit.min() == limit.max():
        stated = f"outputs are limited to {most}"
    if not over:
        return f"limit       {stated}; no training target exceeds this"
    advice = " Raise decoding.max_length" if settings.max_length is not None else ""
    return Caution(
        f"limit       {stated}; warning: {counted(over, 'training target')} "
        f"{'exceeds' if over == 1 else 'exceed'} this.{advice}"
    )
