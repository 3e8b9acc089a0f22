"""Ask the JavaScript engine of the viewer about tiny models."""

import base64
import functools
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

import javascript
from whyformer.blocks.multihead import AttentionPath, use_path
from whyformer.blocks.taps import observe
from whyformer.viewer.manifest import engine_settings, manifest, repeated_layers
from whyformer.viewer.weights import as_stored, pack

Call = dict[str, Any]


def stored(model: Any, *, int8: bool = False) -> Any:
    """Round the weights of a model as the page does, and use the attention that can be observed."""
    torch.manual_seed(11)
    with torch.no_grad():  # gains of 1 and biases of 0 would hide mistakes
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.1)
            parameter.copy_(as_stored(parameter, int8=int8))
    use_path(model, AttentionPath.EXPLICIT)
    return model.eval()


def request(model: Any, calls: list[Call], *, int8: bool = False) -> dict[str, Any]:
    """Return a request about a model; for the calls, see `programs/engine.mjs`."""
    packed = pack(model, int8=int8)
    described = {
        "family": model.settings.family,
        "settings": engine_settings(model.settings),
        "tensors": packed.tensors,
        "aliases": packed.aliases | repeated_layers(model.settings, packed),
    }
    return {"manifest": described, "data": base64.b64encode(packed.data).decode(), "calls": calls}


def ask(model: Any, *calls: Call) -> list[Any]:
    """Return the answers to calls about a model."""
    return javascript.answer("engine.mjs", [request(model, list(calls))])[0]


def asker(
    models: Mapping[str, Callable[[], Any]], *calls: Call
) -> Callable[[str], tuple[Any, list[Any]]]:
    """Return a function that gives a model by its name, and the answers to the calls about it.

    One process answers for all models, at the first use.
    """

    @functools.cache
    def everything() -> dict[str, tuple[Any, list[Any]]]:
        made = {name: stored(make()) for name, make in models.items()}
        requests = [request(model, list(calls)) for model in made.values()]
        answers = javascript.answer("engine.mjs", requests)
        return dict(zip(made, zip(made.values(), answers, strict=True), strict=True))

    return lambda name: everything()[name]


def tensor(answer: Mapping[str, Any]) -> Tensor:
    """Return a tensor that the engine computed."""
    return torch.tensor(answer["data"], dtype=torch.float32).view(answer["shape"])


def computed(model: Any, *inputs: Any) -> tuple[Tensor, dict[str, Tensor]]:
    """Return what PyTorch computes for one text: the output, and what every tap sees."""
    with torch.no_grad(), observe(model, "*") as seen:
        output = model(*inputs)[0]
    return output, {name: found[0][0] for name, found in seen.items() if found}


def assert_same(found: Mapping[str, Any], logits: Tensor, taps: Mapping[str, Tensor]) -> None:
    """Check the answer to the call `features`: the logits and all tensors that the taps see."""
    torch.testing.assert_close(tensor(found["logits"]), logits, atol=1e-3, rtol=0)
    assert found["taps"].keys() == taps.keys()
    for name, expected in taps.items():
        actual = tensor(found["taps"][name])
        torch.testing.assert_close(
            actual, expected, atol=1e-3, rtol=0, msg=lambda text, name=name: f"{name}: {text}"
        )


def sessions(
    bundles: list[Any], requests: list[list[dict[str, Any]]], **changes: Any
) -> list[dict[str, Any]]:
    """Open bundles as the page does; return the description and the results of requests of each.

    Args: changes: values of the manifest to change.
    """
    given = []
    for bundle, some in zip(bundles, requests, strict=True):
        packed = pack(bundle.model)
        data = base64.b64encode(packed.data).decode()
        described = manifest(bundle, packed, name="tiny") | changes
        given.append({"manifest": described, "data": data, "requests": some})
    return javascript.answer("session.mjs", given)
