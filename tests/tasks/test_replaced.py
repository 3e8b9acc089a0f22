"""Replaced tokens as a task: its loss by hand, its scores, what starts from it, what it refuses."""

import math
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from whyformer.bundle import load_bundle
from whyformer.data.pretraining_rows import PretrainingBatch
from whyformer.foundation.errors import ConfigError
from whyformer.foundation.randomness import seed_everything
from whyformer.models.bert import BERT
from whyformer.models.electra import Electra, ElectraSettings
from whyformer.recipes.recipe import resolve
from whyformer.tasks.classification import Classification
from whyformer.tasks.replaced import Replacing, replace, replaced_loss
from whyformer.tasks.tagging import Tagging
from whyformer.text.symbols import BOS, EOS, MASK, PAD
from whyformer.workflows.train import train

SMALL = {
    "data.documents": "paragraphs",
    "data.row_tokens": 32,
    "model.layers": 1,
    "model.d_model": 8,
    "model.heads": 2,
    "model.d_ff": 8,
    "training.minutes": None,
    "training.updates": 4,
    "training.batch_tokens": 256,
    "validation.every": 4,
    "text.vocabulary": 300,
}


def text(tmp_path: Path) -> Path:
    file = tmp_path / "text.txt"
    lines = [f"line {k}, and one more" + "\n" * (k % 4 == 0) for k in range(60)]
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def task(tmp_path: Path, **changes: object) -> Replacing:
    given = {key.replace("__", "."): value for key, value in changes.items()}
    settings = SMALL | {"data.train": [str(text(tmp_path))]} | given
    return Replacing(resolve("tiny-electra", settings).recipe, tmp_path)


def by_hand() -> tuple[Electra, PretrainingBatch]:
    """Return a generator that always says 7 and a discriminator whose odds are 0.3 everywhere."""
    torch.manual_seed(0)
    shape = {"layers": 1, "d_model": 8, "heads": 2, "d_ff": 8, "dropout": 0.0, "max_length": 8}
    model = Electra(ElectraSettings(**shape, detection_weight=50.0), (12, 12))
    with torch.no_grad():
        model.generator.masked.norm.weight.zero_()
        model.generator.masked.bias[7] = 40.0
        model.discriminator.answer.weight.zero_()
        model.discriminator.answer.bias.fill_(0.3)
    batch = PretrainingBatch(
        ids=torch.tensor([[BOS, MASK, 6, MASK, EOS], [BOS, 6, EOS, PAD, PAD]]),
        real=torch.tensor([[True] * 5, [True] * 3 + [False] * 2]),
        segments=torch.zeros(2, 5, dtype=torch.long),
        labels=torch.tensor([[PAD, 7, PAD, 9, PAD], [PAD, 6, PAD, PAD, PAD]]),
        follows=None,
        tokens=3,
    )
    return model, batch


def test_the_loss_by_hand():
    model, batch = by_hand()
    found = replaced_loss(model, batch, 0.0)
    # Hidden are 7, 9 and 6; 7 costs nothing, the others 40 nats each. Drawn is 7 three times: the
    # first is the text's own, the others are two replaced tokens among eight.
    replaced, own = math.log(1 + math.exp(-0.3)), math.log(1 + math.exp(0.3))
    detection = (2 * replaced + 6 * own) / 8
    assert found.nll.item() == pytest.approx(80, rel=1e-5)
    assert found.smoothed.item() == pytest.approx(80 + 3 * 50 * detection, rel=1e-5)


def test_what_was_drawn_right_was_not_replaced():
    model, batch = by_hand()
    found = replace(model, batch)
    assert found.replaced.tolist() == [False, False, False, True, False, False, True, False]
    assert found.odds.tolist() == pytest.approx([0.3] * 8)


def test_the_generator_sees_every_chosen_token_hidden_and_the_discriminator_none():
    model, batch = by_hand()
    seen = {}

    def remember(name: str):
        return lambda module, given, out: seen.update({name: given[0]})

    model.generator.register_forward_hook(remember("generator"))
    model.discriminator.register_forward_hook(remember("discriminator"))
    replace(model, batch)
    assert seen["generator"].tolist() == [
        [BOS, MASK, 6, MASK, EOS],
        [BOS, MASK, EOS, PAD, PAD],  # the batch had left its 6 as it was
    ]
    assert seen["discriminator"].tolist() == [[BOS, 7, 6, 7, EOS], [BOS, 7, EOS, PAD, PAD]]


def test_no_gradient_goes_from_the_discriminator_to_the_generator(tmp_path: Path):
    made = task(tmp_path)
    model = made.model(torch.device("cpu"))
    assert isinstance(model, Electra)
    found = replace(model, made.batches.batch(0, 0))
    F.binary_cross_entropy_with_logits(found.odds, found.replaced.float()).backward()
    shared = {id(p) for p in model.discriminator.parameters()}
    own = [p for p in model.generator.parameters() if id(p) not in shared]
    assert len(own) > 10
    assert all(p.grad is None for p in own)
    tokens = model.discriminator.embedding.tokens.weight
    assert tokens.grad is not None
    assert tokens.grad.any()


def test_draws_come_from_the_stream_and_validation_does_not_move_it(tmp_path: Path):
    made = task(tmp_path)
    model = made.model(torch.device("cpu"))
    assert isinstance(model, Electra)
    batch = made.batches.batch(0, 0)
    seed_everything(1)
    first, second = (replaced_loss(model, batch, 0.0).smoothed for _ in range(2))
    seed_everything(1)
    assert torch.equal(replaced_loss(model, batch, 0.0).smoothed, first)
    assert not torch.equal(first, second)
    state = torch.get_rng_state()
    scores = made.validate(model)
    assert torch.equal(torch.get_rng_state(), state)
    assert made.validate(model) == scores
    weight = model.settings.detection_weight
    mean = math.log(len(made.tokenizer))
    assert scores["loss"] - weight * scores["detection_loss"] == pytest.approx(mean, rel=0.05)
    assert 0 <= scores["detection_accuracy"] <= 100
    assert set(scores) == set(made.metrics)
    assert made.higher_is_better("detection_f1")
    assert not made.higher_is_better("detection_loss")


def test_fine_tuning_starts_from_the_discriminator(tmp_path: Path):
    pre = resolve("tiny-electra", SMALL | {"data.train": [str(text(tmp_path))]})
    train(pre, tmp_path / "pre", quiet=True)
    lender = load_bundle(tmp_path / "pre").model
    assert isinstance(lender, Electra)
    labelled = tmp_path / "labelled.tsv"
    labelled.write_text("".join(f"line {k}\t{k % 2}\n" for k in range(60)), encoding="utf-8")
    words = tmp_path / "words.tsv"
    words.write_text("".join(f"line {k}\tA B\n" for k in range(60)), encoding="utf-8")
    for name, kind, file in (
        ("classify", Classification, labelled),
        ("regress", Classification, labelled),
        ("tag", Tagging, words),
    ):
        given = {"data.train": [str(file)], "data.dev_share": 0.2, "start_from": f"{tmp_path}/pre"}
        made = kind(resolve(name, given).recipe, tmp_path / name)
        model = made.model(torch.device("cpu"))
        assert isinstance(model, BERT)
        lent = dict(lender.discriminator.named_parameters())
        own = dict(model.named_parameters())
        assert own.keys() - lent.keys() <= {"pooler.weight", "pooler.bias"}
        for parameter, value in own.items():
            if parameter in lent and not parameter.startswith("answer."):
                assert torch.equal(value, lent[parameter]), parameter
        assert not own["answer.bias"].any()  # the head that found replaced tokens stays behind
        assert lender.discriminator.answer.bias.any()


def test_without_chosen_tokens_nothing_breaks():
    model, batch = by_hand()
    empty = PretrainingBatch(**(vars(batch) | {"labels": torch.zeros_like(batch.labels)}))
    found = replaced_loss(model, empty, 0.0)
    assert found.nll == 0
    assert found.smoothed.isfinite()
    found.smoothed.backward()


def test_what_does_not_fit_says_so(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"The task `replaced` needs `model\.family` electra"):
        Replacing(resolve("tiny-bert", {"task": "replaced"}).recipe, tmp_path)
    with pytest.raises(
        ConfigError, match=r"`data\.rows: full` cannot be combined with `data\.next_sentence: true`"
    ):
        task(tmp_path, data__next_sentence=True)
    with pytest.raises(ConfigError, match=r"Choose from loss, masked_accuracy, detection_loss"):
        task(tmp_path).higher_is_better("bleu")
