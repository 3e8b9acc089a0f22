"""Our tokenizers as `.model` files: the package `sentencepiece` gives the same ids and texts."""

import random
from pathlib import Path

import pytest

from whyformer.bundle import Bundle, save_bundle
from whyformer.foundation.errors import OutputError, UsageError
from whyformer.interop import sentencepiece as export
from whyformer.interop.normalization_rules import rules
from whyformer.interop.sentencepiece import (
    SAMPLE,
    DifferentPiecesError,
    to_sentencepiece,
    write_models,
)
from whyformer.models.transformer import Transformer, TransformerSettings
from whyformer.text.imported import Imported
from whyformer.text.normalization import normalize
from whyformer.text.pieces import Pieces
from whyformer.text.symbols import BOS, EOS, MASK, PAD, UNK
from whyformer.text.tags import with_tags
from whyformer.text.tokenizer import Tokenizer, train_tokenizer

sentencepiece = pytest.importorskip("sentencepiece")

LINES = [*SAMPLE, "the theatre, then these others: thesis", "aaaa bbbb aaaa bbbb"] * 3
OTHERS = ["", " ", "  x  ", "∑ unknown ∂x", "</s><pad>", "<0x41>", "\x01\x7f\u2028", "END. (a)"]


def trained(units: str, *, lowercase: bool = False) -> Tokenizer:
    return train_tokenizer(units, LINES, vocabulary=500, lowercase=lowercase)


@pytest.mark.parametrize("lowercase", [False, True])
@pytest.mark.parametrize("units", ["bpe", "unigram"])
def test_ids_and_texts_are_those_of_the_package(units: str, lowercase: bool):
    ours = trained(units, lowercase=lowercase)
    content = to_sentencepiece(ours)
    theirs = sentencepiece.SentencePieceProcessor(model_proto=content)
    assert len(theirs) == len(ours)
    symbols = (theirs.pad_id(), theirs.bos_id(), theirs.eos_id(), theirs.unk_id())
    assert symbols == (PAD, BOS, EOS, UNK)
    assert theirs.id_to_piece(MASK) == "<mask>"
    for text in [*LINES, *OTHERS]:
        ids = ours.encode(text)
        assert theirs.encode(text) == ids, text
        assert theirs.decode(ids) == ours.decode(ids), text


def test_the_file_is_also_read_as_an_imported_tokenizer():
    ours = trained("bpe")
    again = Imported.from_sentencepiece(to_sentencepiece(ours))
    assert len(again) == len(ours)
    for text in [*LINES, *OTHERS]:
        assert again.encode(text) == ours.encode(text)


def test_the_rules_normalize_composed_characters_written_in_every_way():
    found = rules(normalize)
    assert found["e\u0301"] == "é"
    assert found["\u1112\u1161\u11ab"] == found["하\u11ab"] == "한"
    assert found["a\u0307\u0323"] == "ạ\u0307"
    assert found["\u0958"] == "\u0915\u093c"
    assert found["\u212b"] == "Å"
    assert all(normalize(key) == value != key for key, value in found.items())


def test_random_accents_are_normalized_as_by_us():
    ours = trained("bpe")
    theirs = sentencepiece.SentencePieceProcessor(model_proto=to_sentencepiece(ours))
    rng = random.Random(1)
    letters, accents = "aeiouAEcgnsz ", "\u0300\u0301\u0302\u0303\u0308\u030c\u0323\u0327"
    for _ in range(500):
        text = "".join(rng.choice(letters) + rng.choice(("", *accents)) for _ in range(8))
        assert theirs.normalize(text) == normalize(text).replace(" ", "▁")


def saved(place: Path, source: Tokenizer, target: Tokenizer) -> Path:
    shape = TransformerSettings(
        encoder_layers=1, decoder_layers=1, d_model=4, heads=1, d_ff=4, tying="decoder"
    )
    model = Transformer(shape, (len(source), len(target)))
    save_bundle(place, Bundle(model, source, target))
    return place


def test_a_run_gets_one_file_for_each_different_tokenizer(tmp_path: Path):
    bpe, unigram = trained("bpe"), trained("unigram")
    done = write_models(saved(tmp_path / "one", bpe, bpe), out=tmp_path / "files")
    assert [one.file.name for one in done.files] == ["tokenizer.model"]
    run = saved(tmp_path / "two", bpe, unigram)
    done = write_models(run, out=tmp_path / "files", pairs=[("the cat", "die Katze")])
    names = sorted(file.name for file in (tmp_path / "files").iterdir())
    assert names == ["source.model", "target.model"]
    assert all(one.share < 0.005 for one in done.files)
    assert "same pieces in" in done.lines()[0]
    theirs = sentencepiece.SentencePieceProcessor(str(tmp_path / "files" / "target.model"))
    assert theirs.encode("the theatre") == unigram.encode("the theatre")


def test_files_of_others_are_not_replaced(tmp_path: Path):
    bpe = trained("bpe")
    run = saved(tmp_path / "run", bpe, bpe)
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match="other files"):
        write_models(run, out=tmp_path)


def test_a_file_with_other_pieces_is_not_kept(tmp_path: Path, monkeypatch):
    bpe, unigram = trained("bpe"), trained("unigram")
    run = saved(tmp_path / "run", bpe, bpe)
    wrong = to_sentencepiece(unigram)
    monkeypatch.setattr(export, "to_sentencepiece", lambda tokenizer: wrong)
    with pytest.raises(DifferentPiecesError, match=r"at least 99\.5% of the texts"):
        write_models(run, out=tmp_path / "files")
    assert not (tmp_path / "files").exists()


@pytest.mark.parametrize("units", ["byte_bpe", "jamo", "chars", "words"])
def test_other_units_are_refused(units: str):
    with pytest.raises(UsageError, match=f"units of this tokenizer are {units}"):
        to_sentencepiece(trained(units))


def test_tokenizers_with_tags_and_of_other_tools_are_refused():
    bpe = train_tokenizer("bpe", LINES, vocabulary=500)
    assert isinstance(bpe, Pieces)
    with pytest.raises(UsageError, match=r"has the tags de\. Train without `tag`"):
        to_sentencepiece(with_tags(bpe, ["de"]))
    imported = Imported.from_sentencepiece(to_sentencepiece(bpe))
    with pytest.raises(UsageError, match=r"with other ids\. Use that file"):
        to_sentencepiece(imported)


def test_a_piece_with_the_mark_of_spaces_is_refused():
    tokenizer = train_tokenizer("bpe", ["▁ a▁ b▁"] * 5, vocabulary=300)
    with pytest.raises(UsageError, match=r'has the piece ".*▁'):
        to_sentencepiece(tokenizer)
