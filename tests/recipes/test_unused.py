"""Every setting of a recipe changes its run or is refused: walked for every task."""

import enum
import hashlib
import json
import random
import shutil
import typing
from pathlib import Path

import pytest

from whyformer.bundle import load_bundle
from whyformer.foundation.config import Settings
from whyformer.foundation.errors import ConfigError, DataError
from whyformer.foundation.registry import Registry
from whyformer.recipes.recipe import Recipe, resolve
from whyformer.recipes.unused import reason_unused, refuse_unread, refuse_unused
from whyformer.workflows.train import train

pytestmark = pytest.mark.usefixtures("unchecked")

WORDS = ["the cat", "a dog", "Big house", "red sun", "blue sea", "Old man", "new car", "tall tree"]
SMALL = {
    "training.batch_tokens": 256, "training.updates": 3, "training.warmup": 1,
    "text.vocabulary": 300, "validation.every": 2,
}  # fmt: skip
NARROW = {"model.d_model": 16, "model.heads": 2, "model.d_ff": 32}
ONE_LAYER = NARROW | {"model.layers": 1}
ONE_EACH = {"model.encoder_layers": 1, "model.decoder_layers": 1}
ROWS = {"data.row_tokens": 32}
PAIRS = SMALL | {"validation.metric": "loss"}
LABELLED = SMALL | ONE_LAYER | {"data.dev_share": 0.2}
BASES = {
    "translate": ("translate", "pairs.tsv", PAIRS | NARROW | ONE_EACH),
    "rnn": ("copy-lstm", "pairs.tsv", PAIRS | {"text.units": "bpe", "model.d_model": 16}),
    "language": ("tiny-gpt", "text.txt", SMALL | ONE_LAYER | ROWS | {"text.units": "bpe"}),
    "rnn-lm": ("tiny-lstm-lm", "text.txt", SMALL | ROWS | {"model.d_model": 16}),
    "masked": ("tiny-bert", "text.txt", SMALL | ONE_LAYER | ROWS),
    "replaced": ("tiny-electra", "text.txt", SMALL | ONE_LAYER | ROWS),
    "classify": ("classify", "labels.tsv", LABELLED),
    "regress": ("regress", "numbers.tsv", LABELLED),
    "tag": ("tag", "tags.tsv", LABELLED),
}
"""Task or family -> recipe, file and the settings that keep it small."""
ELSEWHERE = {
    "task", "preset", "description", "start_from", "freeze", "extend_vocabulary", "continue_from",
    "distil.teachers", "distil.level", "distil.nbest", "distil.hidden", "distil.weight",
    "distil.temperature",
    "model.family",
    "model.tying",
    "data.train", "data.dev", "data.mix", "data.builtin", "data.source", "data.target",
    "data.second",
    "text.shared", "text.source_units", "text.target_units", "text.source_lowercase",
    "text.target_lowercase", "text.from_file", "text.source_from_file", "text.target_from_file",
    "training.minutes", "training.precision", "training.compile", "training.parallel",
    "training.gradient_checkpointing", "training.betas", "training.convert", "validation.metric",
    "validation.patience", "validation.sentences", "validation.track", "validation.verdict",
}  # fmt: skip
"""Settings whose effect needs more than a tiny run on one CPU, or other files; `decoding` too."""
OTHERS = {
    "data.filters.max_tokens": [25], "data.filters.max_ratio": [100.0],
    "data.filters.max_characters": [60], "text.vocabulary": [280],
    "model.d_k": [4], "model.embedding_width": [8], "training.clip": [1e-3],
    "training.epochs": [0.01], "training.seed": [2], "training.warmup": [3], "model.kv_heads": [1],
    "data.encoding": ["utf-16"], "data.header": [True], "data.delimiter": [" "],
}  # fmt: skip
"""Values that must make a difference or be refused, where a neighbour of the usual one might make
none."""
OWN = {
    "rnn": ("model.",), "rnn-lm": ("model.",), "replaced": ("model.", "data."),
    "regress": ("training.label_smoothing",),
}  # fmt: skip
"""Bases whose other settings are read by the code that another base has shown to read them."""
ALIKE_HERE = {"model.sharing"}
"""One layer is the same with and without sharing."""
WITH = [
    ("translate", {"training.average": "ema"}, "training.ema_decay", 0.05),
    ("translate", {"training.average": "checkpoints"}, "training.average_last", 1),
    ("classify", {"training.optimizer": "muon"}, "training.matrix_ratio", 0.5),
    ("classify", {"training.optimizer": "adamw"}, "training.weight_decay", 0.5),
    ("masked", {"data.next_sentence": False}, "data.rows", "full"),
    ("classify", {"model.layers": 2}, "model.sharing", "all"),
    ("classify", {"model.ngrams": 2}, "model.ngram_rows", 97),
    ("classify", {"model.ngrams": 2}, "model.ngram_width", 3),
    ("classify", {"model.ngrams": 2}, "model.ngram_dropout", 0.5),
    ("rnn", {"model.initialization": "chrono"}, "model.chrono_span", 5),
    ("rnn", {"model.dropout": 0.5}, "model.dropout_form", "variational"),
]
"""Base, settings that make another one count, that one, and a value of it."""


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """Return a directory with a small file for every kind of task."""
    folder = tmp_path_factory.mktemp("data")
    rng = random.Random(0)

    def sentence() -> str:
        return " ".join(rng.choice(WORDS) for _ in range(rng.randint(1, 4)))

    texts = [f"{sentence()} {number}" for number in range(120)]
    words = " ".join(["long"] * 60)
    long_pairs = f"{words}\tz\n{words}\t{words}\n"
    files = {
        "pairs.tsv": long_pairs + "".join(f" {one}\t{one[::-1]} \n" for one in texts),
        "labels.tsv": "".join(f"{one} \t{'yes' if 'cat' in one else 'no'}\n" for one in texts),
        "numbers.tsv": "".join(f"{one} \t{len(one)}\n" for one in texts),
        "tags.tsv": "".join(
            f"{one}\t{' '.join('B-X' if len(word) == 3 else 'O' for word in one.split())}\n"
            for one in texts
        ),
        "text.txt": "".join(
            f"{sentence()} {number}\n" + "\n" * (number % 5 == 0) for number in range(300)
        ),
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def asked(base: str, data: Path, more: dict) -> dict:
    return BASES[base][2] | {"data.train": [str(data / BASES[base][1])]} | more


def digest(base: str, data: Path, out: Path, **more: object) -> str:
    """Return a hash of all that a run leaves, but what it only copies from its recipe."""
    shutil.rmtree(out, ignore_errors=True)
    train(resolve(BASES[base][0], asked(base, data, more)), out, quiet=True)
    made = load_bundle(out)
    copied = ("decoding", "description", "run")  # the identity of a run is a hash of its recipe
    facts = {k: v for k, v in made.facts.items() if k not in copied}
    found = hashlib.sha256((out / "journal.jsonl").read_bytes())
    found.update(json.dumps(facts, sort_keys=True).encode())
    found.update(str(made.model.settings.max_length).encode())
    for tokenizer in (made.source_tokenizer, made.target_tokenizer):
        found.update(tokenizer.fingerprint.encode())
    for name, parameter in made.model.named_parameters():
        found.update(name.encode() + parameter.detach().numpy().tobytes())
    return found.hexdigest()


def settings_of(section: Settings, prefix: str = "") -> dict[str, tuple[object, typing.Any]]:
    """Return dotted name -> value and type of every setting."""
    found: dict[str, tuple[object, typing.Any]] = {}
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, Settings):
            found |= settings_of(value, f"{prefix}{name}.")
        else:
            registries = [one for one in field.metadata if isinstance(one, Registry)]
            found[prefix + name] = (value, registries[0] if registries else field.annotation)
    return found


def other_values(value: object, kind: typing.Any) -> list[object]:
    """Return values that differ from ``value``."""
    if isinstance(kind, Registry):
        return [name for name in kind if name != value]
    for option in (kind, *typing.get_args(kind)):
        if isinstance(option, type) and issubclass(option, enum.Enum):
            return [member.value for member in option if member.value != value]
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, max(1, value // 2), value * 2]
    if isinstance(value, float):
        return [value / 2 if value else 0.3, value + 0.25]
    return []


@pytest.mark.parametrize(
    "base",
    [pytest.param(base, marks=() if base == "translate" else pytest.mark.slow) for base in BASES],
)
def test_a_setting_changes_the_run_or_is_refused(base, data, tmp_path):
    recipe = resolve(BASES[base][0], asked(base, data, {})).recipe
    usual = digest(base, data, tmp_path / "run")
    wrong: list[str] = []
    for name, (value, kind) in settings_of(recipe).items():
        if name in ELSEWHERE | ALIKE_HERE or name.startswith("decoding."):
            continue
        if not name.startswith(OWN.get(base, ("",))):
            continue
        unused = reason_unused(recipe, name)
        tried = refused = changed = False
        for other in OTHERS.get(name) or other_values(value, kind):
            try:
                changed = digest(base, data, tmp_path / "run", **{name: other}) != usual
            except (ConfigError, DataError, ValueError):  # does not fit other settings or data
                refused = True
                continue
            tried = True
            if changed or unused:
                break
        if tried and changed == bool(unused):
            wrong.append(f"{name} has {'an' if changed else 'no'} effect, and is said to: {unused}")
        if not (tried or refused or unused):
            wrong.append(f"{name} was not tried: give it a value in OTHERS")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(("base", "context", "name", "value"), WITH)
def test_a_setting_counts_where_another_one_makes_it_count(
    base, context, name, value, data, tmp_path
):
    recipe = resolve(BASES[base][0], asked(base, data, context)).recipe
    assert reason_unused(recipe, name) is None
    usual = digest(base, data, tmp_path / "run", **context)
    assert digest(base, data, tmp_path / "run", **context, **{name: value}) != usual


def test_the_refusal_names_the_setting_and_the_reason():
    recipe = resolve("copy").recipe
    refuse_unused(recipe, ["training.warmup", "decoding.beam"])
    with pytest.raises(
        ConfigError, match=r"`--training.matrix-ratio` has no effect here: it applies"
    ):
        refuse_unused(recipe, ["training.warmup", "training.matrix_ratio"])
    with pytest.raises(ConfigError, match="training with several processes"):
        refuse_unused(recipe, ["training.parallel"], ranks=1)
    refuse_unused(recipe, ["training.parallel"], ranks=2)
    with pytest.raises(ConfigError, match="only the tasks translate and language use it"):
        refuse_unused(resolve("classify").recipe, ["decoding.beam"])


def test_the_tokenizer_and_the_shape_of_a_pretrained_run_are_not_set_again():
    recipe = Recipe.model_validate(resolve("classify").recipe.model_dump() | {"start_from": "run"})
    for name in ("text.units", "text.vocabulary", "model.d_model", "model.positions"):
        assert reason_unused(recipe, name)
    assert reason_unused(recipe, "model.dropout") is None


def test_a_command_refuses_the_settings_that_it_does_not_read():
    refuse_unread(["model.d-model", "task"], ["model.", "task"], "plan")
    with pytest.raises(ConfigError, match="has no effect on `whyformer plan`"):
        refuse_unread(["modelling"], ["model.", "task"], "plan")
