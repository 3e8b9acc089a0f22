"""Settings chosen from the data: the task, the units, and what overrides them."""

import io
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from whyformer.cli.main import main
from whyformer.data.reading import pair_roles
from whyformer.foundation.errors import ConfigError, DataError
from whyformer.recipes.choice import Choice
from whyformer.tasks.items import ITEMS
from whyformer.workflows.auto import resolve as auto
from whyformer.workflows.auto import rules
from whyformer.workflows.auto.resolve import resolve_automatically

WORDS = [f"{a}{b}{c}" for a in "bdfglm" for b in "aeiou" for c in "ptkns"]
SUBJECTS = ["the red fox", "an old man", "my sister", "every child", "the tall tree"]
NAMES = [f"{a}{b}" for a in ("ka", "mo", "ri", "to") for b in ("na", "su", "mi", "ro", "ke")]
VERBS = ["sees", "likes", "draws", "remembers"]
OBJECTS = ["a small boat", "the blue river", "two green apples", "that song", "her house"]
SENTENCES = [
    f"{s} {v} {o} of {NAMES[(n + 7 * m) % 20]}."
    for n, s in enumerate(SUBJECTS) for v in VERBS for m, o in enumerate(OBJECTS)
]  # fmt: skip
LABELLED = [f"{text}\t{'good' if 'likes' in text else 'bad'}" for text in SENTENCES]
FILES: dict[str, tuple[str, list[str], str]] = {
    "words": ("words.tsv", [f"{w}\t{' '.join(w.upper())}" for w in WORDS], "translate"),
    "conjugation": ("verbs.tsv", [f"{w}en\t{w}te" for w in WORDS], "translate"),
    "sentences": ("pairs.tsv", [f"{s}\t{s.upper()}" for s in SENTENCES], "translate"),
    "dictionary": ("lexicon.dict", [f"{w}  {' '.join(w.upper())}" for w in WORDS], "translate"),
    "labels": ("reviews.tsv", LABELLED, "classify"),
    "sorted labels": (
        "sorted.tsv", sorted(LABELLED, key=lambda one: one.split("\t")[1]), "classify"
    ),
    "named columns": (
        "reviews.csv",
        ["id,document,label", *(f'{n},"{s}",{n % 2}' for n, s in enumerate(SENTENCES))],
        "classify",
    ),
    "two texts": (
        "nli.tsv",
        ["sentence1\tsentence2\tgold_label"]
        + [f"{a}\t{b}\t{'entailment' if a < b else 'neutral'}"
           for a, b in zip(SENTENCES, reversed(SENTENCES), strict=True)],
        "classify",
    ),
    "numbers": (
        "similar.tsv",
        ["sentence1\tsentence2\tscore"]
        + [f"{s}\t{s[::-1]}\t{n / 20}" for n, s in enumerate(SENTENCES)],
        "regress",
    ),
    "whole numbers": (
        "sums.tsv", [f"{n} and {n + 1}\t{2 * n + 1}" for n in range(99)], "translate"
    ),
    "questions": (
        "chat.csv",
        ["Q,A,label", *(f'"{s}","{s[::-1]}",{n % 3}' for n, s in enumerate(SENTENCES))],
        "translate",
    ),
    "conll": (
        "names.txt",
        [line for s in SENTENCES for line in (*(f"{w} {'N' if w[0] > 'm' else 'O'}"
                                               for w in s.split()), "")],
        "tag",
    ),
    "tags in columns": (
        "tags.tsv",
        [f"{s}\t{' '.join('N' if w[0] > 'm' else 'O' for w in s.split())}" for s in SENTENCES],
        "tag",
    ),
    "text": ("novel.txt", SENTENCES, "language"),
}  # fmt: skip


def written(folder: Path, kind: str) -> str:
    name, lines, _ = FILES[kind]
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def settings_of(path: str, **overrides: Any) -> dict[str, Any]:
    found = resolve_automatically(None, {"data.train": [path]} | overrides)
    return {name: value for one in found.choices for name, value in one.settings.items()}


@pytest.mark.parametrize("kind", FILES)
def test_the_task_follows_from_the_file(tmp_path: Path, kind: str) -> None:
    path = written(tmp_path, kind)
    resolved = resolve_automatically(None, {"data.train": [path]})
    assert resolved.recipe.task == FILES[kind][2]
    assert resolved.choices[0].settings == {"task": FILES[kind][2]}


def test_settings_are_chosen_from_standard_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = Path(written(tmp_path, "words")).read_bytes()
    few = ["--model.d-model", "8", "--model.d-ff", "8", "--model.heads", "2", "--quiet"]
    train = ["train", "--data", "-", "--training.updates", "1", "--out", str(tmp_path / "run")]
    for given in (text, text, b""):  # the second is the same text again, the third resumes
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(given), encoding="utf-8"))
        assert main([*train, *few]) == 0
    recipe = (tmp_path / "run" / "recipe.yaml").read_text(encoding="utf-8")
    assert "source_units: chars" in recipe
    assert "metric: per" in recipe
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text[:-9]), encoding="utf-8"))
    assert main([*train, *few]) == 2


def test_two_files_are_pairs(tmp_path: Path) -> None:
    for side in ("ko", "en"):
        (tmp_path / f"train.{side}").write_text("\n".join(SENTENCES), encoding="utf-8")
    names = {"data.source": "ko", "data.target": "en"}
    assert settings_of(str(tmp_path / "train"), **names)["task"] == "translate"


def test_units_follow_the_texts(tmp_path: Path) -> None:
    words = settings_of(written(tmp_path, "words"))
    assert (words["text.source_units"], words["text.target_units"]) == ("chars", "phonemes")
    assert words["validation.metric"] == "per"
    korean = tmp_path / "korean.tsv"
    syllables = [chr(ord("가") + 37 * n) for n in range(200)]
    lines = [f"{a}{b}\tk a n {n % 7} {n % 11}" for n, (a, b) in enumerate(pairwise(syllables))]
    korean.write_text("\n".join(lines), encoding="utf-8")
    assert settings_of(str(korean))["text.source_units"] == "jamo"
    verbs = settings_of(written(tmp_path, "conjugation"))
    assert (verbs["text.source_units"], verbs["text.target_units"]) == ("chars", "chars")
    assert verbs["validation.metric"] != "bleu"
    assert settings_of(written(tmp_path, "sentences"))["text.units"] == "bpe"


def test_the_metric_of_labels_follows_their_frequencies(tmp_path: Path) -> None:
    assert settings_of(written(tmp_path, "named columns"))["validation.metric"] == "accuracy"
    rare = tmp_path / "rare.tsv"
    lines = [f"{s}\t{'bad' if n % 5 == 0 else 'good'}\n" for n, s in enumerate(SENTENCES)]
    rare.write_text("".join(lines), encoding="utf-8")
    assert settings_of(str(rare))["validation.metric"] == "matthews"
    assert settings_of(written(tmp_path, "conll"))["validation.metric"] == "accuracy"
    spans = tmp_path / "spans.tsv"
    labels = ["B-X I-X" + " O" * (len(s.split()) - 2) for s in SENTENCES]
    rows = [f"{s}\t{one}\n" for s, one in zip(SENTENCES, labels, strict=True)]
    spans.write_text("".join(rows), encoding="utf-8")
    assert settings_of(str(spans))["validation.metric"] == "span_f1"


def test_more_minutes_on_the_same_data_need_more_dropout(tmp_path: Path) -> None:
    path = written(tmp_path, "words")
    short, long = (settings_of(path, **{"training.minutes": minutes}) for minutes in (0.005, 60.0))
    assert short["model.dropout"] < long["model.dropout"]


@pytest.mark.parametrize("kind", ["words", "sentences", "labels", "text"])
def test_more_updates_on_the_same_data_need_more_dropout(tmp_path: Path, kind: str) -> None:
    path = written(tmp_path, kind)
    few, many = (settings_of(path, **{"training.updates": updates}) for updates in (1, 10_000))
    assert few["model.dropout"] < many["model.dropout"]
    small, large = (
        settings_of(path, **{"training.updates": 20, "training.batch_tokens": tokens})
        for tokens in (64, 100_000)
    )
    assert small["model.dropout"] < large["model.dropout"]


def test_no_decay_is_chosen_for_an_average_that_is_not_used(tmp_path: Path) -> None:
    given = {"data.train": [written(tmp_path, "words")]}
    average = resolve_automatically(None, given).recipe.training
    assert (average.average, average.ema_decay) == ("ema", 0.99)
    resolved = resolve_automatically(None, given | {"training.average": "none"})
    assert resolved.recipe.training.average == "none"
    assert "training.ema_decay" not in resolved.origins


@pytest.mark.parametrize("kind", FILES)
def test_every_choice_can_be_overridden(tmp_path: Path, kind: str) -> None:
    path = written(tmp_path, kind)
    for name, value in settings_of(path).items():
        given = {"data.train": [path], name: value}
        resolved = resolve_automatically(None, given)
        assert resolved.origins[name] == "command line"
        assert all(name not in choice.settings for choice in resolved.choices[1:])


def test_units_for_both_sides_replace_the_chosen_ones(tmp_path: Path) -> None:
    given = {"data.train": [written(tmp_path, "words")], "text.units": "bpe"}
    text = resolve_automatically(None, given).recipe.text
    assert (text.of_source, text.of_target) == ("bpe", "bpe")


def test_a_few_swapped_rows_do_not_turn_labels_into_translations(tmp_path: Path) -> None:
    rows = [line.split("\t") for line in LABELLED * 2]
    rows[7], rows[50] = rows[7][::-1], rows[50][::-1]
    path = tmp_path / "reviews.tsv"
    path.write_text("".join(f"{a}\t{b}\n" for a, b in rows), encoding="utf-8")
    assert settings_of(str(path))["task"] == "classify"


def test_a_column_of_dates_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    lines = [f"2026-04-{1 + n % 28:02},{s},answer {n}" for n, s in enumerate(SENTENCES)]
    path.write_text("\n".join(["date,question,reply", *lines]), encoding="utf-8")
    roles = pair_roles(str(path), source=None, target=None)
    assert list(roles.columns.values()) == ["question", "reply"]


def test_a_csv_of_words_and_phones_is_no_dictionary(tmp_path: Path) -> None:
    path = tmp_path / "words.csv"
    lines = [f"{word},{' '.join(word)}" for word in WORDS]
    path.write_text("\n".join(["단어,발음", *lines]), encoding="utf-8")
    assert settings_of(str(path))["text.target_units"] == "phonemes"


def test_settings_of_one_task_decide_the_task(tmp_path: Path) -> None:
    path = written(tmp_path, "labels")
    assert settings_of(path)["task"] == "classify"
    assert settings_of(path, **{"data.filters.max_characters": 50})["task"] == "translate"
    assert settings_of(path, **{"decoding.beam": 3})["task"] == "translate"


def test_a_preset_replaces_the_chosen_sizes(tmp_path: Path) -> None:
    given = {"data.train": [written(tmp_path, "words")], "preset": "small"}
    model = resolve_automatically(None, given).recipe.model
    assert (model.d_model, model.encoder_layers) == (256, 3)


def test_updates_replace_the_chosen_minutes(tmp_path: Path) -> None:
    given = {"data.train": [written(tmp_path, "words")], "training.updates": 7}
    training = resolve_automatically(None, given).recipe.training
    assert (training.updates, training.minutes) == (7, None)


@pytest.mark.parametrize(
    "given",
    [{"task": "masked"}, {"data.builtin": "copy"}, {"data.train": ["-"]}, {}],
    ids=["another task", "built-in data", "standard input", "no data"],
)
def test_where_nothing_can_be_chosen_the_recipe_of_the_task_is_used(
    given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b""), encoding="utf-8"))
    assert resolve_automatically(None, given).choices == ()
    with pytest.raises(ConfigError, match="chooses the settings from the files"):
        resolve_automatically("auto", given)


def test_a_missing_file_is_named() -> None:
    with pytest.raises(DataError, match=r"missing\.tsv"):
        resolve_automatically(None, {"data.train": ["missing.tsv"]})


TINY = ["--model.d-model", "16", "--model.heads", "2", "--model.d-ff", "32", "--quiet"]


def test_a_run_keeps_its_choices_when_the_rules_change(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    command = ["train", "--data", written(tmp_path, "words"), "--out", str(run), *TINY]
    command += ["--training.updates", "2", "--validation.sentences", "2"]
    assert main(command) == 0
    kept = json.loads((run / "run.json").read_text(encoding="utf-8"))["choices"]
    assert kept[0]["settings"] == {"task": "translate"}
    assert any(one["settings"].get("text.source_units") == "chars" for one in kept)

    def others(*_: Any) -> list[Choice]:
        return [Choice({"task": "translate"}, "changed"), Choice({"model.dropout": 0.5}, "changed")]

    monkeypatch.setattr(auto, "chosen", others)
    capsys.readouterr()
    assert main(command) == 0  # nothing is left to do, and nothing is refused
    assert main([*command, "--overwrite"]) == 0
    kept = json.loads((run / "run.json").read_text(encoding="utf-8"))["choices"]
    assert kept[1] == {"settings": {"model.dropout": 0.5}, "reason": "changed"}


def test_many_texts_get_vectors_of_ngrams(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, "labels")
    assert "model.ngrams" not in settings_of(path)
    monkeypatch.setattr(rules, "MANY_TEXTS", len(LABELLED))
    assert settings_of(path).items() >= rules.NGRAMS.items()
    mine = resolve_automatically(None, {"data.train": [path], "model.ngrams": 1})
    names = {name for one in mine.choices for name in one.settings}
    assert not names & {"model.ngrams", "model.ngram_dropout"}


def test_config_auto_shows_the_choices(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "auto", "--data", written(tmp_path, "labels")]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("task classify: ")
    assert len(printed) <= 10


def test_settings_are_chosen_from_a_list_but_not_from_an_iterator() -> None:
    pairs = [(word, " ".join(word.upper())) for word in WORDS]
    given = {"data.train": [ITEMS]}
    text = resolve_automatically(None, given, items=pairs).recipe.text
    assert (text.of_source, text.of_target) == ("chars", "phonemes")
    assert resolve_automatically(None, given, items=iter(pairs)).choices == ()
    named = [{"ko": source, "en": target} for source, target in pairs]
    columns = given | {"data.source": "ko", "data.target": "en"}
    assert resolve_automatically(None, columns, items=named).recipe.text.of_target == "phonemes"
    labelled = [tuple(line.split("\t")) for line in LABELLED]
    found = resolve_automatically(None, given | {"task": "classify"}, items=labelled)
    assert found.recipe.task == "classify"


@pytest.mark.parametrize("minutes", ["1:30", "abc", [1], float("inf"), -5, True])
@pytest.mark.parametrize("kind", ["words", "sentences", "conll"])
def test_minutes_that_are_no_time_are_refused(tmp_path: Path, kind: str, minutes: Any) -> None:
    with pytest.raises(ConfigError, match=r"training\.minutes"):
        settings_of(written(tmp_path, kind), **{"training.minutes": minutes})
