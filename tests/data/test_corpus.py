"""What goes into a corpus comes out, once built it stays, and damage is seen."""

import json

import numpy as np
import pytest

from whyformer.data import chunks as chunks_module
from whyformer.data import corpus as corpus_module
from whyformer.data.chunks import encode_chunks
from whyformer.data.corpus import build_corpus, open_corpus
from whyformer.data.filters import Filters
from whyformer.data.reading import Pair
from whyformer.foundation import plugins
from whyformer.foundation.errors import BundleError, DataError
from whyformer.text.symbols import EOS, FIRST_BYTE
from whyformer.text.tokenizer import train_tokenizer

PAIRS = [
    Pair(k, f"wort {'und wort ' * (k % 5)}{k}", f"word {'and word ' * (k % 5)}") for k in range(50)
]
SOURCE = train_tokenizer("bpe", [p.source for p in PAIRS], vocabulary=300)
TARGET = train_tokenizer("chars", [p.target for p in PAIRS], vocabulary=300)


def built(directory, pairs=PAIRS, **options):
    return build_corpus(iter(pairs), SOURCE, TARGET, directory, **options)


def test_pairs_come_back_as_ids_with_eos_and_as_text(tmp_path):
    corpus = built(tmp_path / "c")
    assert len(corpus) == len(PAIRS)
    for k, pair in enumerate(PAIRS):
        assert corpus.source(k).tolist() == [*SOURCE.encode(pair.source), EOS]
        assert corpus.target(k).tolist() == [*TARGET.encode(pair.target), EOS]
        assert corpus.texts(k) == (pair.source, pair.target)
        assert len(corpus.source(k)) == corpus.source_lengths[k]
        assert len(corpus.target(k)) == corpus.target_lengths[k]
    assert corpus.source(0).dtype == np.int64


def test_the_size_of_chunks_changes_nothing(tmp_path, monkeypatch):
    once = built(tmp_path / "a")
    monkeypatch.setattr(corpus_module, "CHUNK", 7)
    seen = []
    again = built(tmp_path / "b", progress=seen.append)
    assert again.fingerprint == once.fingerprint
    assert again.report == once.report
    assert seen == [7, 14, 21, 28, 35, 42, 49, 50]


@pytest.mark.parametrize("workers", [2, 3])
def test_the_number_of_processes_changes_no_byte(tmp_path, monkeypatch, workers):
    monkeypatch.setattr(corpus_module, "CHUNK", 7)
    monkeypatch.setattr(chunks_module, "ALONE_CHUNKS", 1)
    odd = [Pair(60, "", "x"), Pair(61, "x", " "), Pair(62, "wort " * 40, "word")]
    pairs = [*PAIRS[:20], *odd, *PAIRS[20:]]
    filters = Filters(max_tokens=30)
    alone = built(tmp_path / "a", pairs, filters=filters)
    seen = []
    shared = built(tmp_path / "b", pairs, filters=filters, workers=workers, progress=seen.append)
    assert shared.report == alone.report
    assert len(alone.report.dropped) == 3
    assert seen[-1] == len(pairs)
    for file in sorted((tmp_path / "a").iterdir()):
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes(), file.name


UNITS_PLUGIN = """
from whyformer.text.units import Characters as Characters
from whyformer.text.pieces import UNITS

@UNITS.register("own-letters")
class OwnLetters(Characters):
    pass
"""


def test_processes_know_the_units_of_a_plugin(tmp_path, monkeypatch):
    monkeypatch.setattr(corpus_module, "CHUNK", 7)
    monkeypatch.setattr(chunks_module, "ALONE_CHUNKS", 1)
    (tmp_path / "letters.py").write_text(UNITS_PLUGIN, encoding="utf-8")
    plugins.load(str(tmp_path / "letters.py"))
    try:
        tokenizer = train_tokenizer(
            "own-letters", iter([pair.source for pair in PAIRS]), vocabulary=300
        )
        made = [
            build_corpus(PAIRS, tokenizer, tokenizer, tmp_path / name, key="k", workers=count)
            for name, count in (("a", 1), ("b", 2))
        ]
        assert made[0].fingerprint == made[1].fingerprint
    finally:
        plugins.unload("letters")


def test_processes_are_started_only_for_more_than_a_few_chunks(tmp_path, monkeypatch):
    def never(*_):
        raise AssertionError("a process was started")

    monkeypatch.setattr(chunks_module._Encoder, "__enter__", never)
    assert len(built(tmp_path / "a", workers=4)) == len(PAIRS)
    monkeypatch.setattr(corpus_module, "CHUNK", 1)
    with pytest.raises(AssertionError, match="a process was started"):
        built(tmp_path / "b", workers=4)


def test_a_process_that_ends_early_is_reported_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(corpus_module, "CHUNK", 7)
    monkeypatch.setattr(chunks_module, "ALONE_CHUNKS", 1)
    enter = chunks_module._Encoder.__enter__

    def killed(self):
        encoder = enter(self)
        self._process.kill()
        return encoder

    monkeypatch.setattr(chunks_module._Encoder, "__enter__", killed)
    with pytest.raises(DataError, match=r"ended with code -9 .* OMP_NUM_THREADS=1"):
        built(tmp_path / "a", workers=2)
    assert list(tmp_path.iterdir()) == []


def test_chunks_are_read_only_as_processes_take_them(monkeypatch):
    monkeypatch.setattr(chunks_module, "ALONE_CHUNKS", 1)
    taken = 0

    def chunks():
        nonlocal taken
        for pair in PAIRS:
            taken += 1
            yield [pair]

    found = encode_chunks(chunks(), (SOURCE, TARGET), Filters(), workers=2)
    for done, one in enumerate(found, start=1):
        assert one.kept == 1
        assert taken <= done + 3  # one with each process, and one in hand
    assert done == taken == len(PAIRS)


def test_pairs_that_cannot_be_read_stop_the_processes(tmp_path, monkeypatch):
    monkeypatch.setattr(corpus_module, "CHUNK", 7)
    monkeypatch.setattr(chunks_module, "ALONE_CHUNKS", 1)

    def broken():
        yield from PAIRS
        raise DataError("line 51 is broken")

    with pytest.raises(DataError, match="line 51 is broken"):
        built(tmp_path / "a", broken(), workers=2)


def test_opening_gives_the_same_corpus(tmp_path):
    made, opened = built(tmp_path / "c"), open_corpus(tmp_path / "c")
    assert opened.fingerprint == made.fingerprint
    assert opened.report == made.report
    assert opened.source(3).tolist() == made.source(3).tolist()


def test_a_corpus_is_reused_only_for_the_same_input(tmp_path):
    def never():
        raise AssertionError("the pairs were read again")
        yield

    made = built(tmp_path / "c", key="k")
    reused = build_corpus(never(), SOURCE, TARGET, tmp_path / "c", key="k")
    assert reused.fingerprint == made.fingerprint
    with pytest.raises(AssertionError, match="read again"):
        build_corpus(never(), SOURCE, TARGET, tmp_path / "c", key="other")
    with pytest.raises(AssertionError, match="read again"):
        build_corpus(never(), TARGET, TARGET, tmp_path / "c", key="k")
    with pytest.raises(AssertionError, match="read again"):
        build_corpus(
            never(), SOURCE, TARGET, tmp_path / "c", key="k", filters=Filters(max_tokens=9)
        )
    assert open_corpus(tmp_path / "c").fingerprint == made.fingerprint  # a failed build leaves it


def test_the_fingerprint_follows_ids_and_tokenizers(tmp_path):
    base = built(tmp_path / "a").fingerprint
    assert built(tmp_path / "b", PAIRS[:-1]).fingerprint != base
    other = build_corpus(iter(PAIRS), SOURCE, SOURCE, tmp_path / "c")
    assert other.fingerprint != base


def test_what_is_left_out_is_counted_with_its_lines(tmp_path):
    pairs = [
        Pair(1, "wort", "word"),
        Pair(2, " ", "word"),
        Pair(3, "wort", ""),
        Pair(4, "w" * 50, "word"),
        Pair(5, "wort", "word " * 6),
        Pair(6, "w", "wordwordwordwordwordwor"),
        *(Pair(k, "", "x") for k in range(7, 14)),
    ]
    filters = Filters(max_tokens=25, max_ratio=2, max_characters=40)
    report = built(tmp_path / "c", pairs, filters=filters).report
    assert (report.read, report.kept) == (13, 1)
    dropped = {reason: str(found) for reason, found in report.dropped.items()}
    assert dropped == {
        "empty source": "8 (lines 2, 7, 8, 9, 10, …)",
        "empty target": "1 (line 3)",
        "more than 40 characters": "1 (line 4)",
        "more than 25 tokens": "1 (line 5)",
        "one side more than 2 times as long as the other": "1 (line 6)",
    }


def test_the_report_measures_both_sides(tmp_path):
    report = built(tmp_path / "c", [Pair(1, "wort wort ξ", "word"), Pair(2, "wort", "w")]).report
    assert report.target.tokens == 4 + 1 + 2
    assert report.target.words == 2
    assert report.target.longest == 5
    assert report.target.fertility == 2.5
    assert report.source.spelled == 2
    assert report.source.unknown == 0
    assert report.round_trip_failures.count == 0


def test_round_trip_failures_are_found(tmp_path):
    class Forgetful:
        def __getattr__(self, name):
            return getattr(TARGET, name)

        def __len__(self):
            return len(TARGET)

        def decode(self, ids):
            return "?"

    report = build_corpus([Pair(4, "a", "b")], SOURCE, Forgetful(), tmp_path / "c").report
    assert report.round_trip_failures.first_lines == [4]


def test_a_corpus_without_pairs_says_why(tmp_path):
    with pytest.raises(DataError, match=r"none of 1 was kept: empty source: 1 \(line 9\)\. Change"):
        built(tmp_path / "c", [Pair(9, "", "x")])
    with pytest.raises(DataError, match=r"at least one pair, but none was read"):
        built(tmp_path / "c", [])
    assert not (tmp_path / "c").exists()


def test_damage_is_seen(tmp_path):
    built(tmp_path / "c", key="k")
    file = tmp_path / "c" / "target.bin"
    whole = file.read_bytes()
    file.write_bytes(whole[:-2])
    with pytest.raises(
        DataError, match=r"target\.bin` was changed or truncated .* build the corpus"
    ):
        open_corpus(tmp_path / "c")
    assert len(built(tmp_path / "c", key="k")) == len(PAIRS)  # built anew
    assert file.read_bytes() == whole
    file.unlink()
    with pytest.raises(DataError, match=r"target\.bin` is missing"):
        open_corpus(tmp_path / "c")


def test_what_is_no_corpus_is_said(tmp_path):
    with pytest.raises(DataError, match=r"must be a corpus directory, but it has no corpus\.json"):
        open_corpus(tmp_path)
    place = tmp_path / "corpus.json"
    for text in ("{", "[]", "{}", '{"format": 1}'):
        place.write_text(text)
        with pytest.raises(DataError, match=r"Delete the directory and build the corpus again"):
            open_corpus(tmp_path)
    place.write_text(json.dumps({"format": 3}))
    with pytest.raises(BundleError, match=r"has format 3, .* reads up to 2\. Upgrade whyformer"):
        open_corpus(tmp_path)


def test_large_vocabularies_need_wider_numbers(tmp_path):
    words = [f"w{k}" for k in range(66_000)]
    tokenizer = train_tokenizer("words", words, vocabulary=70_000)
    corpus = build_corpus([Pair(1, words[-1], "a")], tokenizer, tokenizer, tmp_path / "c")
    assert corpus.ids["source"].dtype == np.uint32
    assert corpus.source(0).tolist() == [*tokenizer.encode(words[-1]), EOS]
    assert tokenizer.decode(corpus.source(0).tolist()) == words[-1]
    assert FIRST_BYTE + ord("a") in corpus.target(0)
