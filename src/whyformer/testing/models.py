"""Check the laws of a whole model. Training, batching and search rely on them."""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from whyformer.blocks.feedforward import FEEDFORWARDS
from whyformer.blocks.multihead import ATTENTIONS
from whyformer.blocks.normalization import NORMS
from whyformer.blocks.positions import POSITIONS
from whyformer.blocks.residual import WIRINGS
from whyformer.blocks.scaling import SCALINGS
from whyformer.foundation.registry import Registry
from whyformer.foundation.wording import counted
from whyformer.models.build import Model, TextModel
from whyformer.models.gpt import GPT, GPTSettings
from whyformer.models.transformer import Transformer, TransformerSettings
from whyformer.testing.laws import (
    repeatable,
    require,
    require_close,
    require_finite,
    require_gradients,
    stating_failures,
)
from whyformer.text.symbols import BOS, PAD

VOCABULARY = 13
FIRST_WORD = 5
SOURCE, TARGET, MORE = 6, 7, 3
"""Number of tokens of a source, of a target, and of the padding after them."""
REGISTRIES: dict[str, Registry[Any]] = {
    "attention": ATTENTIONS,
    "positions": POSITIONS,
    "wiring": WIRINGS,
    "norm": NORMS,
    "activation": FEEDFORWARDS,
    "score_scale": SCALINGS,
}
"""For each setting of a stack, the registry of its variants."""
SMALL = {"d_model": 16, "heads": 2, "d_ff": 24, "dropout": 0.0, "max_length": 64}
TEMPORARY = "checked"


@stating_failures
def check_model(model: Model, *, name: str = "") -> None:
    """Check a model of any family that generates a target.

    Laws: no output depends on later tokens, or on the content or length of padding. Decoding step
    by step, with reordered beams, gives the same logits as the whole target at once. The loss is
    finite, and a finite gradient reaches every parameter.
    Args:
        model: a model with a vocabulary of at least 13 tokens; it is not changed.
        name: the name of the model in messages; by default, the name of its class.
    Raises: BrokenLaw for the first law that does not hold.
    """
    _check_model(model, name or type(model).__name__)


def _check_model(model: Model, subject: str) -> None:
    was_training = model.training
    model.eval()
    try:
        with repeatable() as draws:
            with torch.no_grad():
                _check_causality(model, subject, draws)
                _check_padding(model, subject, draws)
                _check_steps(model, subject, draws)
            _check_gradients(model, subject, draws)
    finally:
        model.zero_grad()
        model.train(was_training)


def check_stacks(name: str, setting: str, kind: type[nn.Module], **more: object) -> None:
    """Check a variant in a small Transformer and a small GPT.

    Args:
        setting: the setting that selects the variant, such as ``positions``.
        more: further settings of the two models.
    """
    with registered(REGISTRIES[setting], kind) as chosen, repeatable():
        layers = {"encoder_layers": 1, "decoder_layers": 2}
        both = TransformerSettings.model_validate(SMALL | layers | more | {setting: chosen})
        decoder = GPTSettings.model_validate(SMALL | more | {"layers": 2, setting: chosen})
        sizes = (VOCABULARY, VOCABULARY)
        for model in (Transformer(both, sizes), GPT(decoder, sizes)):
            with torch.no_grad():  # add noise, because gains of 1 and biases of 0 would hide errors
                for parameter in model.parameters():
                    parameter.add_(torch.randn_like(parameter) * 0.1)
            _check_model(model, f"{name} in a {type(model).__name__}")


@contextlib.contextmanager
def registered(registry: Registry[Any], kind: object) -> Iterator[str]:
    """Yield the registered name of a variant. If the variant is not registered, register it inside
    this `with` block."""
    known = [name for name, one in registry.items() if one is kind]
    if known:
        yield known[0]
        return
    registry.register(TEMPORARY)(kind)
    try:
        yield TEMPORARY
    finally:
        registry.forget(TEMPORARY)


def _words(draws: torch.Generator, rows: int, length: int) -> Tensor:
    return torch.randint(FIRST_WORD, VOCABULARY, (rows, length), generator=draws)


def _logits(model: Any, source: Tensor, real: Tensor | None, target: Tensor) -> Tensor:
    features = (
        model.features(target)
        if isinstance(model, TextModel)
        else model.features(source, real, target)
    )
    return model.projection(features)


def _check_causality(model: Model, subject: str, draws: torch.Generator) -> None:
    source, first = _words(draws, 3, SOURCE), _words(draws, 3, TARGET)
    before = _logits(model, source, None, first)
    require_finite(before, subject, f"logits of a target {tuple(first.shape)}")
    for place in range(1, TARGET):
        second = torch.cat([first[:, :place], _words(draws, 3, TARGET - place)], 1)
        after = _logits(model, source, None, second)
        require_close(
            after[:, :place],
            before[:, :place],
            subject,
            "an output must not depend on later tokens",
            f"tokens from position {place} of {TARGET} were replaced",
        )


def _check_padding(model: Model, subject: str, draws: torch.Generator) -> None:
    source, target = _words(draws, 1, SOURCE), _words(draws, 1, TARGET)
    alone = _logits(model, source, None, target)
    wide = torch.cat([_words(draws, 2, SOURCE + MORE), torch.full((1, SOURCE + MORE), PAD)])
    wide[2, :SOURCE] = source
    real = torch.ones_like(wide, dtype=torch.bool)
    real[2, SOURCE:] = False
    long = torch.cat([_words(draws, 2, TARGET + MORE), torch.full((1, TARGET + MORE), PAD)])
    long[2, :TARGET] = target
    for hidden in (PAD, FIRST_WORD):
        wide[2, SOURCE:] = hidden
        together = _logits(model, wide, real, long)
        require_close(
            together[2:, :TARGET],
            alone,
            subject,
            "an output must not depend on other rows of the batch or on padding",
            f"{SOURCE} source and {TARGET} target tokens, padded by {MORE}",
        )


def _check_steps(model: Any, subject: str, draws: torch.Generator) -> None:
    source = _words(draws, 2, SOURCE)
    state = model.begin(source, None)
    past = torch.full((2, 1, 1), BOS)
    for step in range(TARGET):
        logits, state = model.step(state, past[:, :, -1])
        beams = past.shape[1]
        rows = past.flatten(0, 1)
        whole = _logits(model, source.repeat_interleave(beams, 0), None, rows)[:, -1]
        require_close(
            logits,
            whole,
            subject,
            "decoding step by step must give the logits of the whole target at once",
            f"step {step + 1}, {counted(len(source), 'sentence')}, {beams} beams",
        )
        chosen = torch.randint(0, beams, (2, 3), generator=draws)
        state = model.select(state, None, chosen)
        past = past.gather(1, chosen[:, :, None].expand(-1, -1, past.shape[2]))
        past = torch.cat([past, _words(draws, 2, 3)[:, :, None]], -1)


def _check_gradients(model: Model, subject: str, draws: torch.Generator) -> None:
    source, target = _words(draws, 2, SOURCE), _words(draws, 2, TARGET)
    real = torch.tensor([[True] * SOURCE, [True] * 2 + [False] * (SOURCE - 2)])
    model.train()
    model.zero_grad()
    logits = _logits(model, source, real, target)
    require(logits.requires_grad, subject, "the loss must have a gradient", "it has none")
    logits.log_softmax(-1).square().mean().backward()
    require_gradients(model, subject, f"{SOURCE} source and {TARGET} target tokens")
    model.eval()
