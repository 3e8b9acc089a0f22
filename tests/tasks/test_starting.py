"""A run starts from another run: its weights, tokenizers and settings, for every task."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from whyformer.bundle import load_bundle
from whyformer.cli.main import main
from whyformer.foundation.errors import ConfigError
from whyformer.recipes.recipe import Resolved, resolve
from whyformer.tasks.build import data_key_of, open_task
from whyformer.text.symbols import FIRST_PIECE
from whyformer.workflows.auto.resolve import resolve_automatically
from whyformer.workflows.train import train

COMMON: dict[str, Any] = {
    "training.minutes": None, "training.updates": 4, "training.warmup": 1,
    "training.batch_tokens": 256, "validation.every": 4, "validation.verdict": False,
}  # fmt: skip
NARROW = {"model.d_model": 16, "model.heads": 2, "model.d_ff": 16}
BERT = NARROW | {"model.layers": 1, "data.row_tokens": 32, "text.vocabulary": 300}
RECIPES: dict[str, tuple[str, dict[str, Any]]] = {
    "transformer": (
        "translate", NARROW | {"model.encoder_layers": 1, "model.decoder_layers": 1}
    ),
    "rnn": ("pronounce-lstm", {"model.d_model": 16, "text.source_units": "chars",
                               "text.target_units": "chars", "data.builtin": None}),
    "gpt": ("tiny-gpt", NARROW | {"model.layers": 1, "data.row_tokens": 32, "data.builtin": None}),
    "rnn-lm": ("tiny-lstm-lm", {"model.d_model": 16, "data.row_tokens": 32, "data.builtin": None}),
    "bert": ("tiny-bert", BERT | {"data.documents": "lines", "data.next_sentence": False,
                                  "data.builtin": None}),
    "electra": ("tiny-electra", BERT | {"data.documents": "lines", "data.builtin": None}),
    "classify": ("classify", BERT),
    "regress": ("regress", BERT),
    "tag": ("tag", BERT),
}  # fmt: skip
FORMS = {
    "transformer": "pairs", "rnn": "pairs", "gpt": "text", "rnn-lm": "text", "bert": "text",
    "electra": "text", "classify": "labels", "regress": "numbers", "tag": "tags",
}  # fmt: skip


def lines_of(form: str, word: str) -> str:
    """Return a file with items of a form; files with another word are other data."""
    made = {
        "pairs": "{word} {n} a\tz {n} {word}",
        "text": "the {word} of number {n} is near",
        "labels": "the {word} {n}\t{label}",
        "numbers": "the {word} {n}\t{n}.5",
        "tags": "the {word} {n}\tO B-X {label}",
    }[form]
    labels = ("O", "B-X") if form == "tags" else ("no", "yes")
    return "".join(made.format(word=word, n=n, label=labels[n % 2]) + "\n" for n in range(60))


def data(directory: Path, kind: str, word: str) -> str:
    file = directory / f"{FORMS[kind]}-{word}.tsv"
    file.write_text(lines_of(FORMS[kind], word), encoding="utf-8")
    return str(file)


@pytest.fixture(scope="module", params=RECIPES)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with one finished run of each kind, made when it is first asked for."""
    return tmp_path_factory.mktemp("starts")


def first(runs: Path, kind: str) -> Path:
    if not (runs / kind).exists():
        name, shape = RECIPES[kind]
        wanted = COMMON | shape | {"data.train": [data(runs, kind, "cat")]}
        train(resolve(name, wanted), runs / kind, quiet=True)
    return runs / kind


def further(runs: Path, kind: str, **changes: Any) -> Resolved:
    """Return the recipe of a run that starts from the first run, with other data."""
    changes = {name.replace("__", "."): value for name, value in changes.items()}
    given = {"start_from": str(first(runs, kind)), "data.train": [data(runs, kind, "dog")]}
    return resolve(None, given | changes)


def weights(model: torch.nn.Module) -> dict[str, Tensor]:
    return {name: parameter.detach().clone() for name, parameter in model.named_parameters()}


def test_every_kind_goes_on_with_its_own_weights_and_settings(runs: Path, kind: str, tmp_path):
    before = load_bundle(first(runs, kind))
    recipe = further(runs, kind).recipe
    assert recipe.task == resolve(RECIPES[kind][0]).recipe.task
    assert recipe.training.updates == 4  # from the recipe of the first run
    task = open_task(recipe, tmp_path)
    bundle = task.bundle(task.model(torch.device("cpu")), {})
    assert bundle.source_tokenizer.fingerprint == before.source_tokenizer.fingerprint
    assert bundle.target_tokenizer.fingerprint == before.target_tokenizer.fingerprint
    began, given = weights(bundle.model), weights(before.model)
    assert began.keys() == given.keys()
    new = {name for name in began if not torch.equal(began[name], given[name])}
    assert new == ({"answer.weight", "answer.bias"} if kind == "regress" else set())
    train(further(runs, kind), tmp_path / "run", quiet=True)
    learned = weights(load_bundle(tmp_path / "run").model)
    assert any(not torch.equal(learned[name], began[name]) for name in began)


def test_the_data_of_a_run_includes_the_weights_it_starts_from(runs: Path, tmp_path: Path):
    for kind in ("transformer", "gpt", "tag"):
        recipe = further(runs, kind).recipe
        task = open_task(recipe, tmp_path / kind)
        assert task.key == data_key_of(recipe, tmp_path / kind)
        assert task.key != data_key_of(recipe.model_copy(update={"start_from": None}), tmp_path)


def test_outputs_of_known_labels_are_kept(runs: Path, tmp_path: Path):
    before = load_bundle(first(runs, "classify"))
    file = tmp_path / "three.tsv"
    rows = "".join(f"the dog {n}\t{('yes', 'maybe', 'no')[n % 3]}\n" for n in range(60))
    file.write_text(rows, encoding="utf-8")
    task = open_task(further(runs, "classify", data__train=[str(file)]).recipe, tmp_path)
    model: Any = task.model(torch.device("cpu"))
    known = before.facts["labels"]
    assert known == ["no", "yes"]
    old: Any = before.model
    for place, label in enumerate(["maybe", "no", "yes"]):
        same = [torch.equal(model.answer.weight[place], row) for row in old.answer.weight]
        assert same == [label == one for one in known]


@pytest.mark.parametrize(
    ("start", "task"),
    [("bert", "classify"), ("electra", "tag"), ("classify", "tag"), ("tag", "masked")],
)
def test_an_encoder_of_another_task_gets_a_new_head(runs: Path, tmp_path: Path, start, task):
    kind = {"masked": "bert"}.get(task, task)
    file = data(runs, kind, "dog")
    given: dict[str, Any] = {"start_from": str(first(runs, start)), "task": task}
    given |= COMMON | {"data.train": [file], "data.row_tokens": 32}
    given |= {"data.documents": "lines", "data.next_sentence": False} if task == "masked" else {}
    opened = open_task(resolve(None, given).recipe, tmp_path)
    began = weights(opened.model(torch.device("cpu")))
    given_weights = weights(load_bundle(first(runs, start)).model)
    prefix = "discriminator." if start == "electra" else ""
    copied = [name for name in began if name.startswith(("embedding.", "layers.0."))]
    assert copied
    for name in copied:
        assert torch.equal(began[name], given_weights[prefix + name])


def test_the_pooling_is_that_of_the_recipe_or_of_the_run_to_start_from(runs: Path, tmp_path: Path):
    file = data(runs, "classify", "dog")
    given: dict[str, Any] = {"start_from": str(first(runs, "bert")), "task": "classify"}
    given |= COMMON | {"data.train": [file], "data.row_tokens": 32}
    mean = resolve(None, given | {"model.pooling": "mean"})
    train(mean, tmp_path / "mean")
    for wanted, start, asked in [
        ("first", first(runs, "bert"), {}),
        ("mean", tmp_path / "mean", {}),
        ("first", tmp_path / "mean", {"model.pooling": "first"}),
    ]:
        recipe = resolve(None, given | {"start_from": str(start)} | asked).recipe
        assert recipe.model.pooling == wanted


def test_weights_of_characters_are_kept_for_the_same_labels_only(runs: Path, tmp_path: Path):
    given = COMMON | {"data.train": [data(runs, "classify", "dog")], "data.row_tokens": 32}
    given |= {"start_from": str(first(runs, "bert")), "task": "classify"}
    reads = {"model.character_ngrams": 3, "model.character_ngram_rows": 97}
    train(resolve(None, given | reads), tmp_path / "run")
    learned = weights(load_bundle(tmp_path / "run").model)["characters.table.weight"]
    assert learned.abs().sum() > 0
    file = tmp_path / "three.tsv"
    rows = "".join(f"the dog {n}\t{('yes', 'maybe', 'no')[n % 3]}\n" for n in range(60))
    file.write_text(rows, encoding="utf-8")
    for asked, kept in [
        ({}, True),
        ({"data.train": [str(file)]}, False),
        ({"model.character_ngram_rows": 89}, False),
    ]:
        recipe = resolve(None, given | {"start_from": str(tmp_path / "run")} | asked).recipe
        model = open_task(recipe, tmp_path / "next").model(torch.device("cpu"))
        began = weights(model)["characters.table.weight"]
        assert torch.equal(began, learned) if kept else began.abs().sum() == 0


@pytest.mark.parametrize("task", ["classify", "regress"])
def test_a_loaded_model_reads_the_same_characters(runs: Path, tmp_path: Path, task: str):
    given = BERT | COMMON | {"model.character_ngrams": 3, "training.updates": 30}
    file = data(runs, task, "dog")
    recipe = resolve(
        RECIPES[task][0], given | {"data.train": [file], "training.learning_rate": 0.1}
    )
    train(recipe, tmp_path / "run")
    model: Any = load_bundle(tmp_path / "run").model
    opened: Any = open_task(recipe.recipe, tmp_path / "again")
    trained: Any = opened.model(torch.device("cpu")).eval()
    trained.load_state_dict(dict(model.named_parameters()))
    ids = torch.tensor([opened.rows.batch(0, 0).ids[0].tolist()])
    with torch.no_grad():
        assert model.characters(ids).abs().sum() > 0
        assert_close(model.answers(ids, None, None), trained.answers(ids, None, None))


def test_frozen_weights_do_not_change(runs: Path, tmp_path: Path, capsys):
    recipe = further(runs, "transformer", freeze=["encoder.*", "*.norm.weight"])
    began = weights(load_bundle(first(runs, "transformer")).model)
    train(recipe, tmp_path / "run")
    assert "`encoder.embedding.weight`, which is also the embedding" in capsys.readouterr().err
    learned = weights(load_bundle(tmp_path / "run").model)
    moved = {name for name in began if not torch.equal(began[name], learned[name])}
    assert moved
    # A tied embedding has one name, that of the encoder.
    assert not any(name.startswith("encoder.") or name.endswith(".norm.weight") for name in moved)


def test_new_pieces_start_at_the_mean_of_the_pieces_that_spelled_them(
    runs: Path, kind: str, tmp_path: Path
):
    before = load_bundle(first(runs, kind))
    word = "wombat"  # of letters and pieces that the first run does not know
    file = data(runs, kind, word)
    recipe = further(runs, kind, extend_vocabulary=20, data__train=[file])
    task = open_task(recipe.recipe, tmp_path)
    bundle = task.bundle(task.model(torch.device("cpu")), {})
    old, new = before.source_tokenizer, bundle.source_tokenizer
    assert len(old) < len(new) <= len(old) + 20
    assert list(new.pieces)[: len(old.pieces)] == list(old.pieces)
    assert min(new.encode(word)) >= FIRST_PIECE > min(old.encode(word))
    tables = [n for n, p in bundle.model.named_parameters() if len(p) == len(new)]
    assert tables
    began, given = weights(bundle.model), weights(before.model)
    for name in tables:
        assert torch.equal(began[name][: len(old)], given[name])
        for place in range(len(old), len(new)):
            ids = old.ids_of_piece(new.pieces[place - FIRST_PIECE])
            assert b"".join(old.spellings[i] for i in ids) == new.spellings[place]
            assert_close(began[name][place], given[name][ids].mean(0))
    assert task.key == data_key_of(recipe.recipe, tmp_path)
    again = open_task(recipe.recipe, tmp_path)  # from the tokenizers that the run keeps
    assert again.bundle(bundle.model, {}).source_tokenizer.fingerprint == new.fingerprint
    train(recipe, tmp_path / "run", quiet=True)
    assert len(load_bundle(tmp_path / "run").source_tokenizer) == len(new)


def test_each_side_of_a_model_gets_its_own_pieces(tmp_path: Path):
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("".join(f"ab {n}\txy {n}\n" for n in range(60)), encoding="utf-8")
    name, shape = RECIPES["transformer"]
    apart = {"text.shared": False, "text.units": "chars", "model.tying": "decoder"}
    train(resolve(name, COMMON | shape | apart | {"data.train": [str(pairs)]}),
          tmp_path / "first", quiet=True)  # fmt: skip
    pairs.write_text("".join(f"cd {n}\tzw {n}\n" for n in range(60)), encoding="utf-8")
    given = {"start_from": str(tmp_path / "first"), "extend_vocabulary": 5}
    task = open_task(resolve(None, given | {"data.train": [str(pairs)]}).recipe, tmp_path / "run")
    bundle = task.bundle(task.model(torch.device("cpu")), {})
    before = load_bundle(tmp_path / "first")
    assert bundle.source_tokenizer.pieces[len(before.source_tokenizer.pieces) :] == ("c", "d")
    assert bundle.target_tokenizer.pieces[len(before.target_tokenizer.pieces) :] == ("w", "z")
    began, old = weights(bundle.model), weights(before.model)
    spelled = before.target_tokenizer.ids_of_piece("w")
    last = began["decoder.embedding.weight"][-2]
    assert_close(last, old["decoder.embedding.weight"][spelled].mean(0))


@pytest.mark.parametrize(
    ("patterns", "said"),
    [(["nothing.*"], "matches no parameter"), (["*"], "leaves no parameter")],
)
def test_wrong_patterns_are_refused(runs: Path, tmp_path: Path, patterns, said):
    recipe = further(runs, "gpt", freeze=patterns).recipe
    with pytest.raises(ConfigError, match=said):
        open_task(recipe, tmp_path).model(torch.device("cpu"))


def test_a_model_directory_without_a_recipe(runs: Path, tmp_path: Path):
    model = first(runs, "rnn") / "model"
    alone = tmp_path / "alone"
    alone.mkdir()
    for file in model.iterdir():
        (alone / file.name).write_bytes(file.read_bytes())
    given = {"start_from": str(alone), "data.train": [data(runs, "rnn", "dog")]}
    recipe = resolve(None, given).recipe
    assert (recipe.task, recipe.model.family) == ("translate", "rnn")
    assert recipe.text.of_source == "chars"
    for name in ("config.json", "source.json"):
        (alone / name).write_bytes((first(runs, "bert") / "model" / name).read_bytes())
    with pytest.raises(ConfigError, match="Name the task with --task"):
        resolve(None, given)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--task", "language"], "needs a model of family gpt or rnn-lm"),
        (["--model.d-model", "8"], "the shape comes from the model in --start-from"),
        (["--text.units", "chars"], "the tokenizer comes from --start-from"),
        (["--preset", "tiny"], "the shape comes from the model in --start-from"),
    ],
)
def test_wrong_starts_are_refused(runs: Path, tmp_path: Path, capsys, arguments, said):
    start = str(first(runs, "transformer"))
    out = ["--out", str(tmp_path / "run"), "--data", data(runs, "transformer", "dog")]
    assert main(["train", "--start-from", start, *out, *arguments]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_the_origin_of_the_settings_is_shown(runs: Path, capsys: pytest.CaptureFixture[str]):
    start = str(first(runs, "transformer"))
    assert main(["config", "show", "--start-from", start, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["model.d_model"] == {"value": 16, "origin": f"start_from {start}"}
    assert found["training.updates"]["origin"].startswith(f"{start}/recipe.yaml:")
    assert found["data.train"]["value"] == []


@pytest.mark.parametrize("start", ["bert", "electra", "tag", "regress"])
def test_labels_in_the_data_decide_the_task_of_a_pretrained_encoder(runs: Path, start: str):
    given = {"start_from": str(first(runs, start))}
    found = []
    for kind in ("classify", "tag", "bert"):
        asked = given | {"data.train": [data(runs, kind, "dog")]}
        found.append(resolve_automatically(None, asked).recipe.task)
    expected = {
        "bert": ["classify", "tag", "masked"], "electra": ["classify", "tag", "replaced"],
        "tag": ["tag", "tag", "tag"], "regress": ["regress", "regress", "regress"],
    }  # fmt: skip
    assert found == expected[start]


@pytest.mark.parametrize("overwrite", [[], ["--overwrite"]])
@pytest.mark.parametrize("part", ["", "model"])
def test_a_run_cannot_start_from_itself(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], overwrite, part: str
) -> None:
    own = tmp_path / "own"
    shutil.copytree(first(runs, "transformer"), own)
    more = data(runs, "transformer", "dog")
    start = ["train", "--start-from", str(own / part), "--data", more, "--out", str(own)]
    assert main([*start, *overwrite]) == 2
    assert "`--out` must be another directory" in capsys.readouterr().err
    assert (own / "model" / "model.safetensors").is_file()


def test_given_updates_replace_the_epochs_of_the_first_run(runs: Path, tmp_path: Path) -> None:
    bounded = tmp_path / "bounded"
    shutil.copytree(first(runs, "transformer"), bounded)
    file = bounded / "recipe.yaml"
    text = file.read_text(encoding="utf-8")
    assert "epochs: null" in text
    file.write_text(text.replace("epochs: null", "epochs: 3.0"), encoding="utf-8")
    start = {"start_from": str(bounded)}
    assert resolve(None, start).recipe.training.epochs == 3.0
    assert resolve(None, start | {"training.updates": 9}).recipe.training.epochs is None


def test_a_path_must_be_a_text() -> None:
    for key in ("start_from", "continue_from"):
        with pytest.raises(ConfigError, match="must be the path of a run, but it is 5"):
            resolve(None, {key: 5, "training.updates": 3})
