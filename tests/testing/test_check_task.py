"""`check_task`: silent for every built-in task, and able to find each fault."""

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from whyformer.foundation.errors import ConfigError, DataError
from whyformer.recipes.task_declaration import TASKS, TaskDeclaration
from whyformer.registries import tasks
from whyformer.tasks.language import Language
from whyformer.tasks.task import Task
from whyformer.testing import BrokenLaw, check_task
from whyformer.training.loss import Loss

pytestmark = pytest.mark.usefixtures("unchecked")

SMALL = {
    "model.layers": 1, "model.d_model": 16, "model.heads": 2, "model.d_ff": 16,
    "training.batch_tokens": 128, "text.vocabulary": 280, "data.dev_share": 0.2,
}  # fmt: skip
ROWS = SMALL | {"data.row_tokens": 16}
WORDS = ("the", "big", "cat", "saw", "a", "small", "dog")
TEXTS = [f"{WORDS[i % 5]} {WORDS[(i * 3 + 1) % 7]} {i}" for i in range(40)]
LINES = {
    "text": TEXTS,
    "labels": [f"{text}\t{'yes' if 'cat' in text else 'no'}" for text in TEXTS],
    "numbers": [f"{text}\t{len(text)}" for text in TEXTS],
    "tags": [f"{text}\tO B-X O" for text in TEXTS],
    "pairs": [f"{text}\t{text[::-1]}" for text in TEXTS],
}
PAIRS = {key: SMALL[key] for key in ("model.d_model", "model.heads", "model.d_ff")} | {
    "text.units": "chars", "text.vocabulary": 300, "data.dev_share": 0.2, "model.encoder_layers": 1,
    "model.decoder_layers": 1, "training.batch_tokens": 128, "validation.sentences": 3,
    "validation.metric": "exact", "decoding.max_length": 4,
}  # fmt: skip
BUILT_IN: dict[str, tuple[str, dict[str, Any]]] = {
    "translate": ("pairs", PAIRS),
    "language": ("text", ROWS),
    "masked": ("text", ROWS | {"data.mask_rate": 0.3, "data.next_sentence": False}),
    "replaced": ("text", ROWS | {"data.mask_rate": 0.3}),
    "classify": ("labels", SMALL),
    "regress": ("numbers", SMALL),
    "tag": ("tags", SMALL),
}
"""Task -> its data, and the settings that keep it small."""


def settings(name: str, folder: Path) -> dict[str, Any]:
    lines, small = BUILT_IN[name]
    file = folder / f"{lines}.tsv"
    file.write_text("\n".join(LINES[lines]) + "\n", encoding="utf-8")
    return small | {"data.train": [str(file)]}


@pytest.mark.parametrize("name", tasks)
def test_every_built_in_task_obeys_the_laws(name, tmp_path):
    state = torch.random.get_rng_state()
    check_task(TASKS[name], settings(name, tmp_path))
    assert torch.equal(state, torch.random.get_rng_state())
    assert "checked" not in TASKS


def test_a_recipe_may_be_a_file(tmp_path):
    text = (tmp_path / "text.txt").as_posix()
    Path(text).write_text("\n".join(TEXTS) + "\n", encoding="utf-8")
    recipe = tmp_path / "mine.yaml"
    recipe.write_text(
        f"data: {{train: [{text}], row_tokens: 16}}\n"
        "model: {family: gpt, layers: 1, d_model: 16, heads: 2, d_ff: 16}\n"
        "training: {batch_tokens: 128}\ntext: {vocabulary: 280}\nvalidation: {metric: loss}\n",
        encoding="utf-8",
    )
    check_task(Language, recipe)


COUNTER = itertools.count()


class UnknownSetting(Language):
    reads = Language.reads | {"data.colour"}


class NoSuchRecipe(Language):
    default_recipe = "no-such-recipe"


class WrongItems(Language):
    items = "texts"


class NoUnit(Language):
    unit = ""


class Unset(Language):
    def __init__(self, *args):
        super().__init__(*args)
        del self.fingerprint


class OtherData(Language):
    def __init__(self, *args):
        super().__init__(*args)
        self.fingerprint += str(next(COUNTER))


class OtherKey(Language):
    @classmethod
    def data_key(cls, recipe, run):
        return "key"


class Changing:
    """Batches that differ each time."""

    def __init__(self, batches):
        self._batches = batches

    def count(self, epoch):
        return self._batches.count(epoch)

    def batch(self, epoch, index):
        batch = self._batches.batch(epoch, index)
        return replace(batch, target=batch.target.roll(next(COUNTER) % 3, 1))


class OtherBatches(Language):
    def __init__(self, *args):
        super().__init__(*args)
        self.batches = Changing(self.batches)


class NoBatches(Language):
    def __init__(self, *args):
        super().__init__(*args)
        self.batches = [1, 2, 3]


class Unseeded(Language):
    def model(self, device):
        model = super().model(device)
        torch.seed()
        with torch.no_grad():
            model.projection.weight.add_(torch.randn_like(model.projection.weight))
        return model


class ForeignModel(Language):
    def model(self, device):
        return torch.nn.Linear(2, 2)


class Mean(Language):
    def loss(self, model, batch, smoothing):
        return Loss(*(one / batch.tokens for one in super().loss(model, batch, smoothing)))


class OtherUnit(Language):
    def validate(self, model):
        found = super().validate(model)
        return found | {"loss": found["perplexity"]}


class NoNumber(Language):
    def loss(self, model, batch, smoothing):
        return Loss(*(one / 0 for one in super().loss(model, batch, smoothing)))


class AVector(Language):
    def loss(self, model, batch, smoothing):
        return Loss(*(one[None] for one in super().loss(model, batch, smoothing)))


class Counts(Language):
    def loss(self, model, batch, smoothing):
        found = super().loss(model, batch, smoothing)
        return found._replace(smoothed=found.smoothed * (1 + next(COUNTER)))


class SmoothNll(Language):
    def loss(self, model, batch, smoothing):
        found = super().loss(model, batch, smoothing)
        return found._replace(nll=found.smoothed.detach())


class Detached(Language):
    def loss(self, model, batch, smoothing):
        return Loss(*(one.detach() for one in super().loss(model, batch, smoothing)))


class Uphill(Language):
    def loss(self, model, batch, smoothing):
        smoothed, nll = super().loss(model, batch, smoothing)
        return Loss(2 * smoothed.detach() - smoothed, nll)


class StaysInEvaluation(Language):
    def validate(self, model):
        found = super().validate(model)
        model.eval()
        return found


class TrainsInValidation(Language):
    def validate(self, model):
        with torch.no_grad():
            model.projection.weight.mul_(0.5)
        return super().validate(model)


class NoLoss(Language):
    def validate(self, model):
        return {"perplexity": 1.0}


class AtRandom(Language):
    def validate(self, model):
        return super().validate(model) | {"perplexity": torch.rand(()).item()}


class AnyMetric(Language):
    def higher_is_better(self, metric):
        return False


class NoDirection(Language):
    metrics = {"loss": "lower", "perplexity": "lower"}


class OtherWeights(Language):
    def bundle(self, model, facts):
        other = self.model(torch.device("cpu"))
        with torch.no_grad():
            other.projection.weight.zero_()
        return super().bundle(other, facts)


class ForgetsFacts(Language):
    def bundle(self, model, facts):
        return super().bundle(model, {})


class NotStorable(Language):
    def bundle(self, model, facts):
        return super().bundle(model, facts | {"seen": {1, 2}})


class NumbersForTexts(Language):
    def preview(self, batch):
        return [{"text": 3}], {}


class ListsForTensors(Language):
    def preview(self, batch):
        return [], {"labels": batch.labels.tolist()}


class Curriculum(Language):
    """Gives later updates less weight, and does not know how many there were before a stop."""

    updates = 0

    def loss(self, model, batch, smoothing):
        found = super().loss(model, batch, smoothing)
        self.updates += model.training
        return found._replace(smoothed=found.smoothed / (1 + 0.1 * self.updates))


@pytest.mark.parametrize(
    ("kind", "law"),
    [
        (UnknownSetting, r"`reads` .* it contains data\.colour"),
        (NoSuchRecipe, "`default_recipe` must exist, but: `no-such-recipe` is neither"),
        (WrongItems, "`items` must be an `ItemForm` or None, but it is 'texts'"),
        (NoUnit, "`unit` must name a unit"),
        (Unset, "opening it must set `fingerprint`"),
        (OtherData, "`fingerprint` must be the same when the same data is opened again in another"),
        (OtherKey, "`data_key` must equal the `key` of the opened data, but it is 'key'"),
        (OtherBatches, "must always give the same batch, but batch 0 of epoch 0 differs"),
        (NoBatches, "`batches` must have the methods `count` and `batch`"),
        (Unseeded, "the initial weights must depend only on the seed of the recipe"),
        (ForeignModel, "one of whyformer's families, but it is a Linear"),
        (Mean, "`loss` must be a sum over the `tokens` of a batch, not a mean"),
        (OtherUnit, "validation must have the unit of training: .* but they are .* and"),
        (NoNumber, "`smoothed` of the loss must be finite"),
        (AVector, r"`smoothed` of the loss must be one number, but it is torch.Size\(\[1\]\)"),
        (Counts, "the loss must depend only on model, batch and label smoothing"),
        (SmoothNll, "`nll` must not depend on label smoothing"),
        (Detached, "the loss must have a gradient, but it has none"),
        (Uphill, "20 updates on one batch must lower its loss"),
        (StaysInEvaluation, "must restore the training or evaluation mode"),
        (TrainsInValidation, "`validate` must not change the saved state of the model"),
        (NoLoss, 'must return a finite number as "loss"'),
        (AtRandom, "`validate` must always return the same scores"),
        (AnyMetric, "must raise ConfigError for an unknown metric"),
        (NoDirection, "`higher_is_better` of `loss` must be true or false"),
        (OtherWeights, "a loaded model must have the saved weights"),
        (ForgetsFacts, "`bundle` must keep the given facts"),
        (NotStorable, "must be possible to save and load a bundle, but"),
        (NumbersForTexts, "the first result of `preview` must be a list of dicts of texts"),
        (ListsForTensors, "a dict of tensors, but `labels` is"),
        (
            Curriculum,
            "a run that is stopped and resumed must equal an uninterrupted run, bit for bit",
        ),
    ],
)
def test_a_broken_task_is_told_which_law_it_breaks(kind, law, tmp_path):
    with pytest.raises(BrokenLaw, match=rf"^{kind.__name__}: .*{law}"):
        check_task(kind, settings("language", tmp_path))
    assert "checked" not in TASKS


def test_a_class_that_is_no_complete_task_is_told_so(tmp_path):
    class Declared(TaskDeclaration):
        pass

    class Unfinished(Task):
        pass

    for kind in (Declared, int, print):
        with pytest.raises(BrokenLaw, match=r"must extend `whyformer\.tasks\.task\.Task`"):
            check_task(kind, {})
    with pytest.raises(BrokenLaw, match=r"must define all methods of `Task`, but .*`preview`"):
        check_task(Unfinished, {})


def test_a_recipe_that_cannot_be_used_is_no_broken_law(tmp_path):
    with pytest.raises(ConfigError, match="must be at most"):
        check_task(Language, settings("language", tmp_path) | {"data.row_tokens": 5000})


def test_a_text_without_a_row_of_two_sentences_is_refused(tmp_path):
    small = settings("masked", tmp_path) | {"data.next_sentence": True}
    with pytest.raises(DataError, match="validation text must have at least one row"):
        check_task(TASKS["masked"], small)
