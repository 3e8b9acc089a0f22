"""Look inside a model while it reads one text: attention, residual stream and gradients."""

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
"""Name of a module -> what it returned, once for each time it was applied."""


@dataclass(frozen=True)
class Look:
    """What happened inside a model while it read one text; made by `Model.look`.

    Names are those of the model's modules, such as ``decoder.layers.0.cross_attention``. A module
    that is applied several times has ``, application 2`` and so on in the name of each but the
    first. All tensors are on the CPU and detached from the model.
    """

    tokens: dict[str, list[str]]
    """What was read: ``text``, and ``target`` for a model that translates."""
    attention: dict[str, Tensor]
    """Attention weights by attention: (heads, queries, keys). Each row sums to 1."""
    residual: dict[str, Tensor]
    """The residual stream after each sub-layer: (tokens, d_model). Of a recurrent layer: its
    states; with input feeding without the state after the last token, which nothing reads."""
    loss: float
    """Sum of `losses`: what the gradients are of."""
    losses: Tensor
    """Loss in nats of each prediction: of each target token, for instance."""
    embedding_gradients: dict[str, Tensor]
    """Gradient of the loss by the embedding of each token read: (tokens, width), as `tokens`."""
    parameter_gradients: dict[str, Tensor]
    """Gradient of the loss by each parameter that it depends on, by the parameter's name."""


def look(
    bundle: Bundle, run: Path, text: str, target: str | None, *, parameters: str = "*"
) -> Look:
    """Let a model read a text once and return what happened inside.

    Nothing stays attached to the model, and no gradient stays in its parameters.
    Args:
        target: see `single_text`.
        parameters: pattern of the names in `Look.parameter_gradients`; "" leaves them out.
    Raises: UsageError when the text or the target cannot be read.
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
            side: _alone(gradient)
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
    """Let attention and recurrences compute by the paths that can be observed."""
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
    """Collect what modules return; of several values the first."""
    seen: Applied = {name: [] for name in modules}

    def collect(name: str):
        def hook(module: nn.Module, inputs: object, output: Tensor | tuple[Tensor, ...]) -> None:
            seen[name].append(output if isinstance(output, Tensor) else output[0])

        return hook

    with _hooked((module, collect(name)) for name, module in modules.items()):
        yield seen


@contextlib.contextmanager
def _steps(layers: Mapping[str, nn.Module]) -> Iterator[Applied]:
    """Collect the states that a recurrence read position by position, without the initial one."""
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
    """Collect what the embeddings return, in the order of their use."""
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
    """Return weights with heads; those without heads were computed position by position."""
    if weights and weights[0].dim() == 3:
        return [torch.cat(list(weights), 1)[:, None]]
    return list(weights)


def _cleaned(applied: Applied) -> dict[str, Tensor]:
    """Name each application, and drop the batch dimension and the graph."""
    return {
        name if turn == 1 else f"{name}, application {turn}": _alone(one)
        for name, all_of_them in applied.items()
        for turn, one in enumerate(all_of_them, start=1)
    }


def _alone(tensor: Tensor) -> Tensor:
    return tensor.detach()[0].cpu()
