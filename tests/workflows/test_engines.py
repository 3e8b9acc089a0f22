"""A training ends with a conversion, which everything that translates uses, with equal results."""

import shutil
from pathlib import Path

import pytest
import torch

import whyformer
from toy_runs import SMALL, batch_sizes, toy_run
from whyformer.bundle import load_bundle, save_bundle
from whyformer.foundation.errors import ConfigError, UsageError
from whyformer.interop import convert as conversions
from whyformer.interop.conversion import find_conversion, is_stale, read_record
from whyformer.interop.convert import ParityError
from whyformer.interop.engine import CTranslate2Translator
from whyformer.recipes.recipe import resolve
from whyformer.recipes.unused import refuse_unused
from whyformer.workflows import engines
from whyformer.workflows.engines import Engines
from whyformer.workflows.evaluate import evaluate_runs
from whyformer.workflows.runs import converting
from whyformer.workflows.train import train

pytest.importorskip("ctranslate2", reason="this platform has no wheel")
pytestmark = pytest.mark.usefixtures("unchecked")

LINES = ["s01 s02", "s03", "", "s02 s02 s04 s01", "s01"]
CONVERTED = {**SMALL, "training.convert": True}


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """Return a run whose training ended with a conversion; not to be changed."""
    run = tmp_path_factory.mktemp("trained") / "run"
    outcome = train(resolve("copy", CONVERTED), run, quiet=True)
    assert outcome.conversion == run / "ctranslate2"
    return run


@pytest.fixture
def own(trained, tmp_path) -> Path:
    """Return a copy of the run, which a test may change."""
    return Path(shutil.copytree(trained, tmp_path / "run"))


@pytest.fixture
def searched(monkeypatch) -> list[int]:
    """Return a list that grows by the lines of each batch that CTranslate2 searched."""
    return batch_sizes(CTranslate2Translator, monkeypatch)


def test_python_and_evaluate_give_the_same_with_and_without_the_conversion(trained, searched):
    by_torch = whyformer.load(trained, engine="torch").translate(LINES)
    references = [[line or "x"] for line in LINES]
    other = evaluate_runs([trained], LINES, references, ["chrf"], engine="torch")
    assert searched == []
    assert whyformer.load(trained).translate(LINES) == by_torch
    assert sum(searched) == 4
    report = evaluate_runs([trained], LINES, references, ["chrf"])
    assert report is not None
    assert other is not None
    assert report.to_json() == other.to_json()
    assert sum(searched) == 8


def test_score_gives_the_same_with_and_without_the_conversion(trained, tmp_path):
    converted, by_torch = whyformer.load(trained), whyformer.load(trained, engine="torch")
    answers = by_torch.answers(LINES[:2], nbest=2, beam=2)
    hypotheses = [one for answer in answers for _, one in answer.hypotheses]
    sources = [*LINES, *(answer.source for answer in answers for _ in answer.hypotheses)]
    targets = [*reversed(LINES), *hypotheses]
    found, other = (model.score(sources, targets) for model in (converted, by_torch))
    for a, b in zip(found, other, strict=True):
        assert a is not None
        assert b is not None
        assert a.tokens == pytest.approx(b.tokens, abs=1e-4)
    long = " ".join(["s01"] * 3000)  # more than the positions of the conversion
    assert converted.score(["s01"], [long]) == by_torch.score(["s01"], [long])
    with pytest.raises(UsageError, match="The conversion supports targets of up to"):
        whyformer.load(trained, engine="ctranslate2").score(["s01"], [long])


def test_an_answer_does_not_depend_on_the_other_lines(trained, searched):
    model = whyformer.load(trained)
    assert [model.translate([line])[0] for line in LINES] == model.translate(LINES)
    assert searched


def test_what_the_conversion_cannot_do_is_left_to_torch(trained, searched):
    model, by_torch = whyformer.load(trained), whyformer.load(trained, engine="torch")
    for search in ({"method": "sample", "seed": 3}, {"min_length": 2}, {"no_repeat_ngram": 1}):
        assert model.translate(LINES, **search) == by_torch.translate(LINES, **search)
    assert searched == []
    assert len(whyformer.load(trained, trained).translate(LINES)) == len(LINES)
    assert searched == []


def test_without_the_package_a_training_ends_and_translates_with_torch(
    own, searched, monkeypatch, tmp_path
):
    for module in (engines, converting):
        monkeypatch.setattr(module, "find_spec", lambda name: None)
    outcome = train(resolve("copy", CONVERTED), tmp_path / "other", quiet=True)
    assert outcome.conversion is None
    assert len(whyformer.load(own).translate(LINES)) == len(LINES)
    assert searched == []


def test_the_conversion_of_other_weights_is_never_used(own, searched):
    bundle = load_bundle(own)
    with torch.no_grad():
        for weight in bundle.model.parameters():
            weight.add_(0.01)
    save_bundle(own / "model", bundle)
    said: list[str] = []
    found = Engines([own], say=said.append)
    for _ in range(2):
        assert found.choose({}).translator is found.system.translator
    assert searched == []
    (line,) = said
    assert "is out of date, because the run has changed" in line


def test_the_same_command_replaces_an_outdated_conversion_in_the_same_way(own, capsys):
    conversion = own / "ctranslate2"
    config = conversion / "whyformer.json"
    config.write_text(config.read_text(encoding="utf-8")[:50], encoding="utf-8")
    again = {name: value for name, value in CONVERTED.items() if name != "training.convert"}
    outcome = train(resolve("copy", again), own)
    assert "is damaged" in capsys.readouterr().err
    assert outcome.conversion == conversion == find_conversion(own)
    assert not is_stale(own, read_record(conversion))
    before = config.stat().st_mtime_ns
    assert train(resolve("copy", again), own, quiet=True).conversion == conversion
    assert config.stat().st_mtime_ns == before  # an up-to-date conversion is kept


@pytest.mark.parametrize(
    "failure",
    [ParityError("The converted model differs."), OSError("no space"), RuntimeError("oh")],
    ids=lambda failure: type(failure).__name__,
)
def test_a_failed_conversion_is_one_line_and_never_ends_a_training(
    failure, own, monkeypatch, capsys
):
    def fail(*_args, **_options):
        raise failure

    shutil.rmtree(own / "ctranslate2")
    monkeypatch.setattr(conversions, "_compared", fail)
    outcome = train(resolve("copy", CONVERTED), own)
    assert (outcome.conversion, find_conversion(own)) == (None, None)
    (line,) = [one for one in capsys.readouterr().err.splitlines() if str(failure)[:8] in one]
    assert line.endswith("The torch engine translates instead.")


def test_a_short_training_and_other_tasks_have_no_conversion(tmp_path, capsys):
    outcome = train(resolve("copy", SMALL), tmp_path / "short", quiet=True)
    assert outcome.conversion is None
    recurrent = {
        name: value
        for name, value in CONVERTED.items()
        if name not in ("model.heads", "model.d_ff")
    }
    outcome = train(resolve("copy-lstm", recurrent), tmp_path / "rnn")
    assert outcome.conversion is None
    assert "CTranslate2 has no recurrent layers" in capsys.readouterr().err
    language = resolve("tiny-gpt", {"training.convert": True}).recipe
    with pytest.raises(ConfigError, match="only the task translate uses it"):
        refuse_unused(language, ["training.convert"])


def test_overwriting_a_run_deletes_its_conversion(own):
    outcome = train(resolve("copy", SMALL), own, overwrite=True, quiet=True)
    assert outcome.conversion is None
    assert find_conversion(own) is None


def test_a_conversion_of_another_model_in_the_run_is_refused(tmp_path, searched):
    run, other = toy_run(tmp_path / "run"), toy_run(tmp_path / "other", seed=5)
    done = conversions.convert(other, sentences=3)
    shutil.move(done.directory, run / "ctranslate2")
    by_torch = whyformer.load(run, engine="torch").translate(["a b"])
    searched.clear()
    assert whyformer.load(run).translate(["a b"]) == by_torch
    assert searched == []
