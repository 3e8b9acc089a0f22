"""Labels of words: learned, started from a pre-trained run, used, refused."""

import json
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from whyformer.bundle import load_bundle
from whyformer.cli.main import main
from whyformer.data.tagged import NOTHING
from whyformer.foundation.errors import ConfigError, DataError
from whyformer.models.bert import BERT
from whyformer.recipes.recipe import Resolved, resolve
from whyformer.tasks.tagging import Tagger, Tagging
from whyformer.workflows.labelling import load_labeller
from whyformer.workflows.train import train

SMALL = {
    "model.layers": 1,
    "model.d_model": 16,
    "model.heads": 2,
    "model.d_ff": 32,
    "model.dropout": 0.0,
    "training.minutes": None,
    "training.updates": 60,
    "training.warmup": 3,
    "training.learning_rate": 0.01,
    "training.batch_tokens": 256,
    "validation.every": 20,
    "text.vocabulary": 300,
    "text.units": "bpe",
}
NAMES = ("Ann Lee", "Bo", "Cy Dee Fox")
VERBS = ("met", "saw", "heard")


def sentences(directory: Path, name: str = "names.tsv") -> Path:
    """Write sentences of people who meet; who is a name is clear from its words."""
    path = directory / name
    lines = []
    for one in NAMES:
        for verb in VERBS:
            for other in NAMES:
                for number in range(3):
                    words, labels = [], []
                    for name_ in (one, other):
                        parts = name_.split()
                        words += [*parts, verb]
                        labels += ["B-PER", *["I-PER"] * (len(parts) - 1), "O"]
                    words[-1:], labels[-1:] = ["today", str(number)], ["O", "O"]
                    lines.append(f"{' '.join(words)}\t{' '.join(labels)}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def asked(path: Path, **changes: object) -> Resolved:
    given = {key.replace("__", "."): value for key, value in changes.items()}
    return resolve("tag", SMALL | {"data.train": [str(path)], "data.dev_share": 0.2} | given)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("tag")
    train(asked(sentences(directory)), directory / "run", quiet=True)
    return directory / "run"


def test_words_are_labelled(run: Path):
    tagger = load_labeller(run)
    assert isinstance(tagger, Tagger)
    given = [["Bo", "saw", "Ann", "Lee", "today", "2"], [], ["Cy", "Dee", "Fox", "met", "Bo"]]
    assert tagger.tag(given) == [
        ["B-PER", "O", "B-PER", "I-PER", "O", "O"],
        [],
        ["B-PER", "I-PER", "I-PER", "O", "B-PER"],
    ]
    assert tagger.tag(given[2:]) == tagger.tag(given)[2:]
    long = ["Ann", "Lee", "saw"] * 60  # many rows
    assert len(tagger.tag([long])[0]) == 180


def test_a_run_is_measured_and_used(run: Path, capsys: pytest.CaptureFixture[str]):
    file = run.parent / "names.tsv"
    assert main(["evaluate", str(run), "--labelled", str(file), "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)["systems"][0]["scores"]
    assert [one["name"] for one in scores] == ["accuracy", "span_f1"]
    assert scores[1]["value"] > 95
    for one in scores:  # where every sentence is right, resampling shows nothing
        low, high = one["interval"] or (one["value"], one["value"])
        assert low <= one["value"] <= high
        assert (one["interval"] is None) == (one["note"] is not None)
    assert main(["classify", str(run), "--text", "Bo saw Ann Lee", "--text", ""]) == 0
    assert capsys.readouterr().out == "B-PER O B-PER I-PER\n\n"
    assert main(["classify", str(run), "--text", "Bo met", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "index": 1, "text": "Bo met", "words": ["Bo", "met"], "labels": ["B-PER", "O"],
    }  # fmt: skip
    wrong = ["evaluate", str(run), "--labelled", str(file), "--columns", "a", "b", "c"]
    assert main(wrong) == 2
    assert "labels the words of single texts" in capsys.readouterr().err
    a_word_a_line = run.parent / "names.conll"
    a_word_a_line.write_text("Bo B-PER\nmet O\n", encoding="utf-8")
    assert main(["evaluate", str(run), "--labelled", str(a_word_a_line)]) == 0
    assert "1 item is too few for an interval" in capsys.readouterr().out
    wrong = ["evaluate", str(run), "--labelled", str(a_word_a_line), "--columns", "a", "b"]
    assert main(wrong) == 2
    assert "has one word per line, and no column `a`" in capsys.readouterr().err


@pytest.mark.parametrize("frozen", [False, True])
def test_a_run_starts_from_a_pretrained_one(tmp_path: Path, frozen: bool):
    text = tmp_path / "text.txt"
    text.write_text("\n".join(f"Ann Lee saw Bo {k}" for k in range(60)), encoding="utf-8")
    shape = {key: value for key, value in SMALL.items() if not key.startswith("validation")}
    pretraining = resolve(
        "tiny-bert",
        shape
        | {
            "data.train": [str(text)], "data.documents": "lines", "data.next_sentence": False,
            "training.updates": 5, "validation.every": 5,
        },
    )  # fmt: skip
    train(pretraining, tmp_path / "pre", quiet=True)
    start = load_bundle(tmp_path / "pre")
    recipe = asked(
        sentences(tmp_path), start_from=str(tmp_path / "pre"), frozen=frozen,
        training__updates=4, validation__every=4,
    )  # fmt: skip
    task = Tagging(recipe.recipe, tmp_path / "new")
    assert task.tokenizer.fingerprint == start.source_tokenizer.fingerprint
    fresh = dict(task.model(torch.device("cpu")).named_parameters())
    given = dict(start.model.named_parameters())
    assert torch.equal(fresh["layers.0.feedforward.expand.weight"],
                       given["layers.0.feedforward.expand.weight"])  # fmt: skip
    train(recipe, tmp_path / "run", quiet=True)
    learned = dict(load_bundle(tmp_path / "run").model.named_parameters())
    moved = {name for name in learned if not torch.equal(learned[name], fresh[name])}
    assert {"answer.weight", "answer.bias"} <= moved
    assert (moved == {"answer.weight", "answer.bias"}) == frozen


def test_the_loss_is_over_words_only(tmp_path: Path):
    task = Tagging(asked(sentences(tmp_path)).recipe, tmp_path / "run")
    model = task.model(torch.device("cpu"))
    assert isinstance(model, BERT)
    batch = task.batches.batch(0, 0)
    found = task.loss(model, batch, 0.0)
    answers = model.token_answers(batch.ids, batch.real)
    wanted = F.cross_entropy(
        answers.flatten(0, 1), batch.labels.flatten(), ignore_index=NOTHING, reduction="mean"
    )
    assert_close(found.nll / batch.tokens, wanted.detach())
    found.smoothed.backward()
    assert all(p.grad is not None for n, p in model.named_parameters() if "segments" not in n)


def test_metrics_are_those_of_the_labels(tmp_path: Path):
    task = Tagging(asked(sentences(tmp_path)).recipe, tmp_path / "run")
    assert task.higher_is_better("span_f1")
    assert not task.higher_is_better("loss")
    plain = tmp_path / "plain.tsv"
    plain.write_text("".join(f"a b {k}\tX Y Z\n" for k in range(40)), encoding="utf-8")
    task = Tagging(asked(plain).recipe, tmp_path / "other")
    with pytest.raises(ConfigError, match=r"span_f1 needs labels such as O, B-X and I-X"):
        task.higher_is_better("span_f1")
    assert set(task.validate(task.model(torch.device("cpu")))) == {"loss", "accuracy"}


def test_bad_data_is_named(tmp_path: Path):
    path = tmp_path / "t.tsv"
    path.write_text("a b\tO O\n" * 60, encoding="utf-8")
    with pytest.raises(DataError, match="two different labels, but all labels are `O`"):
        Tagging(asked(path, data__dev=[str(path)]).recipe, tmp_path / "run")
    with pytest.raises(DataError, match="cannot be divided into training and validation"):
        Tagging(asked(path).recipe, tmp_path / "run")
    with pytest.raises(ConfigError, match=r"needs `model\.family` bert, but it"):
        Tagging(resolve("copy", {"task": "tag"}).recipe, tmp_path / "run")


def test_texts_of_unknown_characters_are_named_once(run: Path, tmp_path: Path, capsys):
    (tmp_path / "in.txt").write_text("Bo saw Ann\n안녕하세요\n여러분\n", encoding="utf-8")
    assert main(["classify", str(run), "--input", str(tmp_path / "in.txt")]) == 0
    said = capsys.readouterr().err
    assert said.count("In 2 sources (lines 2, 3) most characters are unknown") == 1
    (tmp_path / "test.tsv").write_text("Bo saw\tB-PER O\n안녕하세요\tO\n", encoding="utf-8")
    assert main(["evaluate", str(run), "--labelled", str(tmp_path / "test.tsv")]) == 0
    assert "In 1 source (line 2) most characters are unknown" in capsys.readouterr().err
