"""What to try if a model is not better than its baseline."""

from pathlib import Path

from whyformer.evaluation.baselines.pairs import are_symbols
from whyformer.tasks.task import Task
from whyformer.tasks.translation import Translation
from whyformer.training.journal import read_journal

EARLY, LATE = 0.5, 0.9
"""The best update is early or late if it is below or above this fraction of all updates."""
SEVERAL, FEW_UPDATES = 3, 200
"""A model overfits only if this number of validations after the best one were worse; a run with
fewer updates has not learned enough to tell."""
OF_WORDS = 0.8
"""Sources are words if at least this fraction of them has no space."""
SAMPLE = 500


def advice_for(task: Task, run: Path, best: int) -> tuple[str, ...]:
    """Return sentences with advice. Args: best: the update with the best weights."""
    found = [one for one in (_on_units(task), _on_length(run, best)) if one]
    return ("Try: " + " ".join(found),)


def _on_length(run: Path, best: int) -> str:
    lines = read_journal(run)
    updates = max((line["step"] for line in lines), default=best)
    later = sum(line["step"] > best for line in lines if "validation" in line)
    where = f"The best weights are those of update {best:,} of {updates:,}"
    if best > LATE * updates or updates < FEW_UPDATES:
        return f"{where}: train longer (--training.minutes), as the score may still improve."
    if best < EARLY * updates and later >= SEVERAL:
        return (
            f"{where}, so the model overfits: raise --model.dropout, use a smaller model, or give "
            "more data."
        )
    return f"{where}. Give more data, or change the size of the model (--preset)."


def _on_units(task: Task) -> str:
    """Return advice if words are read in pieces although characters or symbols suit them."""
    if not isinstance(task, Translation):
        return ""
    corpus, text = task.data.corpus, task.recipe.text
    pairs = [corpus.texts(number) for number in range(min(len(corpus), SAMPLE))]
    words = sum(" " not in source for source, _ in pairs) >= OF_WORDS * len(pairs)
    target = "phonemes" if are_symbols([target for _, target in pairs]) else "chars"
    pieces = ("bpe", "byte_bpe", "unigram")
    if not words or not {text.of_source, text.of_target} & set(pieces):
        return ""
    units = f"--text.source-units chars --text.target-units {target}"
    return f"The sources are single words: use {units}."
