"""Every flag of every command changes something, or is refused by its name as it is typed.

A context is a command line that works. Each flag is added to each context of its command: what the
command prints, writes or hands to the long work (training, measuring) must change, or the flag must
be refused with exit code 2. Long work is replaced here by a record of what it was asked for.
"""

import functools
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from toy_runs import toy_bundle
from whyformer.bundle import save_bundle
from whyformer.cli.main import app, main
from whyformer.cli.shared.flag_names import flags_of
from whyformer.text.symbols import EOS

PAIRS = "".join(f"{'a b c d e f g h'[: 2 * n % 16 + 1]}\tc {n}\n" for n in range(8))
LABELLED = "".join(f"good {n}\tyes\nbad {n}\tno\n" for n in range(100))
pytestmark = [
    pytest.mark.usefixtures("unchecked"),
]
TINY = ["--model.d-model", "16", "--model.heads", "2", "--model.d-ff", "16", "--quiet"]
TWO = ["--training.updates", "2"]


@dataclass(frozen=True)
class Command:
    """What is tried with a command.

    Args:
        contexts: command lines, as text; ``{place}`` stands for the prepared files.
        flags: name -> value, "" for a flag without one. A list is tried value by value: one of
            them must have an effect.
        ignored: flags that are rightly without effect, with the reason.
    """

    contexts: tuple[str, ...]
    flags: dict[str, str | list[str]]
    ignored: dict[str, str]


DEVICE = {"device": "the default is the same device here"}
NEW = {"overwrite": "there is nothing to replace; `test_overwrite` has a file to replace"}
JSON = {"json": "it changes what is printed after the long work; tests of the command have it"}
SEARCH = {
    "beam": ["3", "1", "8"],
    "nbest": "3",
    "temperature": "0.2",
    "top_k": "1",
    "top_p": "0.01",
    "min_p": "0.99",
    "seed": "9",
    "no_repeat_ngram": "1",
}
RECIPE = {
    "data": "{place}/pairs.tsv",
    "source": "left",
    "target": "right",
    "columns": "2 1",
    "encoding": "utf-16",
    "dev": "{place}/dev.tsv",
    "preset": "small",
    "task": "translate",
    "start_from": "{place}/run",
    "full": "",
}
NAMES = {"continue_from": "continue"}
"""Flags whose name is not that of the argument."""
STARTED = {
    "continue_from": "{place}/pairs",
    "extend_vocabulary": "9",
    "frozen": "",
    "freeze": "*.norm.*",
}
CARD = {"name": "Words", "language": "ko", "license": "mit", "data_license": "CC0"}
"""Flags of a model card."""
NOT_CHOSEN = ("dev", "start_from", "full")
"""Flags of a recipe that `config auto` does not have."""
RECIPES = (
    "copy",
    "pronounce",
    "translate --data {place}/train",
    "tiny-bert",
    "tiny-gpt",
    "--task classify --data {place}/labelled.tsv --start-from {place}/labels",
    "--task tag --data {place}/words.conll",
)

COMMANDS = {
    "translate": Command(
        (
            "{place}/run --input {place}/lines.txt --json",
            "{place}/run --input {place}/lines.txt --beam 1 --json",
            "{place}/run --input {place}/lines.txt --beam 4 --groups 2 --nbest 4 --json",
            "{place}/run --input {place}/lines.txt --sample --seed 1 --json",
            "{place}/run {place}/second --input {place}/lines.txt --json",
            "{place}/run --text 'a b c' --text 'e e' --nbest 2",
        ),
        SEARCH
        | {
            "encoding": "utf-16",
            "input": "{place}/others.txt",
            "output": "{new}/out.txt",
            "text": "b c d",
            "alignments": "{new}/aligned.jsonl",
            "json": "",
            "engine": ["ctranslate2", "torch"],
            "confidence": "",
            "lexicon": "{place}/pairs.tsv",
            "split_sentences": "",
            "split_long": "",
            "column": "2",
            "into": "en",
            "weights": "int8",
            "length_penalty": "9",
            "prefix": "g",
            "min_length": ["5", "12"],
            "max_length": ["2", "1"],
            "groups": "3",
            "diversity": "50",
            "sample": "",
            "mbr": ["chrf", "bleu"],
            "coverage_penalty": ["5", "5 --coverage summary"],
            "coverage": ["wu --coverage-penalty 5", "summary --coverage-penalty 5"],
            "force": "g",
            "force_file": "{place}/phrases.txt",
            "forbid": ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"],
            "forbid_file": "{place}/letters.txt",
            "glossary": "{place}/terms.tsv",
            "fallback": "",
            "token_confidence": "",
            "shortlist": "",
            "tag": "de",
        },
        DEVICE | NEW,
    ),
    "generate": Command(
        (
            "{place}/gpt --prompt ab --tokens 12 --seed 1 --json",
            "{place}/gpt --prompt ab --tokens 12 --beam 2 --json",
            "{place}/gpt --prompt ab --tokens 12 --beam 1",
        ),
        SEARCH
        | {
            "prompt": "zz",
            "encoding": "utf-16",
            "input": "{place}/lines.txt",
            "output": "{new}/out.txt",
            "json": "",
            "tokens": "3",
            "seed": "12",
        },
        DEVICE | NEW,
    ),
    "classify": Command(
        ("{place}/labels --input {place}/lines.txt", "{place}/labels --text 'good 1' --json"),
        {
            "input": "{place}/others.txt",
            "encoding": "utf-16",
            "output": "{new}/out.txt",
            "text": "bad 2",
            "json": "",
        },
        DEVICE | NEW,
    ),
    "shortlist": Command(
        ("{place}/pairs", "{place}/pairs --best 2 --common 3"),
        {"best": "1", "common": "2", "json": ""},
        {},
    ),
    "score": Command(
        (
            "{place}/run --source {place}/lines.txt --target {place}/others.txt",
            "{place}/run --translations {place}/translations.jsonl",
        ),
        {
            "source": "{place}/others.txt",
            "target": "{place}/lines.txt",
            "translations": "{place}/translations.jsonl",
            "encoding": "utf-16",
            "engine": ["ctranslate2", "torch"],
            "weights": "int8",
            "tag": "de",
            "json": "",
        },
        {},
    ),
    "errors": Command(
        (
            "{place}/labels",
            "{place}/labels --labelled {place}/labelled.tsv",
            "{place}/pairs --pairs {place}/pairs.tsv",
        ),
        {
            "pairs": "{place}/dev.tsv",
            "labelled": "{place}/labelled-again.tsv",
            "columns": ["text label", "2 1"],
            "encoding": "utf-16",
            "count": "1",
            "html": "{new}/errors.html",
            "json": "",
        },
        NEW,
    ),
    "evaluate": Command(
        (
            "{place}/run --source {place}/lines.txt --references {place}/others.txt --metric chrf",
            "{place}/run --pairs {place}/pairs.tsv",
            "--hypotheses {place}/lines.txt --references {place}/decomposed.txt --metric chrf bleu",
            "{place}/gpt --text {place}/lines.txt",
            "{place}/labels --labelled {place}/labelled.tsv",
        ),
        {
            "source": "{place}/others.txt",
            "references": "{place}/lines.txt",
            "pairs": "{place}/dev.tsv",
            "hypotheses": "{place}/others.txt",
            "text": "{place}/others.txt",
            "documents": "lines",
            "labelled": "{place}/labelled-again.tsv",
            "columns": "text label",
            "encoding": "utf-16",
            "metric": "ter",
            "lowercase": "",
            "tokenize": "char",
            "no_normalize": "",
            "beam": ["3", "1", "8"],
            "length_penalty": "9",
            "engine": ["ctranslate2", "torch"],
            "weights": "int8",
            "tag": "de",
            "json": "",
        },
        {},
    ),
    "view": Command(
        ("{place}/run --out {new}/a.html", "{place}/gpt --out {new}/a.html"),
        {"out": "{new}/b.html", "name": "words", "examples": "'a b'", "json": ""},
        {"overwrite": "it replaces only other files; `test_view_command.py` has one"},
    ),
    "inspect": Command(
        ("{place}/run --text 'a b c' --target 'c b'", "{place}/gpt --text abc"),
        {"text": "b", "target": "a b c d", "out": "{new}/heads.html", "json": ""},
        DEVICE | NEW,
    ),
    "data": Command(
        ("{place}/faulty.tsv --clean {new}/good.tsv",),
        {
            "source": "2",
            "target": "1",
            "columns": "2 1",
            "encoding": "utf-16",
            "dev": "{place}/pairs.tsv",
            "task": "language",
            "clean": "{new}/other.tsv",
            "keep": "duplicate",
            "drop": ["several", "identical"],
            "html": "{new}/page.html",
            "json": "",
        },
        NEW,
    ),
    "doctor": Command(
        ("", "{place}/run"),
        {"reseal": "", "tune": "", "json": ""},
        {},
    ),
    "diagnose": Command(("{place}/diverged",), {"json": ""}, {}),
    "plan": Command(
        ("base", "tiny-gpt --gpus 8"),
        {
            "gpus": "3",
            "machine": "a100",
            "mfu": "0.1",
            "length": "77",
            "vocabulary": "999",
            "json": "",
        },
        {},
    ),
    "ask": Command(
        ("why sqrt dk", "'왜 루트 d_k로 나누나요?'"), {"lang": ["en", "ko"], "json": ""}, {}
    ),
    "config list": Command(("",), {"json": ""}, {}),
    "config show": Command(RECIPES[:2], RECIPE | STARTED | {"json": ""}, {}),
    "config auto": Command(
        ("--data {place}/labelled.tsv", "--data {place}/train"),
        {name: value for name, value in RECIPE.items() if name not in NOT_CHOSEN} | {"json": ""},
        {},
    ),
    "lab list": Command(("",), {"lang": "ko", "json": ""}, {}),
    "lab show": Command(("scaling",), {"lang": "ko", "json": ""}, {}),
    "lab run": Command(
        ("scaling", "--all", "scaling --json"),
        {
            "full": "",
            "seeds": "3",
            "on": "ray",
            "workers": "7",
            "out": "{new}",
            "all": "",
            "lang": "ko",
        },
        JSON | {"quick": "it is the default without --full"},
    ),
    "lab report": Command(
        ("--out {new}/lab",),
        {
            "lang": "ko",
            "results": "{place}",
            "comparison": "{place}/pairs.tsv",
            "out": "{new}/b",
        },
        JSON,
    ),
    "train": Command(
        tuple(f"{recipe} --out {{new}}/run" for recipe in RECIPES),
        RECIPE | STARTED | {"out": "{new}/other", "overwrite": "", "quiet": ""},
        JSON,
    ),
    "distil": Command(
        ("{place}/pairs --out {new}/run", "{place}/pairs --level sequence --out {new}/run"),
        {
            "out": "{new}/other",
            "level": ["sequence", "word"],
            "nbest": "3",
            "student": "copy",
            "data": "{place}/pairs.tsv",
            "dev": "{place}/dev.tsv",
            "overwrite": "",
            "quiet": "",
        },
        JSON,
    ),
    "compare": Command(
        (
            "copy --arm base --arm d_model=32 --minutes 1 --margin 1 --out {new}/c",
            "translate --data {place}/train --arm base --arm d_model=32 --updates 2 --margin 1 "
            "--tune dropout=0.1,0.2 --out {new}/c",
        ),
        {name: RECIPE[name] for name in RECIPE if name not in ("preset", "full")}
        | {
            "out": "{new}/other",
            "arm": "heads=1",
            "seeds": "7",
            "minutes": "3",
            "updates": "5",
            "tokens": "99999",
            "flops": "1e15",
            "margin": "2",
            "tune": "learning_rate=1,2",
            "trials": "2",
            "tune_seeds": "3",
            "metric": "chrf",
            "test": "{place}/pairs.tsv",
            "all_seeds": "",
            "workers": "7",
            "on": "ray",
            "quiet": "",
        },
        JSON,
    ),
    "check": Command(RECIPES[2:4], RECIPE | {"out": "{new}/kept"}, JSON),
    "demo": Command(("",), {"minutes": "2", "out": "{new}/d", "overwrite": "", "quiet": ""}, JSON),
    "bench": Command(
        ("copy", "--run {place}/run --source {place}/lines.txt"),
        {
            "run": "{place}/second",
            "source": "{place}/others.txt",
            "references": "{place}/others.txt",
            "seconds": "3",
        },
        JSON,
    ),
    "convert": Command(
        (
            "{place}/run",
            "{place}/run --to onnx",
            "{place}/run --to argos --from-code ko --to-code en",
        ),
        {
            "to": "onnx",
            "quantize": "int8",
            "out": "{new}/c",
            "pairs": "{place}/pairs.tsv",
            "sentences": "3",
            "attention": "",
            "from_code": "de",
            "to_code": "fr",
            "compare": "",
        },
        JSON,
    ),
    "import": Command(("{place} --out {new}/run",), {"out": "{new}/b", "sentences": "3"}, JSON),
    "export": Command(
        ("{place}/gpt --out {new}/hub",),
        {"out": "{new}/b", "texts": "3"} | CARD,
        JSON,
    ),
    "serve": Command(
        ("{place}/run",),
        {
            "host": "0.0.0.0",
            "port": "0",
            "engine": "torch",
            "device": "cpu",
            "api_keys": "{place}/letters.txt",
            "cors": "https://example.org",
            "log_texts": "",
            "no_viewer": "",
            "check": "",
            "url": "http://127.0.0.1:8000",
            "batch_wait_ms": "1",
            "batch_tokens": "9",
            "queue_texts": "9",
            "max_body_bytes": "2000",
            "max_texts": "9",
            "max_tokens": "9",
            "max_new_tokens": "9",
            "max_beam": "9",
            "max_connections": "9",
            "timeout_seconds": "9",
            "drain_seconds": "9",
            "reload_seconds": "9",
        },
        {},
    ),
    "push": Command(
        ("{place}/hub me/model",),
        {"public": "", "message": "new"} | CARD,
        {},
    ),
}
WORK = (
    "workflows.train.train",
    "workflows.compare.compare.compare",
    "workflows.check.checks.check",
    "workflows.demo.demo",
    "workflows.bench.measure.bench",
    "interop.convert.convert",
    "interop.argos.convert",
    "interop.onnx.export.convert",
    "cli.lab.lab._measure",
    "lab.pages.site.write_report",
    "interop.huggingface.importing.import_model",
    "interop.huggingface.exporting.export",
    "interop.huggingface.hub.upload",
    "serving.server.serve",
    "serving.check.check_runs",
    "workflows.tune.tune",
)
"""Functions that take long; their arguments are what a flag must change."""


def commands() -> Iterator[tuple[str, list[str]]]:
    """Yield every command with the names of its flags."""

    def walk(level, before: str) -> Iterator[tuple[str, list[str]]]:
        for name in level:
            if name.startswith("-"):
                continue
            whole = f"{before} {name}".strip()
            if level[name].default_command:
                flags = flags_of(level[name].default_command)
                yield whole, [flag for flag in flags if flag != "overrides"]
            yield from walk(level[name], whole)

    yield from walk(app, "")


def test_every_flag_is_in_the_table():
    found = dict(commands())
    assert found.keys() == COMMANDS.keys()
    for name, flags in found.items():
        assert set(flags) == COMMANDS[name].flags.keys() | COMMANDS[name].ignored.keys(), name


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("flags")
    for seed, name in enumerate(("run", "second")):
        bundle = toy_bundle(seed, decoding={"max_length": 9})
        with torch.no_grad():  # sentences end after a few words, so that limits have an effect
            bundle.model.projection.weight[EOS] *= 40
        save_bundle(place / name / "model", bundle)
    texts = {
        "lines.txt": "a b c\nc b a d\nf g h i j\na\ne e\nj i\nb b b b b\n",
        "others.txt": "b c\nE\na a a\na\nb\nc\nd\n",
        "decomposed.txt": "a b c\nC b e\u0301\nf g\na\nb\nc\nd\n",
        "pairs.tsv": PAIRS,
        "dev.tsv": "a\tb\n",
        "phrases.txt": "g\nh\n",
        "letters.txt": "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n",
        "terms.tsv": "a\tg h\nb\tj\nj\tg\n",
        "many.tsv": "".join(f"a {n}\tb {n}\n" for n in range(40)),
        "faulty.tsv": f"{PAIRS}new 1\told 1\nnew 1\told 1\na\tc 9\n",
        "train.source": "a\nb\n" * 9,
        "train.target": "b\na\n" * 9,
        "labelled.tsv": LABELLED,
        "labelled-again.tsv": LABELLED[:200],
        "words.conll": "a O\nb B-X\n\n" * 9,
        "hub/config.json": '{"model_type": "gpt2"}',
    }
    (place / "hub").mkdir()
    for name, text in texts.items():
        (place / name).write_text(text, encoding="utf-8")
    for out, given in (
        ("gpt", ["tiny-gpt", "--data", str(place / "labelled.tsv"), *TWO]),
        ("labels", ["--task", "classify", "--data", str(place / "labelled.tsv"), *TWO]),
        ("pairs", ["--data", str(place / "many.tsv"), *TWO]),
        ("diverged", ["copy", "--training.learning-rate", "1e6", "--training.updates", "30"]),
    ):
        main(["train", *given, *TINY, "--out", str(place / out)])
    main(
        [
            "translate",
            str(place / "run"),
            "--input",
            str(place / "lines.txt"),
            "--json",
            "--output",
            str(place / "translations.jsonl"),
        ]
    )
    return place


def observed(cli, name: str, line: list[str], new: Path) -> object:
    """Return all that a command did; the seconds that it took are not part of it."""
    said = cli(*name.split(), *line)
    files = {str(p.relative_to(new)): p.read_bytes() for p in new.rglob("*") if p.is_file()}
    return said.code, re.sub(r"\d+\.\d GFLOP.*|\d+(\.\d+)? s\b", "", said.out), said.err, files


LONG = ("errors", "evaluate", "generate", "translate", "view")
"""Commands that do their work here: `make test` tries their first context only."""


def contexts() -> list[Any]:
    """Return every command with each of its contexts."""
    found = []
    for name, command in COMMANDS.items():
        for number, context in enumerate(command.contexts):
            marks = pytest.mark.slow if number and name in LONG else ()
            found.append(pytest.param(name, context, id=f"{name}-{number}", marks=marks))
    return found


@pytest.mark.parametrize(("name", "context"), contexts())
def test_every_flag_has_an_effect_or_is_refused(cli, monkeypatch, tmp_path, place, name, context):
    asked: list[object] = []

    def record(*given: object, **named: object) -> object:
        asked.append((given, {k: v for k, v in named.items() if not callable(v)}))
        raise StopIteration

    for work in WORK:
        monkeypatch.setattr(f"whyformer.{work}", functools.partial(record, work))
    monkeypatch.setattr("whyformer.interop.huggingface.hub.check_access", lambda name: None)
    if name.startswith("lab"):
        monkeypatch.setattr("whyformer.lab.method.questions.written", lambda: ("scaling",))
    silent: list[str] = []
    plain: tuple = ()
    for flag, values in {"": "", **COMMANDS[name].flags}.items():
        results = []
        for trial, value in enumerate(values if isinstance(values, list) else [values]):
            new = tmp_path / f"{flag}-{trial}"
            new.mkdir()
            option = [f"--{NAMES.get(flag, flag).replace('_', '-')}"] if flag else []
            line = [*words(context), *option, *words(value)]
            line = [one.format(place=place, new=new) for one in line]
            results.append(_done(cli, name, line, new, asked))
            if flag and results[-1] != plain:
                break
        if not flag:
            plain = results[0]
            assert plain[0] in (0, 1, "asked"), plain
        elif flag not in context and all(result == plain for result in results):
            silent.append(f"--{flag}")
        elif f"`{flag}`" in "".join(result[2] for result in results if result[0] == 2):
            silent.append(f"--{flag} is called `{flag}`")
    assert not silent, "\n".join(silent)


def _done(cli, name: str, line: list[str], new: Path, asked: list[object]) -> tuple:
    asked.clear()
    try:
        found = observed(cli, name, line, new)
    except StopIteration:
        found = ("asked", repr(asked))
    return (found[0], *(str(part).replace(str(new), "NEW") for part in found[1:]))


def words(line: str) -> list[str]:
    return shlex.split(line)


@pytest.mark.parametrize(
    ("name", "option"),
    [
        ("translate", "output"),
        ("translate", "alignments"),
        ("classify", "output"),
        ("generate", "output"),
        ("inspect", "out"),
    ],
)
def test_overwrite(cli, place, tmp_path, name, option):
    context = COMMANDS[name].contexts[0].format(place=place)
    file = tmp_path / "there"
    file.write_text("before", encoding="utf-8")
    line = [*words(context), f"--{option}", file]
    assert "exists already" in cli(name, *line).sentence
    assert file.read_text(encoding="utf-8") == "before"
    assert cli(name, *line, "--overwrite").code == 0
    assert file.read_text(encoding="utf-8") != "before"
