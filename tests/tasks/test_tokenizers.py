"""Kept tokenizers come back as they were learned, or are refused by name."""

import pytest

from whyformer.foundation.errors import BundleError
from whyformer.tasks.tokenizers import kept_tokenizers
from whyformer.text.tokenizer import train_tokenizer


def learned(directory):
    return kept_tokenizers(
        directory,
        ["source"],
        {"a": 1},
        lambda: [train_tokenizer("words", ["a b c"], vocabulary=300)],
    )


def test_a_changed_tokenizer_is_refused_by_name(tmp_path):
    (first,) = learned(tmp_path)
    assert learned(tmp_path)[0].fingerprint == first.fingerprint
    path = tmp_path / "source.json"
    path.write_text(path.read_text(encoding="utf-8").replace('"c"', '"d"'), encoding="utf-8")
    with pytest.raises(BundleError, match="do not have the SHA-256"):
        learned(tmp_path)
    path.unlink()
    with pytest.raises(BundleError, match=r"source\.json` is missing or damaged"):
        learned(tmp_path)
