"""Collect attention, residual stream and gradients of a model for one text."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import torch
from torch import Tensor, nn

from whyformer.blocks.embeddings import TokenEmbedding
from whyformer.blocks.multihead import AttentionPath, MultiHeadAttention
from whyformer.blocks.recurrence import Recurrence, RecurrencePath
from whyformer.blocks.residual import Residual
from whyformer.blocks.taps import Tap, observe
from whyformer.bundle import Bundle
from whyformer.models.bert import SegmentEmbedding
from whyformer.workflows.single_text import SingleText, single_text

Applied = dict[str, list[Tensor]]
"""For each name of a module, the outputs of the module, one for each call."""


@dataclass(frozen=True)
class Look:
    """The internal values of a model for one text, as returned by `Model.look`.

    Names are module names of the model, such as ``decoder.layers.0.cross_attention``. If a module
    is called several times, the names of the later calls end in ``, application 2`` and so on. All
    tensors are on the CPU and detached from the model.
    """

    tokens: dict[str, list[str]]
    """Tokens of the input: ``text``, and ``target`` for a translation model."""
    attention: dict[str, Tensor]
    """Attention weights of each attention module: (heads, queries, keys). Each row sums to 1."""
    residual: dict[str, Tensor]
    """The residual stream after each sub-layer: (tokens, d_model). For a recurrent layer, the
    states. With input feeding, the state after the last token is left out, because it is unused."""
    loss: float
    """Sum of `losses`. The gradients are gradients of this sum."""
    losses: Tensor
    """Loss of each prediction, for example of each target token, in nats."""
    embedding_gradients: dict[str, Tensor]
    """Gradient of the loss with respect to each token embedding: (tokens, width). The keys are the
    keys of `tokens`."""
    parameter_gradients: dict[str, Tensor]
    """Gradient of the loss with respect to each parameter, by parameter name. Parameters without
    influence on the loss are left out."""


def look(
    bundle: Bundle, run: Path, text: str, target: str | None, *, parameters: str = "*"
) -> Look:
    """Run a model on a text once and return its internal values.

    The model keeps no hooks and no gradients.

    Args:
        target: see `single_text`.
        parameters: pattern of the names in `Look.parameter_gradients`; "" selects none.
    Raises: UsageError if the model cannot read the text or the target.
    """
    given = single_text(bundle, run, text, target)
    model = bundle.model
    named = {n: p for n, p in model.named_parameters() if fnmatchcase(n, parameters)}
    with torch.inference_mode(mode=False), torch.enable_grad(), _explicit(model):
        return _look(given, model, named)


def _look(given: SingleText, model: nn.Module, named: dict[str, nn.Parameter]) -> Look:
    modules = dict(model.named_modules())
    residuals = {n: m for n, m in modules.items() if isinstance(m, Residual)}
    layers = {n: m for n, m in modules.items() if isinstance(m, Recurrence)}
    embeddings = [m for m in modules.values() if isinstance(m, TokenEmbedding | SegmentEmbedding)]
    taps = any(isinstance(m, Tap) and n.endswith("weights") for n, m in modules.items())
    embedded: list[Tensor] = []
    with (
        observe(model, "*weights") if taps else contextlib.nullcontext({}) as weights,
        _outputs(residuals) as streams,
        _outputs(layers) as states,
        _steps(layers) as stepped,
        _kept(embeddings, embedded),
    ):
        losses = given.losses(given.forward())
    loss = losses.sum()
    wanted = [*embedded, *named.values()]
    found = torch.autograd.grad(loss, wanted, allow_unused=True)
    by_embedding, by_parameter = found[: len(embedded)], found[len(embedded) :]
    after = {name.replace("wire_", ""): one for name, one in streams.items()}
    after |= {name: states[name] or stepped[name] for name in layers}
    return Look(
        given.tokens,
        _cleaned({n.removesuffix(".weights"): _by_head(one) for n, one in weights.items()}),
        _cleaned(after),
        loss.item(),
        losses.detach().cpu().flatten(),
        {
            side: _without_batch(gradient)
            for side, gradient in zip(given.tokens, by_embedding, strict=True)
            if gradient is not None
        },
        {
            name: gradient.cpu()
            for name, gradient in zip(named, by_parameter, strict=True)
            if gradient is not None
        },
    )


@contextlib.contextmanager
def _explicit(model: nn.Module) -> Iterator[None]:
    """Use implementations of attention and recurrence whose internal values can be observed."""
    before: list[tuple[nn.Module, object]] = []
    for module in model.modules():
        if isinstance(module, MultiHeadAttention | Recurrence):
            before.append((module, module.path))
            of_attention = isinstance(module, MultiHeadAttention)
            path = AttentionPath.EXPLICIT if of_attention else RecurrencePath.EXPLICIT
            module.path = path  # pyright: ignore[reportAttributeAccessIssue]
    try:
        yield
    finally:
        for module, path in before:
            module.path = path  # pyright: ignore[reportArgumentType]


@contextlib.contextmanager
def _outputs(modules: Mapping[str, nn.Module]) -> Iterator[Applied]:
    """Collect the outputs of modules. If a module returns a tuple, collect its first element."""
    seen: Applied = {name: [] for name in modules}

    def collect(name: str):
        def hook(module: nn.Module, inputs: object, output: Tensor | tuple[Tensor, ...]) -> None:
            seen[name].append(output if isinstance(output, Tensor) else output[0])

        return hook

    with _hooked((module, collect(name)) for name, module in modules.items()):
        yield seen


@contextlib.contextmanager
def _steps(layers: Mapping[str, nn.Module]) -> Iterator[Applied]:
    """Collect the states of recurrences that compute step by step, without the initial state."""
    seen: Applied = {name: [] for name in layers}

    def collect(name: str):
        return lambda module, inputs, output: seen[name].append(inputs[0])

    readers = ((layer.get_submodule("from_state"), name) for name, layer in layers.items())
    with _hooked((module, collect(name)) for module, name in readers):
        yield seen
    for name, states in seen.items():
        seen[name] = [torch.stack(states[1:], 1)] if len(states) > 1 else []


@contextlib.contextmanager
def _kept(modules: Iterable[nn.Module], kept: list[Tensor]) -> Iterator[None]:
    """Collect the outputs of the embeddings, in the order of the calls."""
    with _hooked((one, lambda module, inputs, output: kept.append(output)) for one in modules):
        yield


@contextlib.contextmanager
def _hooked(hooks: Iterable[tuple[nn.Module, object]]) -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for module, hook in hooks:
            handle = module.register_forward_hook(hook)  # pyright: ignore[reportArgumentType]
            stack.callback(handle.remove)
        yield


def _by_head(weights: Sequence[Tensor]) -> list[Tensor]:
    """Return weights with a head dimension.

    Weights without heads come from a recurrent decoder, one query at a time. The weights of all
    queries are concatenated.
    """
    if weights and weights[0].dim() == 3:
        return [torch.cat(list(weights), 1)[:, None]]
    return list(weights)


def _cleaned(applied: Applied) -> dict[str, Tensor]:
    """Name the output of each call, and remove its batch dimension and autograd graph."""
    return {
        name if call == 1 else f"{name}, application {call}": _without_batch(one)
        for name, outputs in applied.items()
        for call, one in enumerate(outputs, start=1)
    }


def _without_batch(tensor: Tensor) -> Tensor:
    return tensor.detach()[0].cpu()
