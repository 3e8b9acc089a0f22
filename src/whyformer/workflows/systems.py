"""Load a run, or several as an ensemble, to translate with torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whyformer.bundle import Bundle, load_bundle
from whyformer.decoding.expected import Expected
from whyformer.decoding.packing import pack
from whyformer.decoding.translator import Translator
from whyformer.decoding.weights import Weights
from whyformer.foundation.devices import choose_device
from whyformer.foundation.errors import BundleError, UsageError
from whyformer.foundation.ranks import ALONE, Ranks
from whyformer.models.build import SourceModel, command_for
from whyformer.workflows.shortlist import read_shortlist


@dataclass(frozen=True)
class System:
    """Loaded runs, combined into one translator."""

    translator: Translator
    bundles: list[Bundle]

    @property
    def facts(self) -> dict[str, Any]:
        """The values saved with the first run, such as search settings; see `Bundle.facts`."""
        return self.bundles[0].facts


def load_system(
    runs: Sequence[Path],
    *,
    device: str = "auto",
    warn: bool = True,
    ranks: Ranks = ALONE,
    weights: Weights = Weights.FLOAT32,
    first: Bundle | None = None,
    tag: str | None = None,
    shortlist: bool = False,
) -> System:
    """Load one run, or several as an ensemble.

    Args:
        weights: data type of the weights; int8 needs the CPU.
        warn: log a warning for each line that is too long for the model.
        ranks: the processes that translate together; with device auto, each has a separate device.
        first: the model of the first run, if it is already loaded.
        tag: tag of the sources that do not begin with one; see `Expected.with_tag`.
        shortlist: score only the tokens on the shortlist that `whyformer shortlist` made for the
            first run.
    Raises: BundleError if a run is missing or damaged, or if the tokenizers differ; UsageError for
        int8 on a GPU, and for an unknown tag.
    """
    own = ranks.device if device == "auto" else None
    where = own or choose_device(device)
    if weights is Weights.INT8 and where.type != "cpu":
        raise UsageError("int8 weights need the CPU. Use --device cpu, or leave --weights out.")
    loaded = [] if first is None else [first]
    bundles = loaded + [load_bundle(run, device=where) for run in runs[len(loaded) :]]
    first = bundles[0]
    for run, other in zip(runs[1:], bundles[1:], strict=True):
        for side in ("source", "target"):
            mine = getattr(first, f"{side}_tokenizer").fingerprint
            if mine != getattr(other, f"{side}_tokenizer").fingerprint:
                raise BundleError(
                    f"Runs of an ensemble must share their tokenizers, but the {side} tokenizers "
                    f"of `{runs[0]}` and `{run}` differ. Choose runs trained on the same data "
                    "with the same `text` settings."
                )
    models: list[SourceModel] = []
    for run, bundle in zip(runs, bundles, strict=True):
        if not isinstance(bundle.model, SourceModel):
            raise UsageError(
                f"`{run}` holds a model of kind `{bundle.model.settings.family}`, which does not "
                f"translate. {command_for(bundle.model)}"
            )
        pack(bundle.model, weights)
        models.append(bundle.model)
    translator = Translator(
        models,
        first.source_tokenizer,
        first.target_tokenizer,
        max_source_tokens=min(model.settings.max_length for model in models),
        warn=warn and ranks.first,
        expected=Expected.from_facts(first.facts),
        ranks=ranks,
        shortlist=read_shortlist(runs[0]) if shortlist else None,
    )
    return System(translator.with_tag(tag), bundles)
