"""A run from a recipe: what it leaves, how it stops and goes on, what it refuses."""

import functools
import json
import shutil
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from whyformer.bundle import load_bundle
from whyformer.data.labelled import Example
from whyformer.foundation.errors import (
    BundleError,
    ConfigError,
    DataError,
    MissingExtraError,
    OutputError,
    WhyformerError,
)
from whyformer.models.transformer import TransformerSettings
from whyformer.recipes.recipe import Resolved, dump, parse_overrides, resolve
from whyformer.tasks import fine_tuning, tokenizers
from whyformer.tasks.tokenizers import kept_tokenizers
from whyformer.text.tokenizer import train_tokenizer
from whyformer.training import loop
from whyformer.training.finite import Divergence
from whyformer.training.journal import read_journal
from whyformer.training.pacing import Pacer
from whyformer.training.timetable import read_timetable
from whyformer.workflows.generate import load_language_model
from whyformer.workflows.labelling import load_labeller
from whyformer.workflows.runs.lock import only_run_in
from whyformer.workflows.runs.run_file import write_run
from whyformer.workflows.stopping import stop_requests
from whyformer.workflows.systems import load_system
from whyformer.workflows.train import train

TINY = {
    "model.d_model": 16,
    "model.heads": 2,
    "model.d_ff": 32,
    "model.dropout": 0.1,
    "training.updates": 12,
    "training.batch_tokens": 256,
    "validation.every": 4,
    "validation.sentences": 5,
}
COMPARED = ("journal.jsonl", "checkpoint/state.safetensors", "model/model.safetensors")


RECURRENT = {
    name: value for name, value in TINY.items() if name not in ("model.heads", "model.d_ff")
}
LANGUAGE = {name: value for name, value in TINY.items() if name != "validation.sentences"} | {
    "data.train": [str(Path(__file__).parents[2] / "NOTICE")],
    "data.documents": "paragraphs",
    "data.packing": "documents",
    "data.row_tokens": 64,
    "model.layers": 2,
    "training.minutes": None,
}
MASKED = LANGUAGE | {"text.vocabulary": 400}
del MASKED["data.packing"]
RECURRENT_LANGUAGE = {
    name: value for name, value in LANGUAGE.items() if name not in ("model.heads", "model.d_ff")
}
LABELLED = {name: value for name, value in LANGUAGE.items() if "packing" not in name} | {
    "data.dev_share": 0.2,
    "text.vocabulary": 300,
}
RECIPES = {
    "copy": TINY,
    "copy-lstm": RECURRENT,
    "tiny-gpt": LANGUAGE,
    "tiny-lstm-lm": RECURRENT_LANGUAGE,
    "tiny-bert": MASKED,
    "tiny-electra": MASKED,
    "classify": LABELLED,
    "regress": LABELLED,
    "tag": LABELLED,
}
LABELS = {
    "classify": lambda number, words: "odd" if number % 2 else "even",
    "regress": lambda number, words: str(number / 7),
    "tag": lambda number, words: " ".join("B-X" if len(word) > 3 else "O" for word in words),
}
"""Task on labelled data -> the label of a sentence."""
EVERY_FAMILY = pytest.mark.parametrize("name", RECIPES)


def tiny(name: str = "copy", **changes: object) -> Resolved:
    given = {key.replace("__", "."): value for key, value in changes.items()}
    return resolve(name, RECIPES[name] | given)


@pytest.fixture(autouse=True, scope="module")
def labelled_files(tmp_path_factory: pytest.TempPathFactory) -> None:
    directory = tmp_path_factory.mktemp("labelled")
    for name, label in LABELS.items():
        path = directory / f"{name}.tsv"
        sentences = [["one", "sentence", *["more"] * (n % 5), str(n)] for n in range(60)]
        lines = [f"{' '.join(words)}\t{label(n, words)}\n" for n, words in enumerate(sentences)]
        path.write_text("".join(lines), encoding="utf-8")
        RECIPES[name] = LABELLED | {"data.train": [str(path)]}


def contents(run: Path) -> dict[str, bytes]:
    return {name: (run / name).read_bytes() for name in COMPARED}


def stop_after(monkeypatch: pytest.MonkeyPatch, step: int, number: int) -> None:
    """Send this process a signal once the update ``step`` is done."""
    original = loop.fit

    def stopping(*arguments: object, **options: object):
        for report in original(*arguments, **options):  # pyright: ignore
            if report.step == step:
                signal.raise_signal(number)
            yield report

    monkeypatch.setattr("whyformer.workflows.train.fit", stopping)


@EVERY_FAMILY
def test_a_run_leaves_a_model_that_answers(tmp_path: Path, name: str) -> None:
    outcome = train(tiny(name), tmp_path / "run", quiet=True)
    assert outcome.updates == 12
    assert not outcome.interrupted
    bundle = load_bundle(tmp_path / "run")
    if name in ("tiny-gpt", "tiny-lstm-lm"):
        found = load_language_model(tmp_path / "run").generate(["The"], tokens=3)
        assert found[0][0].text.startswith("The")
    elif name == "tag":
        assert len(load_labeller(tmp_path / "run").tag([["one", "more"]])[0]) == 2
    elif name in LABELS:
        assert load_labeller(tmp_path / "run").classify([("one more", None)])[0].label
    elif name not in ("tiny-bert", "tiny-electra"):
        answers = load_system([tmp_path / "run"]).translator.translate(["s01 s02"])
        assert len(answers) == 1
    assert bundle.facts["validation"]["step"] == outcome.scores["step"]


@EVERY_FAMILY
def test_a_run_that_is_stopped_twice_goes_on_bit_for_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Once between two validations by Ctrl-C, and once at a validation by SIGTERM."""
    changes = {"training__accumulate": 2, "training__average": "ema"}
    train(tiny(name, **changes), tmp_path / "whole", quiet=True)
    for step, number in ((5, signal.SIGINT), (8, signal.SIGTERM)):
        with monkeypatch.context() as patched:
            stop_after(patched, step, number)
            outcome = train(tiny(name, **changes), tmp_path / "cut", quiet=True)
        assert outcome.interrupted
        assert outcome.updates == step
    train(tiny(name, **changes), tmp_path / "cut", quiet=True)
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")


def test_a_crash_between_checkpoints_is_repeated_bit_for_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Crash(Exception):
        pass

    train(tiny(), tmp_path / "whole", quiet=True)
    original = loop.fit

    def crashing(*arguments: object, **options: object):
        for report in original(*arguments, **options):  # pyright: ignore
            yield report
            if report.step == 7:
                raise Crash

    with monkeypatch.context() as patched:
        patched.setattr("whyformer.workflows.train.fit", crashing)
        with pytest.raises(Crash):
            train(tiny(), tmp_path / "cut", quiet=True)
    train(tiny(), tmp_path / "cut", quiet=True)
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")


def test_a_finished_run_is_not_trained_again(tmp_path: Path) -> None:
    first = train(tiny(), tmp_path / "run", quiet=True)
    before = contents(tmp_path / "run")
    second = train(tiny(), tmp_path / "run", quiet=True)
    assert second.scores == first.scores
    assert contents(tmp_path / "run") == before


def test_another_recipe_in_the_same_directory_is_refused_with_the_difference(
    tmp_path: Path,
) -> None:
    train(tiny(), tmp_path / "run", quiet=True)
    before = contents(tmp_path / "run")
    with pytest.raises(ConfigError, match=r"model\.d_ff: 32 before, 64 now.*--overwrite"):
        train(tiny(model__d_ff=64), tmp_path / "run", quiet=True)
    assert contents(tmp_path / "run") == before
    train(tiny(model__d_ff=64), tmp_path / "run", quiet=True, overwrite=True)
    settings = load_bundle(tmp_path / "run").model.settings
    assert isinstance(settings, TransformerSettings)
    assert settings.d_ff == 64


def own_data(tmp_path: Path, pairs: int = 40) -> Path:
    path = tmp_path / "pairs.tsv"
    path.write_text("".join(f"a{k} b c\tc b a{k}\n" for k in range(pairs)), encoding="utf-8")
    return path


def test_changed_data_is_refused(tmp_path: Path) -> None:
    path = own_data(tmp_path)
    recipe = tiny(data__builtin=None, data__train=[str(path)], data__dev_share=0.2)
    train(recipe, tmp_path / "run", quiet=True)
    path.write_text(path.read_text() + "x\ty\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"data of the run .* has changed"):
        train(recipe, tmp_path / "run", quiet=True)


def test_held_out_pairs_are_not_trained_on(tmp_path: Path) -> None:
    from whyformer.tasks.pair_data import prepare

    path = own_data(tmp_path, 200)
    recipe = tiny(data__builtin=None, data__train=[str(path)], data__dev_share=0.2).recipe
    data = prepare(recipe, tmp_path / "run")
    trained = {data.corpus.texts(k)[0] for k in range(len(data.corpus))}
    judged = {item.source for item in data.dev}
    assert judged
    assert not trained & judged
    assert len(trained | judged) == 200


def test_a_dev_file_beside_the_training_file_is_found(tmp_path: Path) -> None:
    from whyformer.tasks.pair_data import prepare

    for name, count in (("train", 30), ("dev", 3)):
        for side in ("ko", "en"):
            lines = "".join(f"{name} {side} {k}\n" for k in range(count))
            (tmp_path / f"{name}.{side}").write_text(lines, encoding="utf-8")
    recipe = tiny(
        data__builtin=None,
        data__train=[str(tmp_path / "train")],
        data__source="ko",
        data__target="en",
    ).recipe
    data = prepare(recipe, tmp_path / "run")
    assert sorted(item.source for item in data.dev) == ["dev ko 0", "dev ko 1", "dev ko 2"]
    assert data.overlap == (0, 0, 3)
    assert len(data.corpus) == 30


def test_validation_pairs_that_are_trained_on_are_counted(tmp_path: Path) -> None:
    from whyformer.tasks.pair_data import prepare

    (tmp_path / "train.tsv").write_text("a\tb\nc\td\ne\tf\n\n", encoding="utf-8")
    (tmp_path / "dev.tsv").write_text("a \tb\nc\tx\nz\ty\n\n", encoding="utf-8")
    recipe = tiny(data__builtin=None, data__train=[str(tmp_path / "train.tsv")]).recipe
    assert prepare(recipe, tmp_path / "run").overlap == (2, 1, 3)


def test_blank_lines_are_not_what_is_validated_on(tmp_path: Path) -> None:
    from whyformer.tasks.pair_data import prepare

    text = "\n" * 500 + "".join(f"{k}\t{k}\n\n" for k in range(60))
    (tmp_path / "pairs.tsv").write_text(text, encoding="utf-8")
    recipe = tiny(data__builtin=None, data__train=[str(tmp_path / "pairs.tsv")]).recipe
    data = prepare(recipe, tmp_path / "run")
    assert (len(data.corpus), len(data.dev_corpus), len(data.dev)) == (54, 6, 6)
    assert all(item.source for item in data.dev)


def test_several_right_answers_of_one_source_become_one_item(tmp_path: Path) -> None:
    from whyformer.tasks.pair_data import prepare

    (tmp_path / "train.tsv").write_text("a\tb\nc\td\n", encoding="utf-8")
    (tmp_path / "dev.tsv").write_text("a\tx\na\ty\n", encoding="utf-8")
    recipe = tiny(data__builtin=None, data__train=[str(tmp_path / "train.tsv")]).recipe
    [item] = prepare(recipe, tmp_path / "run").dev
    assert item.references == ["x", "y"]


def test_nothing_to_train_on_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nothing to train on"):
        train(tiny(data__builtin=None), tmp_path / "run", quiet=True)


def test_too_few_pairs_to_hold_out_are_said(tmp_path: Path) -> None:
    path = own_data(tmp_path, 1)
    with pytest.raises(DataError, match="must have at least two different sources"):
        train(
            tiny(data__builtin=None, data__train=[str(path)], data__dev_share=0.0001),
            tmp_path / "run",
            quiet=True,
        )


def test_two_runs_in_one_directory_are_refused(tmp_path: Path) -> None:
    with (
        only_run_in(tmp_path / "run"),
        pytest.raises(OutputError, match="Another run is writing"),
    ):
        train(tiny(), tmp_path / "run", quiet=True)


@dataclass
class Clock:
    """A clock that moves by ``tick`` seconds whenever it is read."""

    tick: float
    now: float = 0.0

    def __call__(self) -> float:
        self.now += self.tick
        return self.now


def by_minutes(name: str, monkeypatch: pytest.MonkeyPatch, tick: float) -> Resolved:
    """Return a tiny recipe that trains for ten minutes of a simulated clock."""
    paced = functools.partial(Pacer, clock=Clock(tick))
    monkeypatch.setattr("whyformer.recipes.run_length.Pacer", paced)
    given = RECIPES[name] | {"training.minutes": 10, "model.dropout": 0.1}
    given |= {"validation.every": 0, "training.schedule": "cosine", "training.warmup": 3}
    del given["training.updates"]
    return resolve(name, given)


PACED = ("copy", "tiny-gpt", "tag")
"""One recipe for each kind of data: the clock is the same for every family."""


@pytest.mark.parametrize(
    "name", [pytest.param(one, marks=() if one in PACED else pytest.mark.slow) for one in RECIPES]
)
def test_a_run_by_minutes_repeats_its_decisions_bit_for_bit_after_a_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    class Crash(Exception):
        pass

    run, original, decided = tmp_path / "run", loop.fit, []

    def crashing(*arguments: object, **options: object):
        for report in original(*arguments, **options):  # pyright: ignore
            yield report
            decided[:] = read_timetable(run).decisions
            if len(decided) > 8 and not decided[-1].validate:  # so the checkpoint is older
                raise Crash

    with monkeypatch.context() as patched:
        patched.setattr("whyformer.workflows.train.fit", crashing)
        with pytest.raises(Crash):
            train(by_minutes(name, patched, 4.0), run, quiet=True)
    state = json.loads((run / "checkpoint" / "state.json").read_text())
    assert state["step"] < decided[-1].step
    outcome = train(by_minutes(name, monkeypatch, 1.0), run, quiet=True)  # 4 times faster now
    timetable = read_timetable(run)
    assert timetable.decisions[: len(decided)] == decided
    assert timetable.decisions[len(decided) :]
    assert outcome.updates == timetable.last.updates
    assert not outcome.interrupted
    once = contents(run)
    assert train(by_minutes(name, monkeypatch, 4.0), run, quiet=True).updates == outcome.updates
    assert contents(run) == once  # it was finished
    for name_of in ("checkpoint", "model", "journal.jsonl", "timings.jsonl"):
        path = run / name_of
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    train(by_minutes(name, monkeypatch, 2.0), run, quiet=True)  # only the decisions are left
    again = contents(run)
    assert again.keys() == once.keys()
    assert [name for name in again if again[name] != once[name]] == []


def test_a_checkpoint_and_a_timetable_of_two_runs_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, tick in (("slow", 8.0), ("fast", 1.0)):
        train(by_minutes("copy", monkeypatch, tick), tmp_path / name, quiet=True)
    assert (tmp_path / "slow" / "timetable.json").exists()
    shutil.copy(tmp_path / "slow" / "timetable.json", tmp_path / "fast")
    with pytest.raises(BundleError, match="does not belong to the checkpoint"):
        train(by_minutes("copy", monkeypatch, 1.0), tmp_path / "fast", quiet=True)


def test_a_run_that_planned_its_minutes_once_keeps_its_updates(tmp_path: Path) -> None:
    """Earlier versions measured the speed before the first update, and kept the number."""
    asked = {name: value for name, value in TINY.items() if name != "training.updates"}
    recipe = resolve("copy", asked | {"training.minutes": 1e-4})
    train(recipe, tmp_path / "run", quiet=True)
    about = json.loads((tmp_path / "run" / "run.json").read_text())
    for name in ("checkpoint", "model"):
        shutil.rmtree(tmp_path / "run" / name)
    (tmp_path / "run" / "timetable.json").unlink()
    write_run(tmp_path / "run", dump(recipe.recipe), about | {"updates": 7})
    assert train(recipe, tmp_path / "run", quiet=True).updates == 7


def test_patience_ends_a_run_early_and_resuming_does_not_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = tiny(training__learning_rate=1e-12, validation__patience=1, validation__metric="exact")
    first = train(recipe, tmp_path / "run", quiet=True)
    assert first.stopped_early
    assert first.updates == 8  # the second validation brought nothing new
    stopped, stuck = capsys.readouterr().err.splitlines()[-2:]  # in spite of quiet
    assert stopped.startswith("Stopped early: neither exact nor the loss improved")
    assert stuck.startswith("`exact` was 0 in all 2 validations, so the loss chose the best")
    assert train(recipe, tmp_path / "run", quiet=True).updates == 8


def test_divergence_keeps_the_batch_and_the_state_for_diagnosis(tmp_path: Path) -> None:
    recipe = tiny(training__learning_rate=1e6, training__clip=0.0, training__warmup=0)
    with pytest.raises(Divergence, match="learning-rate"):
        train(recipe, tmp_path / "run", quiet=True)
    story = json.loads((tmp_path / "run" / "diagnosis" / "diagnosis.json").read_text())
    assert story["first"]
    assert story["batch"][0]["source"]
    assert (tmp_path / "run" / "diagnosis" / "state" / "state.safetensors").exists()


def test_the_best_weights_are_kept_not_the_last(tmp_path: Path) -> None:
    outcome = train(tiny(validation__metric="loss"), tmp_path / "run", quiet=True)
    losses = {
        line["step"]: line["validation"]["loss"]
        for line in read_journal(tmp_path / "run")
        if "validation" in line
    }
    assert outcome.scores["loss"] == min(losses.values())
    assert losses[outcome.scores["step"]] == min(losses.values())


def test_subword_sampling_trains_and_repeats(tmp_path: Path) -> None:
    path = own_data(tmp_path, 80)
    recipe = tiny(
        data__builtin=None,
        data__train=[str(path)],
        data__dev_share=0.2,
        text__units="bpe",
        text__vocabulary=300,
        text__sampling=0.3,
    )
    for name in ("one", "two"):
        train(recipe, tmp_path / name, quiet=True)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_validation_does_not_move_the_training(tmp_path: Path) -> None:
    train(tiny(validation__every=3), tmp_path / "often", quiet=True)
    train(tiny(validation__every=12), tmp_path / "once", quiet=True)
    updates = [
        [line for line in read_journal(tmp_path / name) if "nll" in line]
        for name in ("often", "once")
    ]
    assert updates[0] == updates[1]


def test_average_of_checkpoints_is_the_mean_of_what_was_validated(tmp_path: Path) -> None:
    train(
        tiny(training__average="checkpoints", training__average_last=3, validation__metric="loss"),
        tmp_path / "run",
        quiet=True,
    )
    assert torch.isfinite(load_bundle(tmp_path / "run").model.projection.weight).all()


def test_tensorboard_receives_the_journal(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    train(tiny(validation__track="tensorboard"), tmp_path / "run", quiet=True)
    assert list((tmp_path / "run" / "tensorboard").glob("events.*"))


def test_a_missing_tensorboard_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(MissingExtraError, match=r"whyformer\[track\]"):
        train(tiny(validation__track="tensorboard"), tmp_path / "run", quiet=True)


def test_a_restart_by_torchrun_goes_on_even_with_overwrite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(tiny(), tmp_path / "run", quiet=True)
    updated = (tmp_path / "run" / "timings.jsonl").read_bytes()
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    train(tiny(), tmp_path / "run", overwrite=True, quiet=True)
    assert (tmp_path / "run" / "timings.jsonl").read_bytes() == updated  # no update was repeated
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "0")
    train(tiny(), tmp_path / "run", overwrite=True, quiet=True)
    assert (tmp_path / "run" / "timings.jsonl").read_bytes() != updated


def test_how_ranks_hold_the_model_may_change_in_a_run(tmp_path: Path) -> None:
    first = train(tiny(), tmp_path / "run", quiet=True)
    second = train(tiny(training__parallel="fsdp"), tmp_path / "run", quiet=True)
    assert second.scores == first.scores


def test_under_torchrun_one_ctrl_c_comes_twice_and_still_asks_for_a_stop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with stop_requests() as stop:
        signal.raise_signal(signal.SIGINT)
        assert stop.requested
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        monkeypatch.setenv("TORCHELASTIC_RUN_ID", "some")
        signal.raise_signal(signal.SIGINT)


def test_an_unknown_metric_is_told_before_anything_is_trained(tmp_path: Path) -> None:
    asked = {"validation.metric": "blue", "training.updates": 4}
    with pytest.raises(WhyformerError, match="blue"):
        train(resolve("copy", TINY | asked), tmp_path / "run", quiet=True)
    assert not (tmp_path / "run" / "run.json").exists()
    asked = {"data.next_sentence": False, "validation.metric": "next_sentence_accuracy"}
    with pytest.raises(ConfigError, match=r"needs data\.next_sentence"):
        train(resolve("tiny-bert", MASKED | asked), tmp_path / "bert", quiet=True)


def test_updates_take_the_place_of_a_recipes_minutes() -> None:
    assert resolve("translate").recipe.training.minutes
    resolved = resolve("translate", {"training.updates": 7})
    assert resolved.recipe.training.minutes is None
    assert resolved.recipe.training.updates == 7
    with pytest.raises(ConfigError, match=r"`--training\.updates` and `--training\.minutes`"):
        resolve("translate", {"training.updates": 7, "training.minutes": 1})


def test_minutes_must_be_finite() -> None:
    with pytest.raises(ConfigError, match="minutes"):
        resolve("translate", {"training.minutes": float("inf")})


def test_flags_are_read_as_their_settings_want_them() -> None:
    found = parse_overrides(
        {"data.target": ["no"], "data.source": ["1"], "training.updates": ["7"]}
    )
    assert found == {"data.target": "no", "data.source": "1", "training.updates": 7}
    found = parse_overrides({"data.stress": [], "data.target": ["null"], "model.d_k": ["null"]})
    assert found == {"data.stress": True, "data.target": None, "model.d_k": None}
    with pytest.raises(ConfigError, match=r"`--training\.updates` takes a value"):
        parse_overrides({"training.updates": []})
    with pytest.raises(ConfigError, match="is not a setting"):
        parse_overrides({"model": ["x"]})


@pytest.mark.parametrize("longest", [16, 12])
def test_learned_positions_end_where_the_data_must(tmp_path: Path, longest: int) -> None:
    asked = {
        "model.positions": "learned", "model.max_length": longest, "data.filters.max_tokens": 12,
        "training.updates": 2,
    }  # fmt: skip
    recipe = resolve("copy", TINY | asked)
    if longest > 12:  # an untrained model would write on for ever
        assert train(recipe, tmp_path / "run", quiet=True).updates == 2
        return
    with pytest.raises(ConfigError, match=r"allows 12 tokens and eos, but the model has 12"):
        train(recipe, tmp_path / "run", quiet=True)


def test_a_tokenizer_is_learned_again_when_anything_that_shapes_it_changes(tmp_path: Path) -> None:
    made = []

    def learn():
        made.append(train_tokenizer("words", ["a b"], vocabulary=300))
        return [made[-1]]

    for asked in ({"x": 1, "y": 2}, {"y": 2, "x": 1}, {"x": 1, "y": 3}, {"x": 1, "y": 2}):
        (found,) = kept_tokenizers(tmp_path, ["source"], asked, learn)
        assert found.fingerprint == made[-1].fingerprint
    assert len(made) == 3


def test_a_crash_while_tokenizers_are_written_leaves_none_that_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    former, new = (train_tokenizer("words", [text], vocabulary=300) for text in ("a b", "c d"))
    kept_tokenizers(tmp_path, ["source"], {"x": 1}, lambda: [former])
    with monkeypatch.context() as patched:
        patched.setattr(tokenizers, "write_text", lambda *_: pytest.fail("crash"))
        with pytest.raises(pytest.fail.Exception):
            kept_tokenizers(tmp_path, ["source"], {"x": 2}, lambda: [new])
    again = kept_tokenizers(tmp_path, ["source"], {"x": 1}, lambda: [new])
    assert again[0].fingerprint == new.fingerprint


def test_equal_texts_stay_together_however_many_are_held_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fine_tuning, "MAX_HELD_OUT", 3)
    recipe = resolve("classify", {"data.train": ["any"], "data.dev_share": 0.5}).recipe
    texts = [Example(n + 1, f"t{n % 10}", None, "") for n in range(100)] + [
        Example(101, " ", None, "")
    ]
    split = fine_tuning.read_split(
        recipe, None, lambda _: iter(texts), lambda one: one.first, lambda _: (), lambda _: "x"
    )
    kept, held, dropped = split.train, split.dev, split.dropped
    assert held
    assert not {one.first for one in kept} & {one.first for one in held}
    assert len(kept) + len(held) == 100
    assert dropped["text"].first_lines == ["any:101"]


@pytest.mark.parametrize("length", [{"updates": 8}, {"minutes": 1e-4}])
def test_a_warmup_that_takes_the_whole_training_is_noticed_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], length: dict[str, float]
) -> None:
    asked = {name: value for name, value in TINY.items() if name != "training.updates"}
    changes = {"training.warmup": 50, **{f"training.{name}": one for name, one in length.items()}}
    train(resolve("copy", asked | changes), tmp_path / "run", quiet=True)
    assert capsys.readouterr().err.count("The warm-up takes 50 updates, but the training has") == 1
