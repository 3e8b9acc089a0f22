"""All parsers and readers of the package, each with valid files, for part `fuzz-readers`."""

import gzip
import json
import os
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from soak_parts.fuzz_formats import formats
from soak_parts.mutation import mutate
from soak_parts.sealing import seal

KEPT = 12
"""Number of lines of a seed file. In a short file, mutations reach a larger share of it."""


@dataclass(frozen=True)
class Reader:
    """One reader.

    Args:
        seeds: contents of valid files.
        name: name of the mutated file.
        read: function that reads a file; it may raise only errors of the package.
        weight: relative frequency of this reader.
    """

    seeds: tuple[bytes, ...]
    name: str
    read: Callable[[Path], object]
    weight: int = 10


def readers(place: Path, scratch: Path) -> dict[str, Reader]:
    """Return name -> reader. Args: place: prepared runs. scratch: directory to write to."""

    from whyformer.bundle import load_bundle
    from whyformer.data.corpus import open_corpus
    from whyformer.data.formats.recognition import Format, Wanted
    from whyformer.data.formats.tables import cells_of, open_table
    from whyformer.data.labelled import read_examples
    from whyformer.data.lines import read_lines
    from whyformer.data.reading import read_pairs
    from whyformer.data.tagged import read_tagged
    from whyformer.lab.method.record import read_record
    from whyformer.recipes.recipe import resolve
    from whyformer.text.tokenizer import tokenizer_from_json
    from whyformer.training.checkpoints import whole_tensors
    from whyformer.training.journal import Journal, read_journal
    from whyformer.training.machines import machine_named
    from whyformer.workflows.runs.diagnosis import diagnose

    data = place / "data"

    def text(name: str, lines: int = KEPT) -> bytes:
        return b"".join((data / name).read_bytes().splitlines(keepends=True)[:lines])

    def odd(sample: bytes) -> tuple[bytes, ...]:
        return (
            sample,
            sample.replace(b"\n", b"\r\n"),
            b"\xef\xbb\xbf" + sample,
            sample + "안녕 שלום e\u0301 \U0001f600\t".encode(),
        )

    def whole(
        read: Callable[..., object], *args: object, **options: object
    ) -> Callable[[Path], object]:
        return lambda path: list(read(str(path), *args, **options))  # type: ignore[call-overload]

    def in_copy(
        run: str, inside: str, use: Callable[[Path], object], *, sealed: bool = True
    ) -> Callable[[Path], object]:
        """Return a reader that copies the file into a copy of a run and uses that copy."""
        copy = scratch / f"{run}-{inside.replace('/', '-')}"

        def read(path: Path) -> object:
            if not copy.exists():
                shutil.copytree(place / run / os.path.dirname(inside), copy)
            file = copy / os.path.basename(inside)
            former = (place / run / inside).read_bytes()
            file.write_bytes(path.read_bytes())
            try:
                if sealed:
                    seal(copy)
                return use(copy)
            finally:
                file.write_bytes(former)
                if sealed and (copy / "config.json").exists():
                    shutil.copyfile(
                        place / run / os.path.dirname(inside) / "config.json", copy / "config.json"
                    )

        return read

    def columns(path: Path) -> object:
        kind = Format.JSONL if path.suffix == ".jsonl" else Format.TSV
        table = open_table(path, Wanted.LABELLED, format=kind, asked=("text", "label"))
        assert table is not None
        return list(cells_of(table, ["text", "label"], strict=False))

    def side_by_side(path: Path) -> object:
        return list(read_pairs(str(path), str(data / "sources.txt")))

    def journal(path: Path) -> object:
        (path.parent / "journal.jsonl").write_bytes(path.read_bytes())
        read_journal(path.parent)
        Journal(path.parent, after=3).close()
        return None

    def stopped(path: Path) -> object:
        (path.parent / "diagnosis").mkdir(exist_ok=True)
        (path.parent / "diagnosis" / "diagnosis.json").write_bytes(path.read_bytes())
        return diagnose(path.parent).render()

    def tokenizer(path: Path) -> object:
        made = tokenizer_from_json(path.read_text(encoding="utf-8", errors="surrogateescape"))
        return made.decode(made.encode("ba de ki\u0301 안녕"))

    def recipe(path: Path) -> object:
        return resolve(str(path)).recipe

    def overrides(path: Path) -> object:
        from whyformer.cli.shared.dotted import split
        from whyformer.recipes.recipe import parse_overrides

        tokens = path.read_bytes().decode("utf-8", errors="replace").split("\n")
        _, found = split(tokens)
        return resolve("translate", parse_overrides(found))

    tsv, jsonl = text("pairs.tsv"), text("pairs.jsonl")
    labelled, tagged = text("labelled.tsv"), text("tagged.conll", 30)
    lab = (Path(_package("lab")) / "published" / "beam.json").read_bytes()
    machine = (
        b"name: x\nsource: y\npeak_tflops: 312\nmemory_gb: 80\nmemory_gb_per_second: 2039\n"
        b"node_gb_per_second: 300\nnetwork_gb_per_second: 25\ngpus_per_node: 8\n"
    )
    recipes = (
        *tuple(
            file.read_bytes()
            for file in sorted(Path(_package("workflows"), "recipes").glob("*.yaml"))
        ),
        (place / "pairs" / "recipe.yaml").read_bytes(),
    )
    flags = (
        b"--model.d-model\n64\n--training.seed=7",
        b"--data.train\na.tsv\nb.tsv\n--text.units\nchars",
        b"--training.updates\n100\n--training.betas\n0.9\n0.98",
        b"--model.family\nrnn\n--model.cell\nlstm",
        b"--training.minutes\n1.5\n--validation.metric\nchrf\n--decoding.beam\n4\n--data.stress",
    )
    weights = (place / "gpt" / "model" / "model.safetensors").read_bytes()
    return {
        "pairs, TSV": Reader(odd(tsv), "f.tsv", whole(read_pairs), 20),
        "pairs, JSON lines": Reader(odd(jsonl), "f.jsonl", whole(read_pairs), 20),
        "pairs, gzip": Reader(
            (gzip.compress(tsv, mtime=0), gzip.compress(jsonl, mtime=0), tsv),
            "f.tsv.gz",
            whole(read_pairs),
        ),
        "pairs, side by side": Reader(odd(text("references.txt")), "f.txt", side_by_side),
        "lines": Reader(odd(text("text.txt")), "f.txt", whole(read_lines)),
        "columns with a header": Reader(
            odd(b"text\tlabel\tid\n" + labelled.replace(b"\n", b"\t1\n")), "f.tsv", columns
        ),
        "columns, JSON lines": Reader(
            (b'{"text": "a b", "label": "x"}\n{"text": ["a", "b"], "label": 3}\n',),
            "f.jsonl",
            columns,
        ),
        "labelled": Reader(
            odd(labelled) + odd(text("numbers.tsv")),
            "f.tsv",
            whole(read_examples, text=None, second=None, label=None),
        ),
        "tagged, a word a line": Reader(odd(tagged), "f.conll", whole(read_tagged)),
        "tagged, JSON lines": Reader(
            (b'{"words": ["a", "b"], "labels": ["O", "B-X"]}\n' * 3,),
            "f.jsonl",
            whole(read_tagged, text="words", label="labels"),
        ),
        "recipe": Reader(recipes, "f.yaml", recipe, 3),
        "overrides": Reader(flags, "f", overrides, 3),
        "machine": Reader((machine,), "f.yaml", lambda p: machine_named(str(p)), 4),
        "tokenizer": Reader(
            tuple(
                (place / run / "model" / "source.json").read_bytes()
                for run in ("gpt", "bert", "rnn")
            ),
            "f.json",
            tokenizer,
        ),
        "lab result": Reader((lab,), "f.json", read_record, 1),
        "journal": Reader(((place / "gpt" / "journal.jsonl").read_bytes(),), "f", journal, 2),
        "diagnosis": Reader((_story(),), "f", stopped, 5),
        "config.json": Reader(
            tuple((place / run / "model" / "config.json").read_bytes() for run in ("gpt",)),
            "f",
            in_copy("gpt", "model/config.json", load_bundle),
            1,
        ),
        "weights": Reader(
            (weights,), "f", in_copy("gpt", "model/model.safetensors", load_bundle), 1
        ),
        "state.json": Reader(
            ((place / "gpt" / "checkpoint" / "state.json").read_bytes(),),
            "f",
            in_copy("gpt", "checkpoint/state.json", whole_tensors),
            2,
        ),
        "corpus.json": Reader(
            ((place / "pairs" / "corpus" / "corpus.json").read_bytes(),),
            "f",
            in_copy("pairs", "corpus/corpus.json", open_corpus),
            2,
        ),
        **{name: Reader(*one) for name, one in formats().items()},
    }


def _package(name: str) -> str:
    import importlib

    file = importlib.import_module(f"whyformer.{name}").__file__
    assert file is not None
    return os.path.dirname(file)


def _story() -> bytes:
    story = {
        "step": 3,
        "first": "a.b",
        "kind": "output",
        "advice": ["x"],
        "loss": "nan",
        "norm": "1.0",
        "message": "m",
        "batch": [{"source": "a", "target": "b"}],
    }
    return json.dumps(story).encode()


def chosen(rng: random.Random, every: dict[str, Reader]) -> str:
    """Return the name of a random reader, drawn with the weights."""
    return rng.choices(list(every), [one.weight for one in every.values()])[0]


def one_input(seed: int, index: int, every: dict[str, Reader]) -> tuple[str, bytes]:
    """Return the name of the reader and the content of input ``index``."""
    rng = random.Random(f"fuzz/{seed}/{index}")
    name = chosen(rng, every)
    return name, mutate(rng, every[name].seeds)
