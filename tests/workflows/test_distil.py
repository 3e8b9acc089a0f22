"""A student learns from trained models, for every task that has predictions to learn."""

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from whyformer.bundle import load_bundle
from whyformer.cli.main import main
from whyformer.foundation.errors import ConfigError
from whyformer.recipes.recipe import Resolved, resolve
from whyformer.recipes.unused import reason_unused
from whyformer.tasks.build import open_task
from whyformer.tasks.teaching import Teachers, hidden_states
from whyformer.training.distillation import direction_loss
from whyformer.training.journal import read_journal
from whyformer.workflows.auto.resolve import resolve_automatically
from whyformer.workflows.train import train

COMMON: dict[str, Any] = {
    "training.minutes": None, "training.updates": 4, "training.warmup": 1,
    "training.batch_tokens": 256, "validation.every": 4, "validation.verdict": False,
    "model.d_model": 16, "model.heads": 2, "model.d_ff": 16, "model.dropout": 0.0,
}  # fmt: skip
ROWS = {"data.row_tokens": 32, "model.layers": 1, "text.vocabulary": 300}
TEXT = ROWS | {"data.documents": "lines", "data.builtin": None}
RECIPES: dict[str, dict[str, Any]] = {
    "translate": {"model.encoder_layers": 1, "model.decoder_layers": 1},
    "tiny-gpt": TEXT,
    "tiny-bert": TEXT | {"data.next_sentence": False},
    "classify": ROWS,
    "tag": ROWS,
}
LINES = {
    "translate": "cat {n} a\tz {n} dog", "tiny-gpt": "the cat of number {n} is near",
    "tiny-bert": "the cat of number {n} is near", "classify": "the cat {n}\t{label}",
    "tag": "the cat {n}\tO B-X {label}", "regress": "the cat {n}\t{n}.5",
    "tiny-electra": "the cat of number {n} is near",
}  # fmt: skip


def data(folder: Path, name: str) -> str:
    file = folder / f"{name}.tsv"
    labels = ("O", "B-X") if name == "tag" else ("no", "yes")
    lines = (LINES[name].format(n=n, label=labels[n % 2]) + "\n" for n in range(60))
    file.write_text("".join(lines), encoding="utf-8")
    return str(file)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("distil")


def teacher(folder: Path, name: str, seed: int = 1) -> str:
    run = folder / f"{name}-{seed}"
    if not run.exists():
        given = COMMON | RECIPES[name] | {"data.train": [data(folder, name)], "training.seed": seed}
        train(resolve(name, given), run, quiet=True)
    return str(run)


def student(teachers: list[str], name: str | None = None, **changes: Any) -> Resolved:
    given = {key.replace("__", "."): value for key, value in changes.items()}
    return resolve(name, {"distil.teachers": teachers} | given)


@pytest.mark.parametrize("name", RECIPES)
def test_the_loss_is_that_of_labels_and_teachers(folder: Path, tmp_path: Path, name: str) -> None:
    teachers = [teacher(folder, name, seed) for seed in (1, 2)]
    recipe = student(teachers, distil__weight=0.7, distil__temperature=2.0, training__seed=3).recipe
    assert recipe.data.train == [str(folder / f"{name}.tsv")]  # the data of the first teacher
    task = open_task(recipe, tmp_path)
    model = task.model(torch.device("cpu")).eval()
    taught = Teachers(task, task.bundle(model, {}), torch.device("cpu"))
    batch = task.batches.batch(0, 0)
    found = taught.loss(model, batch, 0.1)
    own = task.outputs(model, batch)
    loss = task.loss(model, batch, 0.1)
    assert_close(found.nll, loss.nll, rtol=1e-5, atol=1e-4)
    shares = []
    for path in teachers:
        other: Any = load_bundle(path).model
        shares.append((task.outputs(other, batch).logits / 2).softmax(-1))
    soft = -(sum(shares) / 2 * (own.logits / 2).log_softmax(-1)).sum()
    hard = F.cross_entropy(own.logits, own.labels, reduction="sum", label_smoothing=0.1)
    assert_close(found.smoothed, 0.3 * hard + 0.7 * 4 * soft, rtol=1e-5, atol=1e-4)
    found.smoothed.backward()
    assert all(p.grad is None for one in taught._models for p in one.parameters())
    assert any(p.grad is not None for p in model.parameters())


@pytest.mark.parametrize("name", RECIPES)
def test_a_student_is_trained_and_resumed(
    folder: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    teachers = [teacher(folder, name)]
    before = load_bundle(teachers[0])
    wanted = student(teachers, training__updates=6, model__d_model=8)
    outcome = train(wanted, tmp_path / "run")
    assert f"learns from the probabilities of {teachers[0]}" in capsys.readouterr().err
    assert outcome.updates == 6
    made = load_bundle(tmp_path / "run")
    assert made.source_tokenizer.fingerprint == before.source_tokenizer.fingerprint
    assert made.model.settings.d_model == 8
    assert train(wanted, tmp_path / "run", quiet=True).updates == 6
    after = load_bundle(teachers[0])
    for one, other in zip(before.model.parameters(), after.model.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_student_agrees_with_a_teacher_who_contradicts_the_labels(
    folder: Path, tmp_path: Path
) -> None:
    """With weight 1, the labels of the data do not matter."""

    def films(name: str, labels: tuple[str, str]) -> str:
        file = tmp_path / name
        words = ("good", "bad")
        lines = (f"{words[n % 2]} film {n}\t{labels[n % 2]}\n" for n in range(80))
        file.write_text("".join(lines), encoding="utf-8")
        return str(file)

    shape = {"training.updates": 60, "training.learning_rate": 0.01, "text.units": "words"}
    swapped = COMMON | ROWS | shape | {"data.train": [films("swapped.tsv", ("no", "yes"))]}
    train(resolve("classify", swapped), tmp_path / "teacher", quiet=True)
    right = {"data__train": [films("right.tsv", ("yes", "no"))]}
    accuracies = []
    for weight in (0.0, 1.0):
        run = tmp_path / f"student-{weight}"
        train(student([str(tmp_path / "teacher")], distil__weight=weight, **right), run, quiet=True)
        validations = [one["validation"] for one in read_journal(run) if "validation" in one]
        accuracies.append(validations[-1]["accuracy"])
    assert accuracies == [100.0, 0.0]


def test_the_command_names_the_data_and_the_recipe_of_the_teacher(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = teacher(folder, "translate")
    out = tmp_path / "student"
    flags = ["--training.updates", "3", "--model.d-model", "8", "--quiet"]
    assert main(["distil", run, "--out", str(out), *flags]) == 0
    assert main(["distil", run, "--out", str(out), *flags]) == 0  # nothing is left to do
    assert load_bundle(out).model.settings.d_model == 8
    capsys.readouterr()
    for arguments, said in (
        (["--out", str(out)], "A teacher is required"),
        ([run], "--out"),
        ([run, "--out", str(out), "--text.units", "chars"], "comes from the teachers"),
        ([run, "--out", str(out), "--student", "tiny-gpt"], "must have the task of the student"),
    ):
        assert main(["distil", *arguments]) == 2
        assert said in capsys.readouterr().err
    assert main(["train", "copy", "--out", str(tmp_path / "x"), "--distil.weight", "1"]) == 2
    assert "there is no teacher" in capsys.readouterr().err


def test_other_data_does_not_change_the_settings_of_the_student(
    folder: Path, tmp_path: Path
) -> None:
    run = teacher(folder, "translate")
    texts = [data(tmp_path, "translate")]
    given = {"distil.teachers": [run], "data.train": texts}
    found = resolve_automatically(None, given)
    own = resolve(None, {"distil.teachers": [run]})
    assert not found.choices
    assert found.recipe.data.train == texts
    assert found.recipe.model_copy(update={"data": own.recipe.data}) == own.recipe


def test_teachers_with_other_tokenizers_or_labels_are_refused(folder: Path, tmp_path: Path) -> None:
    one = teacher(folder, "classify")
    other = tmp_path / "other.tsv"
    lines = (f"the wombat {n}\t{('high', 'low')[n % 2]}\n" for n in range(60))
    other.write_text("".join(lines), encoding="utf-8")
    given = COMMON | ROWS | {"data.train": [str(other)]}
    train(resolve("classify", given), tmp_path / "second", quiet=True)
    with pytest.raises(ConfigError, match="must have the tokenizers"):
        train(student([one, str(tmp_path / "second")]), tmp_path / "a", quiet=True)
    with pytest.raises(ConfigError, match="must have the labels"):
        train(student([one], data__train=[str(other)]), tmp_path / "b", quiet=True)


@pytest.mark.parametrize("name", ["regress", "tiny-electra"])
def test_tasks_without_probabilities_have_no_teachers(tmp_path: Path, name: str) -> None:
    shape = {"regress": ROWS, "tiny-electra": TEXT}[name]
    given = COMMON | shape | {"data.train": [data(tmp_path, name)]}
    given |= {"validation.metric": "loss"}
    train(resolve(name, given), tmp_path / "teacher", quiet=True)
    with pytest.raises(ConfigError, match="cannot learn from a teacher"):
        train(student([str(tmp_path / "teacher")]), tmp_path / "student", quiet=True)


ENCODERS = [name for name in RECIPES if name in ("tiny-bert", "classify", "tag")]


@pytest.mark.parametrize("name", ENCODERS)
def test_hidden_states_point_in_the_direction_of_the_teachers(
    folder: Path, tmp_path: Path, name: str
) -> None:
    recipe = student(
        [teacher(folder, name)], distil__weight=0.0, distil__hidden=2.0, model__layers=2
    ).recipe
    task = open_task(recipe, tmp_path)
    model = task.model(torch.device("cpu")).eval()
    taught = Teachers(task, task.bundle(model, {}), torch.device("cpu"))
    batch: Any = task.batches.batch(0, 0)
    found, alone = taught.loss(model, batch, 0.0), task.loss(model, batch, 0.0)
    other: Any = load_bundle(recipe.distil.teachers[0]).model
    states = []
    for one in (model, other):
        with hidden_states(one, True) as seen:
            task.outputs(one, batch)
        states.append(seen)
    (student_states, (last,)) = states
    assert len(student_states) == 2  # both layers are compared with the only layer of the teacher
    real = torch.ones_like(batch.ids, dtype=torch.bool) if batch.real is None else batch.real
    cosines = [F.cosine_similarity(one, last, dim=-1)[real].mean() for one in student_states]
    wanted = 2.0 * batch.tokens * (1 - sum(cosines) / 2)
    assert_close(found.smoothed - alone.smoothed, wanted, rtol=1e-4, atol=1e-3)
    found.smoothed.backward()
    assert all(p.grad is None for one in taught._models for p in one.parameters())
    assert all(p.grad is not None for p in model.layers.parameters())


def test_the_teacher_has_no_distance_from_itself() -> None:
    states = [torch.randn(2, 3, 4) for _ in range(3)]
    real = torch.tensor([[True, True, True], [True, False, False]])
    assert_close(direction_loss(states, states, real), torch.tensor(0.0), atol=1e-6, rtol=0)
    opposite = [states[0], states[1], -states[2]]
    assert_close(direction_loss(opposite, states, real), torch.tensor(2 / 3), atol=1e-6, rtol=0)
    padding = [one.masked_fill(~real[..., None], 9.0) for one in states]
    assert_close(direction_loss(padding, states, real), torch.tensor(0.0), atol=1e-6, rtol=0)


def test_hidden_states_of_another_width_or_model_are_refused(folder: Path, tmp_path: Path) -> None:
    wanted = student([teacher(folder, "classify")], distil__hidden=1.0, model__d_model=8)
    with pytest.raises(ConfigError, match="has d_model 16 and the student has 8"):
        train(wanted, tmp_path / "run", quiet=True)
    recipe = student([teacher(folder, "translate")], distil__hidden=1.0).recipe
    assert "only encoders use it" in str(reason_unused(recipe, "distil.hidden"))
