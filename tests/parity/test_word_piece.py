"""A `vocab.txt` gives the ids and texts of the BERT tokenizer of transformers."""

import json
from pathlib import Path

import pytest

from whyformer.text.tokenizer_files import read_tokenizer

transformers = pytest.importorskip("transformers")

LINES = [
    "The cat sat, CAFÉ café!", "나는 오늘 학교에 갔다.", "日本語の漢字", "Привет мир", "مرحبا",
    "नमस्ते 👩‍👩‍👧", "  two  spaces\ttab ", "",
]  # fmt: skip
SYMBOLS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


@pytest.mark.parametrize(
    "config",
    [{}, {"do_lower_case": False}, {"strip_accents": False}, {"tokenize_chinese_chars": False}],
)
def test_ids_and_texts_are_those_of_transformers(config, tmp_path: Path):
    characters = sorted({c for line in LINES for c in line if not c.isspace()})
    tokens = [*characters, *(f"##{c}" for c in characters), "the", "##at", "café", "cafe"]
    file = tmp_path / "vocab.txt"
    file.write_text("\n".join([*SYMBOLS, *tokens]) + "\n", encoding="utf-8")
    settings = {"do_lower_case": True} | config
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings), encoding="utf-8")
    theirs = transformers.BertTokenizer.from_pretrained(str(tmp_path))
    ours = read_tokenizer(file)
    assert ours.lowercase == settings["do_lower_case"]
    for text in LINES:
        wanted = theirs(text, add_special_tokens=False).input_ids
        ids = ours.encode(text)
        assert [ours.theirs[i] for i in ids] == wanted, text
        assert ours.decode(ids) == theirs.decode(wanted, skip_special_tokens=True), text
