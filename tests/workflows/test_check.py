"""Checks before a long run: sound recipes pass, and every fault is found and said."""

import json
import math
from pathlib import Path
from unittest.mock import patch

import pytest
import torch

import tiny
from whyformer.bundle import load_bundle
from whyformer.cli.main import main
from whyformer.data.pretraining_rows import PretrainingBatch
from whyformer.data.rows import text_batch
from whyformer.models.bert import BERT, BERTSettings
from whyformer.recipes.recipe import Resolved, resolve
from whyformer.tasks.build import open_task
from whyformer.text.symbols import FIRST_BYTE
from whyformer.workflows.check import checks, text_tasks
from whyformer.workflows.check.checks import check
from whyformer.workflows.check.text_tasks import least_loss
from whyformer.workflows.check.trial import rise
from whyformer.workflows.train import train

pytestmark = pytest.mark.usefixtures("unchecked")
SMALL = {
    "model.d_model": 32,
    "training.minutes": None,
    "training.updates": 100,
    "training.batch_tokens": 512,
    "training.optimizer": "adamw",
}
STACK = {"model.layers": 1, "model.heads": 2, "model.d_ff": 64}
TEXT = {"data.documents": "lines", "data.row_tokens": 32}
ANIMALS = ("cat meows", "dog barks", "cow moos", "hen clucks", "pig oinks")
LABELS = {
    "classify": lambda k, words: words[1],
    "regress": lambda k, words: str(ANIMALS.index(" ".join(words[1:3]))),
    "tag": lambda k, words: " ".join("B-A" if k == 1 else "O" for k in range(len(words))),
}
ALWAYS = ["gradients are finite", "memorizes one batch", "reads its text"]
LANGUAGE = ["predicts the next token", "no token sees a later one", "incremental decoding is exact"]
TIMED = ["speed", "largest batch fits"]
FOUND = {
    "tiny-gpt": [*ALWAYS, *LANGUAGE, *TIMED],
    "tiny-lstm-lm": [*ALWAYS, *LANGUAGE[:2], "no document sees another", LANGUAGE[2], *TIMED],
    "tiny-bert": [*ALWAYS[:2], "every token sees the others", "padding changes nothing", *TIMED],
    "tiny-electra": [*ALWAYS[:2], "every token sees the others", "padding changes nothing", *TIMED],
    "classify": [*ALWAYS, "padding changes nothing", *TIMED],
    "regress": [*ALWAYS, "padding changes nothing", *TIMED],
    "tag": [*ALWAYS, "padding changes nothing", *TIMED],
}


def test_the_weights_to_start_from_memorize_the_pairs(tmp_path, monkeypatch):
    """Only the dropout and the frozen weights differ from the run."""
    tiny_copy = SMALL | {"training.updates": 2, "model.dropout": 0.2, "validation.sentences": 2}
    train(resolve("copy", tiny_copy), tmp_path / "first", quiet=True)
    started = {"start_from": str(tmp_path / "first"), "data.builtin": "copy"}
    task = open_task(resolve(None, started | {"freeze": ["encoder.*"]}).recipe, tmp_path / "next")
    monkeypatch.setattr(checks, "fit", lambda *_, **__: iter(()))
    model, _, _ = checks._overfit(task, torch.device("cpu"))
    before = dict(load_bundle(tmp_path / "first").model.named_parameters())
    assert all(torch.equal(one, before[name]) for name, one in model.named_parameters())
    assert all(one.requires_grad for one in model.parameters())
    assert {one.p for one in model.modules() if isinstance(one, torch.nn.Dropout)} <= {0.0}


def recipe(name: str, directory: Path, **changes: object) -> Resolved:
    given = {key.replace("__", "."): value for key, value in changes.items()}
    sentences = [f"the {one} {k} times".split() for k in range(40) for one in ANIMALS]
    file = directory / "data.tsv"
    if name in LABELS:
        lines = [
            f"{' '.join(words)}\t{LABELS[name](k, words)}" for k, words in enumerate(sentences)
        ]
        more = {"data.dev_share": 0.2, "text.units": "words"}
    else:
        lines = [" ".join(words) for words in sentences]
        more = TEXT | {"text.units": "chars" if name == "tiny-bert" else "words"}
        more |= {"data.packing": "documents"} if name == "tiny-lstm-lm" else {}
        more |= {"data.documents": "paragraphs"} if name == "tiny-bert" else {}
    step = 5 if name == "tiny-bert" else len(lines)
    blocks = ["\n".join(lines[k : k + step]) for k in range(0, len(lines), step)]
    file.write_text("\n\n".join(blocks) + "\n", encoding="utf-8")
    stack = {} if name == "tiny-lstm-lm" else STACK
    return resolve(name, SMALL | stack | more | {"data.train": [str(file)]} | given)


@pytest.mark.parametrize("name", FOUND)
def test_a_sound_recipe_passes(tmp_path: Path, name: str):
    report = check(recipe(name, tmp_path), quiet=True)
    assert [one.name for one in report.findings] == FOUND[name]
    assert report.passed, report.render()
    assert report.render().endswith(f"{name}: ready to train")


def test_labels_that_texts_do_not_decide_are_found(tmp_path: Path):
    asked = recipe("classify", tmp_path)
    lines = [f"the {k % 3}\t{'ab'[k // 3 % 2]}" for k in range(120)]
    (tmp_path / "data.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with patch("whyformer.workflows.check.trial.MAX_UPDATES", 40):
        report = check(asked, quiet=True)
    found = {one.name: one for one in report.findings}
    assert not found["memorizes one batch"].passed
    assert "check the data" in found["memorizes one batch"].detail
    assert not found["reads its text"].passed
    assert "the model does not use the tokens" in found["reads its text"].detail
    assert report.render().endswith("classify: do not train yet")


def test_a_loss_that_is_not_finite_is_found(tmp_path: Path):
    task = text_tasks.open_task(recipe("classify", tmp_path).recipe, tmp_path / "run")
    model = task.model(torch.device("cpu"))
    assert isinstance(model, BERT)
    with torch.no_grad():
        model.embedding.tokens.weight.fill_(math.inf)
    found = text_tasks._gradients(recipe("classify", tmp_path).recipe, task, model)
    assert not found.passed
    assert "not finite in embedding.tokens.weight" in found.detail


def batch(*, packed: bool = False):
    g = torch.Generator().manual_seed(0)
    rows = [[one.numpy() for one in tiny.ids(g, 2, 5)] for _ in range(3)]
    return text_batch(rows, packed=packed)


class Sees(tiny.GPT):
    """A GPT whose every token sees the mean of all."""

    def features(self, target, documents=None, histories=None):
        x = super().features(target, documents, histories)
        return x + x.mean(1, keepdim=True)


def test_faults_of_a_language_model_are_found():
    with patch.object(text_tasks, "FIRST_BYTE", tiny.FIRST_WORD):
        sound, faulty = tiny.gpt().eval(), Sees(tiny.gpt().settings, (13, 13)).eval()
        for look, packed in (
            (text_tasks._later, False),
            (text_tasks._other_documents, True),
            (text_tasks._one_by_one, False),
        ):
            assert look(sound, batch(packed=packed)).passed
            found = look(faulty, batch(packed=packed))
            assert not found.passed
            assert "This is a bug in whyformer: report it" in found.detail


class Deaf(BERT):
    """A BERT whose tokens see nothing of each other, but their neighbours in padding."""

    def forward(self, ids, real=None, segments=None):
        x = self.embedding(ids, segments, self.positions)
        return x + (0 if real is None else real.sum())


def test_faults_of_an_encoder_are_found():
    shape = {"layers": 1, "d_model": 16, "heads": 2, "d_ff": 8, "max_length": 16, "dropout": 0.0}
    settings = BERTSettings(**shape)
    ids = torch.arange(FIRST_BYTE, FIRST_BYTE + 12).view(2, 6)
    nothing = torch.zeros_like(ids)
    given = PretrainingBatch(
        ids=ids, real=None, segments=nothing, labels=nothing, follows=None, tokens=1
    )
    sound, deaf = (kind(settings, (30, 30)).eval() for kind in (BERT, Deaf))
    for look, said in (
        (text_tasks._sees, "changes 1 of 6 output vectors; all output vectors must"),
        (text_tasks._padding, "the difference must be below 0.001"),
    ):
        assert look(sound, given).passed
        found = look(deaf, given)
        assert not found.passed
        assert said in found.detail


def test_least_loss_is_what_the_past_does_not_tell():
    one = text_batch([[torch.tensor(row).numpy()] for row in ([5, 6], [7, 6])], packed=False)
    assert least_loss(one) == pytest.approx(2 * math.log(2) / 4)
    parts = [[torch.tensor(part).numpy() for part in ([5, 6], [5, 7])]]
    assert least_loss(text_batch(parts, packed=True)) == pytest.approx(2 * math.log(2) / 4)
    assert least_loss(text_batch(parts, packed=False)) == 0


def test_a_rise_is_judged():
    assert rise("n", "tokens shuffled", "nats", 0.1, 0.5).passed
    found = rise("n", "tokens shuffled", "nats", 0.1, 0.2)
    assert not found.passed
    assert found.detail == (
        "loss 0.100 becomes 0.200 nats with tokens shuffled; the loss must rise by 0.2: "
        "the model does not use the tokens"
    )


def test_the_command_takes_a_task(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file = recipe("tag", tmp_path).recipe.data.train[0]
    flags = [f"--{key.replace('_', '-')}={value}" for key, value in (SMALL | STACK).items()
             if value is not None]  # fmt: skip
    words = ["check", "--task", "tag", "--data", file, "--json", "--data.dev-share=0.2", *flags]
    assert main([*words, "--text.units=words", "--training.minutes=null"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["passed"]
    assert [one["name"] for one in found["findings"]] == FOUND["tag"]
