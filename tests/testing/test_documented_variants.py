"""The small variants of docs/extending.md pass their checks and are used in a training."""

import re
from pathlib import Path

import pytest

import whyformer
from toy_runs import SMALL
from whyformer import registries, testing
from whyformer.foundation import plugins

PAGE = Path(__file__).parents[2] / "docs" / "extending.md"
CHECKS = {
    "half-cosine": ("schedules", testing.check_schedule),
    "plain-sgd": ("optimizers", testing.check_optimizer),
    "peak": ("norms", testing.check_norm),
    "half-step": ("wirings", testing.check_wiring),
    "tanh": ("feedforwards", testing.check_feedforward),
    "halved": ("score_scalings", testing.check_score_scaling),
    "no-repeat": ("constraints", testing.check_constraint),
    "first-word": ("metrics", testing.check_metric),
}
SETTINGS = {
    "training.schedule": "half-cosine", "training.optimizer": "plain-sgd", "model.norm": "peak",
    "model.wiring": "half-step", "model.activation": "tanh", "model.score_scale": "halved",
    "decoding.constraints": ["no-repeat"], "validation.metric": "first-word",
    "training.updates": 4, "validation.every": 2,
}  # fmt: skip


@pytest.fixture(scope="module")
def variants(tmp_path_factory):
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (code,) = [block for block in blocks if "One small variant of each kind" in block]
    path = tmp_path_factory.mktemp("plugin") / "variants.py"
    path.write_text(code, encoding="utf-8")
    yield plugins.load(str(path))
    plugins.unload("variants")


@pytest.mark.parametrize("name", CHECKS)
@pytest.mark.usefixtures("variants")
def test_each_variant_obeys_the_laws_of_its_kind(name):
    registry, check = CHECKS[name]
    check(getattr(registries, registry)[name])


def test_the_page_has_every_variant_that_is_checked(variants):
    found = {
        name
        for registry in vars(registries).values()
        if isinstance(registry, registries.norms.__class__)
        for name in registry
        if registry.module_of(name) == "whyformer_plugins.variants"
    }
    assert found == set(CHECKS)


def test_all_of_them_train_together(variants, tmp_path):
    whyformer.train("copy", out=tmp_path / "run", overrides=SMALL | SETTINGS, quiet=True)
    record = (tmp_path / "run" / "run.json").read_text(encoding="utf-8")
    assert variants.sha256 in record
