"""Estimate memory, communication and computation of a recipe's model on many GPUs."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch

from whyformer.blocks.embeddings import Tying
from whyformer.foundation.config import build, merge
from whyformer.foundation.errors import ConfigError, UsageError
from whyformer.foundation.wording import counted
from whyformer.models.build import build_model
from whyformer.models.flops import FORMULAS, FORWARD_AND_BACKWARD, update_flops
from whyformer.models.gpt import GPTSettings
from whyformer.models.presets import PRESETS
from whyformer.models.transformer import TransformerSettings
from whyformer.recipes.recipe import Recipe, Resolved, nested
from whyformer.training import scaling
from whyformer.training.averaging import Averaging
from whyformer.training.machines import Machine
from whyformer.training.optimizers import is_matrix, moments

PAPER_VOCABULARY = 37_000
"""Size of the paper's shared vocabulary (§5.1), used for presets."""
PAPER_BATCH = 25_000
"""Number of target tokens in a batch of the paper (§5.1)."""
LENGTH = 30
"""Default number of tokens of a source and of a target."""
USABLE = 0.9
"""Fraction of a GPU's memory that a plan uses. CUDA, NCCL and the allocator use the rest."""
DDP, FSDP = "DDP", "FSDP2"


@dataclass(frozen=True)
class Row:
    """The estimates for one number of GPUs and one scheme: bytes and seconds per GPU and update."""

    gpus: int
    scheme: str
    tokens: int
    """Number of target tokens of an update on all GPUs together."""
    sent_bytes: float
    send_seconds: float
    compute_seconds: float
    memory_bytes: float
    fits: bool

    @property
    def exposed(self) -> tuple[float, float]:
        """The share of computation in the time of a step, with full and with no overlap of
        communication."""
        hidden = self.compute_seconds / max(self.compute_seconds, self.send_seconds)
        return hidden, self.compute_seconds / (self.compute_seconds + self.send_seconds)


@dataclass(frozen=True)
class Plan:
    """The estimates, and the values that they were computed from."""

    name: str
    family: str
    summary: str
    machine: Machine
    mfu: float
    length: int
    batch_tokens: int
    vocabulary: int
    optimizer: str
    parameters: int
    unit: int
    """Parameters of the largest part that FSDP2 gathers at once."""
    flops_per_token: float
    state: scaling.State
    activations: float
    recomputed: bool
    """Whether the layers are computed again for the gradients (gradient checkpointing)."""
    rows: list[Row]
    conclusions: list[str]

    def compute_seconds(self, tokens: float) -> float:
        """Return the computation time of a GPU for this number of target tokens, in seconds."""
        return _compute_seconds(self.flops_per_token * tokens, self.mfu, self.machine)

    def to_json(self) -> dict[str, Any]:
        """Return all values as JSON. The fractions in a row are fractions of the time of a step."""
        tree = asdict(self)
        tree["machine"] = self.machine.model_dump()
        tree["state"]["total"] = self.state.total
        for row, found in zip(self.rows, tree["rows"], strict=True):
            found["computing_if_hidden"], found["computing_if_exposed"] = row.exposed
        return tree

    def render(self) -> str:
        """Return a readable report: assumptions, formulas with numbers, a table, conclusions."""
        return "\n".join([*_facts(self), "", *_table(self.rows), "", *self.conclusions])


def plan(
    resolved: Resolved,
    machine: Machine,
    gpus: Sequence[int],
    *,
    mfu: float,
    length: int | None = None,
    vocabulary: int | None = None,
) -> Plan:
    """Compute a plan.

    Args:
        mfu: model FLOPs utilization: fraction of the peak rate, from 0 to 1.
        length: number of tokens of each source and each target; the default is 30. Language
            models use the row length of the recipe instead.
        vocabulary: vocabulary size; the default is the maximum that the recipe allows.
    Raises: UsageError, ConfigError for invalid values or unsupported families.
    """
    if not gpus or min(gpus) < 1:
        raise UsageError(f"`--gpus` must be numbers of at least 1, but is {list(gpus)}.")
    if not 0 < mfu <= 1:
        raise UsageError(
            f"`--mfu` must be above 0 and at most 1, but is {mfu:g}. Use 0.4 for 40 %."
        )
    if length is not None and length < 1:
        raise UsageError(f"`--length` must be at least 1, but is {length}.")
    recipe = resolved.recipe
    shape, size = recipe.model, vocabulary or recipe.text.vocabulary
    if not isinstance(shape, TransformerSettings | GPTSettings):
        raise ConfigError(
            "`whyformer plan` supports the families transformer and gpt, but the family of this "
            f"recipe is {shape.family}. Choose another recipe, or a preset: base or big."
        )
    if isinstance(shape, GPTSettings):
        if length is not None:
            raise UsageError(
                "`--length` has no effect on a language model, because its rows have "
                "`data.row_tokens` tokens. Set --data.row-tokens instead."
            )
        length = recipe.data.row_tokens
    length = length or LENGTH
    batch = recipe.training.batch_tokens
    matrices, others, unit = _sizes(shape, size)
    parameters = matrices + others
    state = scaling.state_bytes(
        matrices,
        others,
        recipe.training.optimizer,
        averaged=recipe.training.average is Averaging.EMA,
    )
    each = np.full(1, length)
    flops = update_flops(shape, size, each, each) / length
    recomputed = recipe.training.gradient_checkpointing
    if recomputed:  # one more forward pass of the layers, without the output projection
        flops += update_flops(shape, 0, each, each) / FORWARD_AND_BACKWARD / length
    activations = _activations(shape, batch, recomputed=recomputed)
    compute = _compute_seconds(flops * batch, mfu, machine)
    usable = USABLE * 1e9 * machine.memory_gb
    rows = []
    for count in sorted(set(gpus)):
        bandwidth = machine.ring_bandwidth(count)
        for scheme, sent, memory in (
            (DDP, scaling.ddp_bytes(parameters, count), scaling.ddp_memory(state, activations)),
            (
                FSDP,
                scaling.fsdp_bytes(parameters, count),
                scaling.fsdp_memory(state, activations, count, unit),
            ),
        ):
            rows.append(
                Row(
                    gpus=count,
                    scheme=scheme,
                    tokens=count * batch,
                    sent_bytes=sent,
                    send_seconds=sent / bandwidth,
                    compute_seconds=compute,
                    memory_bytes=memory,
                    fits=memory <= usable,
                )
            )
    made = Plan(
        name=resolved.name,
        family=shape.family,
        summary=shape.summary,
        machine=machine,
        mfu=mfu,
        length=length,
        batch_tokens=batch,
        vocabulary=size,
        optimizer=recipe.training.optimizer,
        parameters=parameters,
        unit=unit,
        flops_per_token=flops,
        state=state,
        activations=activations,
        recomputed=recomputed,
        rows=rows,
        conclusions=[],
    )
    made.conclusions.extend(_conclusions(made))
    return made


def preset_recipe(name: str, overrides: Mapping[str, Any]) -> Resolved:
    """Return a recipe for a preset with the paper's vocabulary. Args: overrides: by dotted name."""
    shape = PRESETS[name]
    tree = {
        "model": {"family": shape.family} | shape.model_dump(mode="json", exclude_defaults=True),
        "text": {"vocabulary": PAPER_VOCABULARY},
    }
    recipe = build(Recipe, merge(tree, nested(overrides)), where=f"preset {name}")
    return Resolved(recipe, {}, name)


def _optimizer(kind: str) -> str:
    return kind if moments(kind) else f"{kind} (its memory is unknown and not counted)"


def _compute_seconds(flops: float, mfu: float, machine: Machine) -> float:
    return flops / (mfu * 1e12 * machine.peak_tflops)


def _sizes(shape: TransformerSettings | GPTSettings, vocabulary: int) -> tuple[int, int, int]:
    """Return three numbers of parameters: in the matrices of layers, outside these matrices, and in
    the largest part that FSDP2 gathers at once."""
    with torch.device("meta"):
        shared = getattr(shape, "tying", Tying.NONE).of_embeddings
        model = build_model(shape, (vocabulary, vocabulary), shared=shared)
    matrices = others = 0
    units: dict[str, int] = {}
    for name, parameter in model.named_parameters():
        if is_matrix(name, parameter):
            matrices += parameter.numel()
        else:
            others += parameter.numel()
        before, layers, after = f".{name}".partition(".layers.")
        unit = f"{before}{layers}{after.split('.')[0]}" if layers else ""
        units[unit] = units.get(unit, 0) + parameter.numel()
    return matrices, others, max(units.values())


def _activations(
    shape: TransformerSettings | GPTSettings, tokens: int, *, recomputed: bool
) -> float:
    if isinstance(shape, GPTSettings):  # a GPT layer has no cross-attention, like an encoder layer
        layers = {"encoder_layers": shape.layers, "decoder_layers": 0}
    else:
        layers = {
            "encoder_layers": shape.encoder_layers,
            "decoder_layers": shape.decoder_layers,
        }
    return scaling.activation_bytes(
        **layers,
        d_model=shape.d_model,
        d_ff=shape.d_ff,
        source_tokens=tokens,
        target_tokens=tokens,
        key_value_share=shape.key_value_heads / shape.heads,
        recomputed=recomputed,
    )


def _conclusions(made: Plan) -> list[str]:
    """Return sentences: when communication exceeds computation, and when memory runs out."""
    machine, compute = made.machine, made.compute_seconds(made.batch_tokens)
    usable = USABLE * 1e9 * machine.memory_gb
    most = made.rows[-1].gpus
    lines: list[str] = []
    for scheme, sent in ((DDP, scaling.ddp_bytes), (FSDP, scaling.fsdp_bytes)):

        def seconds(count: int, sent=sent) -> float:
            return sent(made.parameters, count) / machine.ring_bandwidth(count)

        first = scaling.first_count(lambda count, seconds=seconds: seconds(count) > compute)
        needed = scaling.hidden_tokens(
            seconds(most),
            flops_per_token=made.flops_per_token,
            flops_per_second=made.mfu * 1e12 * machine.peak_tflops,
        )
        where = (
            "communication never takes longer than computation"
            if first is None
            else f"communication takes longer than computation on {first:,} or more GPUs"
        )
        lines.append(
            f"{scheme}: {where}; on {most:,} GPUs, {needed:,} or more target tokens per GPU and "
            "update can hide the communication"
        )
    first = scaling.first_count(
        lambda count: (
            scaling.ddp_bytes(made.parameters, count) / machine.ring_bandwidth(count)
            > made.compute_seconds(PAPER_BATCH / count)
        )
    )
    assert first is not None  # more GPUs reduce the tokens per GPU without a lower limit
    lines.append(
        f"one batch of {PAPER_BATCH:,} target tokens (as in the paper) split over the GPUs: "
        f"communication takes longer than computation on {first:,} or more GPUs"
    )
    each = made.state.total / made.parameters
    largest = scaling.largest_model(usable, made.activations, each)
    if scaling.ddp_memory(made.state, made.activations) <= usable:
        times = largest / made.parameters
        lines.append(
            f"memory: the model fits on one GPU, so {FSDP} is not needed. {FSDP} is needed above "
            f"(0.9 · M − activations) / {each:g} = {largest / 1e9:.2f} × 10⁹ parameters, "
            f"{times:,.0f} times this model"
        )
        return lines
    first = scaling.first_count(
        lambda count: scaling.fsdp_memory(made.state, made.activations, count, made.unit) <= usable
    )
    lines.append(
        "memory: the model does not fit on one GPU. "
        + (
            f"It does not fit with {FSDP} on any number of GPUs, because the activations of a "
            "batch need too much memory. Lower batch_tokens."
            if first is None
            else f"With {FSDP} it fits on {first:,} or more GPUs"
        )
    )
    return lines


def _facts(made: Plan) -> list[str]:
    machine, state = made.machine, made.state
    most = made.rows[-1].gpus
    bandwidth = machine.ring_bandwidth(most)
    ddp, fsdp = (row for row in made.rows if row.gpus == most)
    compute = made.compute_seconds(made.batch_tokens)
    touched = 2 * state.total - state.gradients
    mflop = made.flops_per_token / 1e6
    millions = made.parameters / 1e6
    average = " + 4 average" if state.average else ""
    optimizer = state.optimizer / made.parameters
    again = " + the layers' forward pass again" if made.recomputed else ""
    facts = {
        "model": f"{made.name}: {made.family}, {made.summary}; vocabulary {made.vocabulary:,}",
        "machine": f"{machine.name}: {machine.peak_tflops:g} TFLOP/s bf16, M = "
        f"{machine.memory_gb:g} GB; a GPU sends {machine.ring_bandwidth(1) / 1e9:g} GB/s in a "
        f"node of {machine.gpus_per_node}, {machine.ring_bandwidth(most) / 1e9:g} GB/s on "
        f"{most:,} GPUs",
        "assumptions": f"{100 * made.mfu:g} % of the peak; {counted(made.length, 'token')} per "
        f"sentence on each side; {made.batch_tokens:,} tokens per side, GPU and update; "
        f"{_optimizer(made.optimizer)}",
        "parameters": f"P = {made.parameters:,}",
        "operations": f"c = {FORMULAS[made.family]} / N_tgt{again} = {mflop:.1f} MFLOP per target "
        "token",
        "state": f"P · (4 weights + 4 gradients + {optimizer:.4g} optimizer{average}) = "
        f"{state.total / 1e9:.2f} GB",
        "activations": f"{made.activations / 1e9:.2f} GB per GPU (estimate"
        f"{', with gradient checkpointing' if made.recomputed else ''})",
        "computation": f"c · tokens / (MFU · peak) = {mflop:.1f}e6 · "
        f"{made.batch_tokens:,} / ({made.mfu:g} · {machine.peak_tflops:g}e12) = "
        f"{1e3 * compute:.3f} ms",
        "optimizer": f"reads and writes {touched / made.parameters:.4g} bytes per parameter: "
        f"{touched / made.parameters:.4g} · P / R = at least "
        f"{1e3 * touched / machine.memory_gb_per_second / 1e9:.3f} ms "
        f"(R = {machine.memory_gb_per_second:g} GB/s memory bandwidth; with {FSDP} 1/N of this "
        "time; not in the table)",
        f"{DDP} sends": f"2(N−1)/N · 4P / B = 2 · {most - 1}/{most} · 4 · {millions:.1f}e6 / "
        f"{bandwidth / 1e9:g}e9 = {1e3 * ddp.send_seconds:.3f} ms (N = {most:,})",
        f"{FSDP} sends": f"(N−1)/N · (2P + 2P + 4P) / B = {most - 1}/{most} · 8 · "
        f"{millions:.1f}e6 / {bandwidth / 1e9:g}e9 = {1e3 * fsdp.send_seconds:.3f} ms",
        f"{FSDP} memory": f"state / N + 8 · {made.unit / 1e6:.1f}e6 (the largest part) + "
        "activations",
        "source": machine.source,
    }
    return [f"{key:<12}  {value}" for key, value in facts.items()]


def _table(rows: Sequence[Row]) -> list[str]:
    lines = [
        f"{'GPUs':>6}  {'scheme':<6}  {'tokens/update':>13}  {'sent':>9}  {'communication':>13}  "
        f"{'computation':>11}  {'efficiency':>11}  {'memory':>9}",
    ]
    for row in rows:
        hidden, exposed = row.exposed
        lines.append(
            f"{row.gpus:>6,}  {row.scheme:<6}  {row.tokens:>13,}  {row.sent_bytes / 1e9:>6.2f} GB  "
            f"{1e3 * row.send_seconds:>10.3f} ms  {1e3 * row.compute_seconds:>8.3f} ms  "
            f"{100 * exposed:>4.0f}–{100 * hidden:>3.0f} %  {row.memory_bytes / 1e9:>6.2f} GB"
            + ("" if row.fits else "  does not fit")
        )
    return [
        *lines,
        "efficiency: compute fraction of a step with no and with full overlap of communication",
    ]
