"""Convert a run to ONNX; see `interop.convert`."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from whyformer.blocks.feedforward import FEEDFORWARDS
from whyformer.blocks.multihead import ATTENTIONS
from whyformer.blocks.normalization import NORMS
from whyformer.blocks.positions import POSITIONS
from whyformer.blocks.residual import WIRINGS
from whyformer.blocks.scaling import SCALINGS
from whyformer.bundle import Bundle
from whyformer.foundation.errors import UsageError
from whyformer.foundation.wording import either
from whyformer.interop.convert import SENTENCES, Converted
from whyformer.interop.convert import convert as convert_with
from whyformer.interop.ctranslate2 import FREE
from whyformer.interop.engine import cores
from whyformer.interop.gate import StepperGenerator
from whyformer.interop.onnx import blocks, session
from whyformer.interop.onnx.graph import Graph, Int8Graph, library
from whyformer.interop.onnx.model import OnnxGPT
from whyformer.interop.onnx.models import graphs
from whyformer.interop.onnx.translator import ONNX, OnnxTranslator
from whyformer.models.gpt import GPT
from whyformer.models.transformer import Transformer

FAMILIES = ("transformer", "gpt")
VARIANTS: dict[str, tuple[Any, Any]] = {
    "attention": (ATTENTIONS, blocks.ATTENTIONS),
    "wiring": (WIRINGS, blocks.WIRINGS),
    "norm": (NORMS, blocks.NORMS),
    "activation": (FEEDFORWARDS, blocks.FEEDFORWARDS),
    "positions": (POSITIONS, blocks.POSITIONS),
    "score_scale": (SCALINGS, blocks.SCALINGS),
}
"""For each setting that names a variant, the registry of its classes, and the classes that can be
exported."""


def convert(
    run: Path,
    *,
    quantization: str = "none",
    attention: bool = False,
    out: Path | None = None,
    pairs: Sequence[tuple[str, str]] | None = None,
    sentences: int = SENTENCES,
    say: Callable[[str], None] = lambda text: None,
) -> Converted:
    """Convert the model of a run to ONNX. The conversion is written to ``out``, by default inside
    the run's directory.

    Args:
        attention: whether the graphs also return attention weights.
        quantization, pairs, sentences, say: see `interop.convert.convert`.
    Raises: see `interop.convert.convert`.
    """
    return convert_with(
        run,
        quantization=quantization,
        out=out,
        pairs=pairs,
        sentences=sentences,
        say=say,
        exporter=OnnxExporter(attention=attention),
    )


class OnnxExporter:
    """Writes models as ONNX graphs; see `interop.convert.Exporter`."""

    engine = ONNX

    def __init__(self, *, attention: bool = False) -> None:
        self.attention = attention

    def version(self) -> str:
        """Return the version of ONNX Runtime, and check that `onnx` is installed, too."""
        library()
        return session.library().__version__

    def check(self, settings: Any) -> None:
        """See `Exporter`."""
        if found := refusals(settings):
            raise UsageError(
                f"This run cannot be converted to ONNX: {'; '.join(found)}. Use it with the torch "
                "engine."
            )

    def write(self, bundle: Bundle, directory: Path, quantization: str) -> int | None:
        """See `Exporter`."""
        assert isinstance(bundle.model, Transformer | GPT)
        kind = Int8Graph if quantization == "int8" else Graph
        for graph in graphs(bundle.model, attention=self.attention, kind=kind):
            graph.save(directory / f"{graph.name}.onnx")
        return bundle.model.settings.longest_target

    def translator(self, directory: Path) -> OnnxTranslator:
        """See `Exporter`."""
        return OnnxTranslator(directory, warn=False)

    def language_model(self, directory: Path) -> StepperGenerator:
        """See `Exporter`."""
        return StepperGenerator(OnnxGPT(directory, cores(), rows=None))


def refusals(settings: Any) -> list[str]:
    """Return the reasons why a model cannot be exported; an empty list if it can."""
    if settings.family not in FAMILIES:
        return [f"`model.family` is {settings.family}, and only {either(FAMILIES)} is supported"]
    found: list[str] = []
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        registry, known = VARIANTS.get(name, ({}, ()))
        if name in (*FREE, "family") or value == field.default or registry.get(value) in known:
            continue
        found.append(f"`model.{name}` is {value}, for which whyformer has no ONNX operators")
    return found
