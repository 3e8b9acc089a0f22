"""Translate with ONNX Runtime, with the same searches as `Translator`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from whyformer.decoding.expected import Expected
from whyformer.decoding.settings import SearchSettings
from whyformer.decoding.translator import Translator
from whyformer.foundation.errors import UsageError
from whyformer.foundation.ranks import ALONE, Ranks
from whyformer.interop.conversion import read_record, read_tokenizers
from whyformer.interop.engine import cores
from whyformer.interop.gate import scores_of
from whyformer.interop.onnx.model import OnnxTransformer

ONNX = "onnx"
"""Name of the engine, and of the directory inside a run that contains its conversion."""


class OnnxTranslator(Translator):
    """Translates with a conversion to ONNX.

    Args:
        directory: directory of a conversion.
        threads: number of cores; None uses all that are available to this process.
        warn, ranks: see `TextTranslator`.
    Raises: BundleError when the conversion is damaged; MissingExtraError without ONNX Runtime.
    """

    def __init__(
        self,
        directory: Path,
        *,
        threads: int | None = None,
        warn: bool = True,
        ranks: Ranks = ALONE,
    ) -> None:
        self.record = read_record(directory)
        if self.record.family != "transformer":
            raise UsageError(
                f"`{directory}` contains a model of kind `{self.record.family}`, which does not "
                "translate. Use `whyformer generate` with the original run."
            )
        source, target = read_tokenizers(directory)
        model: Any = OnnxTransformer(directory, threads or cores(), self.record.rows)
        super().__init__(
            [model],
            source,
            target,
            max_source_tokens=self.record.max_source_tokens,
            warn=warn,
            expected=Expected.from_facts(self.record.facts),
            ranks=ranks,
        )

    @staticmethod
    def refusal(settings: SearchSettings, prefix: str = "") -> str | None:
        """Return why this engine does not support search settings; None if it supports them."""
        if settings.coverage_penalty > 0:
            return "The onnx engine does not support a coverage penalty"
        return None

    def token_log_probabilities(
        self, sources: Sequence[Sequence[int]], targets: Sequence[Sequence[int]]
    ) -> list[list[float]]:
        """Return the log-probability of each target token; see `gate.ScoringTranslator`."""
        pairs = zip(map(list, sources), map(list, targets), strict=True)
        return scores_of(self, list(pairs))
