"""Convert a finished run to CTranslate2, so that it translates faster on CPUs."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from whyformer.foundation.errors import BundleError
from whyformer.interop.conversion import find_conversion, is_stale, read_record
from whyformer.interop.convert import convert
from whyformer.tasks.task import Task
from whyformer.tasks.translation import Translation
from whyformer.training.journal import read_timings
from whyformer.workflows.verdict.verdict import FAILURES, SHORT_SECONDS

SENTENCES = 40
"""Number of sentences of the parity check at the end of a training, which takes a few seconds."""


def convert_at_the_end(
    task: Task, run: Path, *, say: Callable[[str], None] = lambda text: None
) -> tuple[Path | None, str]:
    """Convert a finished run, or convert it again if its conversion is out of date.

    Args: say: called with a line before and after the conversion.
    Returns: the directory of the up-to-date conversion, or None; and a sentence for the user if
        the conversion failed.
    """
    wanted = task.recipe.training.convert
    if not isinstance(task, Translation) or find_spec("ctranslate2") is None:
        return None, ""
    earlier, quantization = find_conversion(run), "none"
    if earlier is not None:
        try:
            record = read_record(earlier)
            quantization = record.quantization
            if not is_stale(run, record):
                return earlier, ""
        except BundleError as damage:
            say(f"{damage} The conversion is made again.")
    seconds = sum(line["seconds"] for line in read_timings(run))
    if wanted is False or (wanted is None and earlier is None and seconds < SHORT_SECONDS):
        return None, ""
    say("Converting the model to CTranslate2, and comparing their translations.")
    try:
        done = convert(
            run, quantization=quantization, sentences=SENTENCES, beams=quantization != "none"
        )
    except FAILURES as failure:
        return None, f"{str(failure).rstrip('.')}. The torch engine translates instead."
    same = done.parity.greedy_same + done.parity.greedy_ties
    used = "Translations now use CTranslate2"
    if quantization != "none":
        used = f"Translations with --weights {quantization} now use CTranslate2"
    say(
        f"{used}: it gave the same greedy translations of {same} of "
        f"{done.parity.sentences} {done.origin}."
    )
    return done.directory, ""
