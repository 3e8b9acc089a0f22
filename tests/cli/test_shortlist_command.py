"""``whyformer shortlist`` and ``translate --shortlist``, on a run with training pairs."""

import itertools
import json
from pathlib import Path

import pytest

from toy_runs import toy_run
from whyformer import load
from whyformer.bundle import load_bundle
from whyformer.data.corpus import build_corpus
from whyformer.data.reading import Pair
from whyformer.workflows.shortlist import STATE, TENSORS, read_shortlist

pytestmark = pytest.mark.usefixtures("unchecked")
BECOMES = dict(zip("abcde", "fghij", strict=True))
SOURCES = [" ".join(words) for words in itertools.product(BECOMES, repeat=3)]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run whose training pairs translate each word on its own."""
    out = toy_run(tmp_path_factory.mktemp("shortlist") / "run")
    bundle = load_bundle(out)
    pairs = [
        Pair(line, source, " ".join(BECOMES[word] for word in source.split()))
        for line, source in enumerate(SOURCES, start=1)
    ]
    build_corpus(pairs, bundle.source_tokenizer, bundle.target_tokenizer, out / "corpus")
    return out


def test_each_word_lists_its_translation_and_the_report_counts(cli, run: Path) -> None:
    said = cli("shortlist", run, "--best", "1", "--common", "2", "--json")
    assert said.code == 0
    report = json.loads(said.out)
    tokenizer = load_bundle(run).target_tokenizer
    found = read_shortlist(run)
    for word, other in BECOMES.items():
        assert found.targets[tokenizer.encode(word)[0]].tolist() == tokenizer.encode(other)
    assert report["vocabulary"] == found.vocabulary == len(tokenizer)
    assert report["pairs"] == len(SOURCES)
    assert report["coverage"] == 1.0
    assert 5 < report["size"] <= 5 + 2 + 3  # symbols, common words, translations
    first, second = cli("shortlist", run, "--best", "1", "--common", "2").out.splitlines()
    assert first.startswith("1 target of each source token and 2 common targets, from ")
    assert second.endswith("cover 100.00 % of the target tokens of the training pairs")


def test_translations_use_the_shortlist(cli, run: Path) -> None:
    assert cli("shortlist", run, "--best", "1", "--common", "0").code == 0
    flags = ("--max-length", "4", "--text", "b c", "--text", "e")
    said = cli("translate", run, "--shortlist", *flags)
    assert said.code == 0
    first, second = said.out.splitlines()
    assert {*first.split()} <= {"g", "h"}
    assert {*second.split()} <= {"j"}
    assert first != cli("translate", run, *flags).out.splitlines()[0]
    texts = load(run, shortlist=True).translate(["b c", "e"], max_length=4)
    assert texts == [first, second]


def test_messages(cli, run: Path, tmp_path: Path) -> None:
    assert cli("shortlist", run).code == 0
    flags = ("translate", run, "--shortlist", "--text", "a")
    tensors = run / "model" / TENSORS
    whole = tensors.read_bytes()
    tensors.write_bytes(whole[:-1] + b"?")
    assert "Make the shortlist again" in cli(*flags).sentence
    tensors.write_bytes(whole)
    assert cli(*flags).code == 0
    assert "cannot be combined" in cli(*flags, "--force", "f").sentence
    (run / "model" / STATE).unlink()
    assert "has no shortlist" in cli(*flags).sentence
    toy = toy_run(tmp_path / "toy")
    for said in (
        cli("shortlist", toy).sentence,
        cli("translate", toy, "--lexicon", "training", "--text", "a").sentence,
    ):
        assert f"`{toy}` has none: an imported model and a copy of a model have no" in said
        assert f"whyformer train --start-from {toy} --data FILE" in said
    (toy / "corpus").mkdir()
    said = cli("shortlist", toy).sentence
    assert f"needs the training pairs of `{toy}`, but they cannot be read." in said
