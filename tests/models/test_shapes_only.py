"""A model built without memory has the shapes of the real one, and loading imports no compiler."""

import subprocess
import sys

import pytest
import torch

from whyformer.models.build import FAMILIES
from whyformer.models.shapes import shapes_only

SMALL = {"d_model": 16, "heads": 2, "d_ff": 8}


def variants():
    """Yield every family with every value of each of its named choices."""
    for family, (kind, _) in FAMILIES.items():
        small = {name: value for name, value in SMALL.items() if name in kind.model_fields}
        yield family, small
        for name, field in kind.model_fields.items():
            for value in getattr(field.annotation, "__members__", {}).values():
                yield family, {**small, name: value}


@pytest.mark.parametrize("family", FAMILIES)
def test_shapes_and_formats_are_those_of_the_real_model(family):
    tried = 0
    for one, given in variants():
        if one != family:
            continue
        kind, model = FAMILIES[family]
        try:
            settings = kind(**given)
            real = model(settings, (50, 50))
        except ValueError:  # a choice that needs another one
            continue
        before = torch.random.get_rng_state()
        with shapes_only():
            shell = model(settings, (50, 50))
        assert torch.equal(before, torch.random.get_rng_state())
        for of in ("named_parameters", "named_buffers"):
            wanted = {name: (found.shape, found.dtype) for name, found in getattr(real, of)()}
            made = dict(getattr(shell, of)())
            assert {n: (found.shape, found.dtype) for n, found in made.items()} == wanted
            assert all(found.is_meta for found in made.values())
        tried += 1
    assert tried > 1


def test_making_a_model_imports_no_compiler():
    code = (
        "import sys\n"
        "from whyformer.models.build import FAMILIES, build_model\n"
        "small = {'d_model': 16, 'd_ff': 16, 'heads': 2, 'layers': 1}\n"
        "for kind, _ in FAMILIES.values():\n"
        "    known = {k: v for k, v in small.items() if k in kind.model_fields}\n"
        "    build_model(kind(**known), (50, 50), shared=True)\n"
        "print({'sympy', 'torch._dynamo'} & set(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
