"""The output of every box of Figure 1 is the output of the module in PyTorch."""

import functools
import re

import pytest
import torch
from torch import nn

import javascript_engine
import tiny
from javascript_engine import tensor
from whyformer.models.bert import BERT, BERTSettings
from whyformer.models.electra import Electra, ElectraSettings
from whyformer.models.gpt import GPT
from whyformer.models.recurrent.language import RecurrentLanguageModel
from whyformer.models.transformer import Transformer

SOURCE, TARGET, SEGMENTS = [5, 9, 7, 12, 6, 2], [1, 8, 6, 11], [0, 0, 0, 1, 1, 1]
BOX = re.compile(
    r"((en|de)coder\.|discriminator\.)?(embedding|layers\.\d+(\.((self|cross)_attention|feedforward))?)"
    r"|decoder\.attention"
)
"""The names of the boxes of Figure 1. A layer is a box in recurrent models only."""


SHAPE = {"layers": 2, "d_model": 32, "heads": 4, "d_ff": 24, "dropout": 0.0, "max_length": 16}
BERTS = {
    "of the paper": {},
    "pre-norm": {"wiring": "pre-norm", "positions": "rotary"},
    "deepnorm": {"wiring": "deepnorm", "norm": "rms"},
    "narrow embeddings": {"embedding_width": 8},
    "tags": {"outputs": 4, "answer_of": "tokens"},
}


def _bert(**changes):
    torch.manual_seed(0)
    return BERT(BERTSettings(**{**SHAPE, **changes}), (13, 13))


def _electra():
    torch.manual_seed(0)
    return Electra(ElectraSettings(**SHAPE), (13, 13))


MODELS = {
    **{f"transformer {k}": functools.partial(tiny.build, **v) for k, v in tiny.VARIANTS.items()},
    **{f"gpt {k}": functools.partial(tiny.gpt, **v) for k, v in tiny.GPT_VARIANTS.items()},
    **{
        f"recurrent {k}": functools.partial(tiny.fresh, k)
        for k in tiny.RECURRENT_VARIANTS | tiny.RECURRENT_LANGUAGE_VARIANTS
    },
    **{f"bert {k}": functools.partial(_bert, **v) for k, v in BERTS.items()},
    "electra": _electra,
}


def boxes(model) -> dict[str, nn.Module]:
    """Return the modules that are boxes of the drawing, by their names."""
    blocks = isinstance(model, Transformer | GPT | BERT | Electra)
    return {
        name: module
        for name, module in model.named_modules(remove_duplicate=False)
        if module is not None
        and BOX.fullmatch(name)
        and not (blocks and re.search(r"layers\.\d+$", name))
    }


def _computed(model) -> None:
    target = torch.tensor([TARGET])
    if isinstance(model, GPT | RecurrentLanguageModel):
        model(target)
    elif isinstance(model, BERT):
        model(torch.tensor([SOURCE]), None, torch.tensor([SEGMENTS]))
    elif isinstance(model, Electra):
        model.detect(torch.tensor([SOURCE]), None, torch.tensor([SEGMENTS]))
    else:
        model(torch.tensor([SOURCE]), None, target)


def expected(model) -> dict[str, torch.Tensor]:
    """Return the outputs of all boxes of one pass, over all positions."""
    seen: dict[nn.Module, list[torch.Tensor]] = {}
    named = boxes(model)

    def keep(module, _inputs, output):
        seen.setdefault(module, []).append(output if torch.is_tensor(output) else output[0])

    for module in set(named.values()):
        module.register_forward_hook(keep)
    if getattr(model.settings, "input_feeding", False):
        for layer in model.decoder.layers:  # it calls `step`, not the module
            _keep_steps(layer, keep)
    with torch.no_grad():
        _computed(model)
    embeddings = [named.get(f"{one}coder.embedding") for one in ("en", "de")]
    if embeddings[0] is not None and embeddings[0] is embeddings[1]:
        source, target = seen.pop(embeddings[0])
        both = {"encoder.embedding": source[0], "decoder.embedding": target[0]}
    else:
        both = {}
    return both | {k: torch.cat(seen[one], 1)[0] for k, one in named.items() if one in seen}


def _keep_steps(layer, keep) -> None:
    step = layer.step

    def kept(*given):
        state = step(*given)
        keep(layer, given, state[0][:, None])
        return state

    layer.step = kept


@functools.cache
def _answers():
    models = {name: javascript_engine.stored(make()) for name, make in MODELS.items()}
    requests = []
    for model in models.values():
        call = {"call": "features", "source": SOURCE, "target": TARGET, "taps": list(boxes(model))}
        if isinstance(model, BERT | Electra):
            call = {"call": "read", "ids": SOURCE, "segments": SEGMENTS, "taps": list(boxes(model))}
            call["part"] = "discriminator" if isinstance(model, Electra) else None
        requests.append(javascript_engine.request(model, [call]))
    answers = javascript_engine.javascript.answer("engine.mjs", requests)
    return {n: (m, found["taps"]) for (n, m), [found] in zip(models.items(), answers, strict=True)}


@pytest.mark.parametrize("name", MODELS)
def test_the_output_of_every_box_equals_that_of_pytorch(name):
    model, found = _answers()[name]
    wanted = expected(model)
    assert found.keys() == wanted.keys() == set(boxes(model))
    assert len(wanted) >= 2
    for box, one in wanted.items():
        torch.testing.assert_close(
            tensor(found[box]), one, atol=1e-3, rtol=0, msg=lambda text, box=box: f"{box}: {text}"
        )


def test_a_box_that_is_switched_off_has_an_output_of_zeros():
    model = javascript_engine.stored(tiny.build())
    box = "encoder.layers.0.feedforward"
    [found] = javascript_engine.ask(
        model, {"call": "features", "source": SOURCE, "target": TARGET, "taps": [box], "off": [box]}
    )
    assert found["taps"].keys() == {box}
    assert not tensor(found["taps"][box]).any()
