"""Our reader of SentencePiece files gives the ids and texts of the package `sentencepiece`."""

import base64
import functools
import io
import json
import random
from pathlib import Path
from typing import Any

import pytest

from whyformer.foundation.errors import ConfigError
from whyformer.text.foreign.sentencepiece import SentencePieceTokenizer
from whyformer.text.foreign.wire import field, fields
from whyformer.text.imported import Imported
from whyformer.text.symbols import BOS, EOS, FIRST_PIECE, PAD, UNK
from whyformer.text.tokenizer import tokenizer_from_json
from whyformer.text.tokenizer_files import read_tokenizer

sentencepiece = pytest.importorskip("sentencepiece")

LINES = [
    "The cat sat on the mat, and the dog sat on the log.",
    "나는 오늘 학교에 갔다. 너는 오늘 집에 있다.",
    "日本語のテストです。カタカナ、漢字",
    "Привет мир, как дела? Ёлка",
    "مرحبا بالعالم كيف الحال",
    "नमस्ते दुनिया, क्या हाल है",
    "👩‍👩‍👧 and 🇰🇷 🎉",
    "café cafe\u0301 a\u0323\u0307 한글 \u1112\u1161\u11ab ﬁne ｶﾞ Ａ①",
]
OTHERS = [
    "", " ", "  two  spaces ", "▁▁ literal ▁", "tab\there\r\nend", "∑∏∂ unknown ∑",
    "a</s><pad>b<unk> <0x41><0x00> <sep> a<sep>b", "\x00\x01\x7f\u2028\u200b\ufeff\U0010ffff",
    "e\u0301\u0301\u0327 \u0301", "x" * 200,
]  # fmt: skip
OPTIONS: dict[str, dict[str, Any]] = {
    "usual": {},
    "byte fallback": {"byte_fallback": True},
    "as Llama": {
        "byte_fallback": True,
        "normalization_rule_name": "identity",
        "remove_extra_whitespaces": False,
        "add_dummy_prefix": False,
    },
    "own symbols": {
        "normalization_rule_name": "nfkc_cf",
        "user_defined_symbols": ["<sep>", "<mask>"],
        "pad_id": 3,
    },
    "suffix": {"treat_whitespace_as_suffix": True},
}


@functools.cache
def trained(name: str = "usual", **options: Any) -> bytes:
    """Return the file of a tiny tokenizer, with the options of a name in `OPTIONS`."""
    content = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(LINES * 4),
        model_writer=content,
        vocab_size=600,
        character_coverage=0.98,
        hard_vocab_limit=False,
        num_threads=1,
        minloglevel=2,
        **OPTIONS[name],
        **options,
    )
    return content.getvalue()


@pytest.mark.parametrize("kind", ["unigram", "bpe"])
@pytest.mark.parametrize("name", OPTIONS)
def test_ids_and_texts_are_those_of_the_package(name: str, kind: str):
    content = trained(name, model_type=kind)
    theirs = sentencepiece.SentencePieceProcessor(model_proto=content)
    ours = Imported.from_sentencepiece(content)
    again = tokenizer_from_json(ours.to_json())
    unk = theirs.unk_id()
    for text in [*LINES, *OTHERS]:
        wanted = theirs.encode(text)
        ids = ours.encode(text)
        assert ids == again.encode(text)
        assert [unk if i == UNK else ours.theirs[i] for i in ids] == wanted, text
        known = [i for i in wanted if i != unk]  # the package writes ⁇ for unknown text
        assert ours.decode(ids) == theirs.decode(known), text


@pytest.mark.parametrize("name", OPTIONS)
def test_every_list_of_ids_is_decoded_as_by_the_package(name: str):
    content = trained(name, model_type="bpe")
    theirs = sentencepiece.SentencePieceProcessor(model_proto=content)
    ours = Imported.from_sentencepiece(content)
    rng = random.Random(1)
    # We end a text at eos, and leave out unk and a token for masked text.
    left_out = {theirs.unk_id(), theirs.eos_id(), theirs.piece_to_id("<mask>")}
    ids = [i for i in range(len(theirs)) if i not in left_out]
    for _ in range(100):
        drawn = rng.choices(ids, k=8)
        assert ours.decode([ours.ours[i] for i in drawn]) == theirs.decode(drawn)


@pytest.mark.parametrize("rules", ["nmt_nfkc", "nfkc", "nmt_nfkc_cf", "nfkc_cf"])
def test_random_characters_and_marks_are_normalized_as_by_the_package(rules: str):
    content = trained(normalization_rule_name=rules)
    theirs = sentencepiece.SentencePieceProcessor(model_proto=content)
    ours = SentencePieceTokenizer(base64.b64encode(content).decode())
    rng = random.Random(1)
    letters = [*map(chr, [*range(0x20, 0x2FE0), *range(0x1100, 0x1113), *range(0xFF00, 0xFFEF)])]
    marks = [*map(chr, [*range(0x300, 0x345), *range(0x1161, 0x1176), *range(0x11A8, 0x11C3)])]
    for _ in range(500):
        text = "".join(rng.choice(marks if rng.random() < 0.4 else letters) for _ in range(12))
        assert ours.normalized(text) == theirs.normalize(text), text


def test_symbols_are_those_that_the_file_names(tmp_path: Path):
    file = tmp_path / "spm.model"
    file.write_bytes(trained("own symbols"))
    tokenizer = read_tokenizer(file)
    assert tokenizer.symbols == {
        "pad": "<pad>", "bos": "<s>", "eos": "</s>", "unk": "<unk>", "mask": "<mask>"
    }  # fmt: skip
    assert [tokenizer.theirs[i] for i in (PAD, BOS, EOS, UNK)] == [3, 1, 2, 0]
    file.write_bytes(trained("byte fallback"))
    assert read_tokenizer(file).first_piece == FIRST_PIECE


def test_marian_has_its_ids_in_another_file(tmp_path: Path, monkeypatch):
    transformers = pytest.importorskip("transformers")
    content = trained()
    for name in ("source.spm", "target.spm"):
        (tmp_path / name).write_bytes(content)
    pieces = SentencePieceTokenizer(base64.b64encode(content).decode()).ids
    vocabulary = ["</s>", "<unk>", *sorted(set(pieces) - {"<s>", "</s>", "<unk>"}), "<pad>"]
    del vocabulary[7]  # a piece without an id is encoded as unk
    ids = {piece: i for i, piece in enumerate(vocabulary)}
    (tmp_path / "vocab.json").write_text(json.dumps(ids), encoding="utf-8")
    monkeypatch.setattr(transformers.MarianTokenizer, "_setup_normalizer", lambda self: None)
    theirs = transformers.MarianTokenizer(
        source_spm=str(tmp_path / "source.spm"),
        target_spm=str(tmp_path / "target.spm"),
        vocab=str(tmp_path / "vocab.json"),
    )
    symbols = {"pad": "<pad>", "bos": "<pad>", "eos": "</s>", "unk": "<unk>"}
    ours = Imported.from_sentencepiece(content, symbols=symbols, ids=ids)
    assert ours.theirs[BOS] == ours.theirs[PAD] == ids["<pad>"]
    for text in LINES:
        wanted = theirs(text, add_special_tokens=False).input_ids
        found = ours.encode(text)
        assert [ours.theirs[i] for i in found] == wanted
        # transformers also removes spaces at the end.
        assert ours.decode(found).strip() == theirs.decode(wanted, skip_special_tokens=True)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda content: content[:-3], "ends in the middle"),
        (lambda content: content[:40], "ends in the middle"),
        (lambda content: b"\n" + b"\xff" * 40, "not a Protocol Buffers"),
        (lambda content: content + field(1, field(1, "<s>")), "occurs twice"),
        (lambda content: content + field(2, field(3, 4)), "its type is char"),
        (lambda content: content + field(3, field(2, b"\xff\xff")), "rules are damaged"),
    ],
)
def test_a_damaged_file_is_refused(change, reason: str, tmp_path: Path):
    file = tmp_path / "spm.model"
    file.write_bytes(change(trained()))
    with pytest.raises(ConfigError, match=reason):
        read_tokenizer(file)


def test_the_wire_format_is_that_of_the_package():
    content = trained("own symbols")
    written = b"".join(field(number, value) for number, value in fields(content))
    assert written == content
    inner = next(value for number, value in fields(content) if number == 2)
    assert isinstance(inner, bytes)
    numbers = {n: v for n, v in fields(inner) if isinstance(v, int)}
    assert field(43, numbers[43]) in inner
