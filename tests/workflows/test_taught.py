"""Sequence-level distillation: the outputs of the teachers are the training targets."""

from typing import Any

import pytest

import whyformer
from whyformer.bundle import load_bundle
from whyformer.cli.main import main
from whyformer.decoding.translator import Translator
from whyformer.evaluation.utility import UTILITIES
from whyformer.foundation.errors import ConfigError
from whyformer.recipes.recipe import resolve
from whyformer.tasks.build import open_task
from whyformer.tasks.taught import TARGETS, TAUGHT
from whyformer.training.journal import read_journal
from whyformer.workflows.train import train

pytestmark = pytest.mark.usefixtures("unchecked")
TINY: dict[str, Any] = {
    "training.minutes": None, "training.updates": 40, "training.warmup": 5,
    "training.batch_tokens": 256, "validation.every": 40, "validation.verdict": False,
    "model.d_model": 16, "model.heads": 2, "model.d_ff": 16, "model.dropout": 0.0,
    "model.encoder_layers": 1, "model.decoder_layers": 1, "text.units": "words",
    "validation.metric": "loss", "decoding.beam": 1, "decoding.max_length": 6,
}  # fmt: skip


@pytest.fixture(scope="module")
def teachers(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("teachers")
    words = ("a", "b", "c")
    lines = [f"{x} {y} {z}\t{z} {y} {x}\n" for x in words for y in words for z in words]
    (folder / "pairs.tsv").write_text("".join(lines * 2), encoding="utf-8")
    for seed in (1, 2):
        given = TINY | {"data.train": [str(folder / "pairs.tsv")], "training.seed": seed}
        train(resolve("translate", given), folder / f"run-{seed}", quiet=True)
    return [str(folder / f"run-{seed}") for seed in (1, 2)]


def student(teachers: list[str], **changes: Any):
    more = {name.replace("__", "."): value for name, value in changes.items()}
    given = {"distil.teachers": teachers, "distil.level": "sequence"} | more
    return resolve(None, given | {"training.updates": 4, "training.minutes": None})


def test_the_targets_are_the_outputs_of_the_ensemble(teachers, tmp_path):
    task: Any = open_task(student(teachers).recipe, tmp_path)
    corpus = task.data.corpus
    pairs = [corpus.texts(number) for number in range(len(corpus))]
    model = whyformer.load(*teachers)
    assert [target for _, target in pairs] == model.translate([source for source, _ in pairs])
    assert any(target != " ".join(source.split()[::-1]) for source, target in pairs)
    references = {item.source: item.references[0] for item in task.data.dev}
    assert all(found == " ".join(source.split()[::-1]) for source, found in references.items())


def test_of_several_outputs_the_nearest_to_the_reference_is_learned(teachers, tmp_path):
    task: Any = open_task(student(teachers[:1], distil__nbest=4).recipe, tmp_path)
    corpus, utility = task.data.corpus, UTILITIES["chrf"]()
    pairs = [corpus.texts(number) for number in range(len(corpus))]
    answers = whyformer.load(teachers[0]).answers([source for source, _ in pairs], nbest=4)
    better = 0
    for (source, target), answer in zip(pairs, answers, strict=True):
        reference = " ".join(source.split()[::-1])
        values = [utility(text, reference) for text, _ in answer.hypotheses]
        assert utility(target, reference) == max(values)
        better += values[0] < max(values)
    assert better > 0


def test_a_resumed_run_does_not_translate_again(teachers, tmp_path, monkeypatch):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    train(student(teachers), whole, quiet=True)
    kept = (whole / TAUGHT / TARGETS).read_bytes()

    # A run that stopped while its teachers translated continues with the next source.
    open_task(student(teachers).recipe, parts)
    lines = kept.splitlines(keepends=True)
    (parts / TAUGHT / TARGETS).write_bytes(b"".join(lines[:10]) + lines[10][:1])
    translated: list[str] = []
    real = Translator.translate

    def counting(self: Translator, texts: Any, *args: Any, **more: Any):
        translated.extend(texts)
        return real(self, texts, *args, **more)

    monkeypatch.setattr(Translator, "translate", counting)
    train(student(teachers), parts, quiet=True)
    assert len(translated) == len(lines) - 10
    assert (parts / TAUGHT / TARGETS).read_bytes() == kept
    assert list(read_journal(whole)) == list(read_journal(parts))

    translated.clear()
    train(student(teachers), parts, quiet=True)
    assert not translated
    weights = [dict(load_bundle(run).model.named_parameters()) for run in (whole, parts)]
    assert all(weights[0][name].equal(weights[1][name]) for name in weights[0])


def test_the_command_and_its_refusals(teachers, tmp_path, capsys):
    common = ["distil", *teachers, "--out", str(tmp_path / "run"), "--training.updates", "2"]
    given = [*common, "--level", "sequence", "--nbest", "2"]
    assert main(given) == 0
    assert "the nearest to the target of 2 outputs of 2 teachers" in capsys.readouterr().err
    assert main([*given[:-4], "--nbest", "2", "--overwrite"]) == 2
    assert "it applies only with --distil.level sequence" in capsys.readouterr().err
    assert main([*given, "--distil.weight", "0.3"]) == 2
    assert "no probabilities to learn" in capsys.readouterr().err
    assert main([*given, "--distil.nbest", "3"]) == 2
    assert "`--nbest` is short for `--distil.nbest`" in capsys.readouterr().err
    with pytest.raises(ConfigError, match="needs the task translate, but the task is classify"):
        resolve("classify", {"distil.level": "sequence"})
