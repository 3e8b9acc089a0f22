"""A package of Argos Translate has the files that Argos expects, and translates as the run does."""

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from library_tokenizers import word_piece
from toy_runs import SHAPE, toy_run
from whyformer.bundle import Bundle, load_bundle, save_bundle
from whyformer.decoding.settings import SearchSettings
from whyformer.decoding.translator import Translator
from whyformer.foundation.errors import OutputError, UsageError
from whyformer.interop import argos
from whyformer.interop.argos import DifferentTranslationsError, convert
from whyformer.models.build import build_model
from whyformer.models.transformer import TransformerSettings
from whyformer.text.imported import Imported
from whyformer.text.symbols import EOS, FIRST_PIECE
from whyformer.text.tokenizer import Tokenizer, train_tokenizer

pytest.importorskip("ctranslate2", reason="this platform has no wheel")
sentencepiece = pytest.importorskip("sentencepiece", reason='needs pip install "whyformer[export]"')
pytestmark = pytest.mark.usefixtures("unchecked")

LINES = ("the cat sat on the mat", "the dog ran, and the cat slept", "나는 학교에 갔다")
TEXTS = ["the cat", "a dog, the mat", "학교 cat", "xyz the"]
KOREAN: dict[str, Any] = {"from_code": "ko", "to_code": "en"}


def subword_run(directory: Path, units: str) -> Path:
    """Save a model with one subword tokenizer for both sides."""
    return run_with(directory, train_tokenizer(units, LINES, vocabulary=300))


def run_with(directory: Path, tokenizer: Tokenizer, target: Tokenizer | None = None) -> Path:
    """Save a model with the given tokenizers; without ``target``, both sides have the same one."""
    target = tokenizer if target is None else target
    torch.manual_seed(3)
    settings = TransformerSettings(**SHAPE, tying="none", output_bias="learned")
    model = build_model(settings, (len(tokenizer), len(target)), shared=target is tokenizer).eval()
    special = target.first_piece if isinstance(target, Imported) else FIRST_PIECE
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.5)
        assert model.projection.bias is not None
        model.projection.bias[:special] = -1e4  # Argos does not forbid symbols
        model.projection.bias[EOS] = 1.0
    save_bundle(directory / "model", Bundle(model, tokenizer, target))
    return directory


def spm_file(kind: str, **options: Any) -> bytes:
    """Train a `.model` file with the package `sentencepiece`."""
    content = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(LINES * 5),
        model_writer=content,
        model_type=kind,
        minloglevel=2,
        **({"vocab_size": 60, "hard_vocab_limit": False} | options),
    )
    return content.getvalue()


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """Return a run with a package; not to be changed."""
    run = subword_run(tmp_path_factory.mktemp("argos"), "bpe")
    convert(run, sentences=6, **KOREAN)
    return run


@pytest.fixture(scope="module")
def package(run) -> Path:
    return run / "translate-ko_en.argosmodel"


def test_a_package_holds_what_argos_expects(package):
    with zipfile.ZipFile(package) as archive:
        assert set(archive.namelist()) == {
            f"translate-ko_en/{name}"
            for name in (
                "metadata.json",
                "sentencepiece.model",
                "model/model.bin",
                "model/config.json",
                "model/shared_vocabulary.json",
            )
        }
        read = {name: archive.read(f"translate-ko_en/{name}") for name in PARTS}
    metadata, config, vocabulary = (json.loads(read[name]) for name in PARTS)
    names = [metadata[key] for key in ("from_code", "from_name", "to_code", "to_name", "type")]
    assert names == ["ko", "Korean", "en", "English", "translate"]
    assert config["add_source_eos"]
    assert [config[f"{one}_token"] for one in ("bos", "eos", "unk")] == ["<bos>", "<eos>", "<unk>"]
    assert "▁cat" in vocabulary


def test_a_unigram_tokenizer_and_int8_are_possible(tmp_path):
    run = subword_run(tmp_path, "unigram")
    # With random weights, int8 changes the translations differently on each processor. chrF is 0
    # for all translations, so that it cannot fall.
    pairs = [(text, "☃") for text in LINES]
    done = convert(run, quantization="int8", pairs=pairs, out=tmp_path / "a.argosmodel", **KOREAN)
    assert (done.compared, done.skipped) == (3, 0)
    found = done.to_json()
    assert (found["quantization"], found["file"]) == ("int8", str(tmp_path / "a.argosmodel"))
    assert done.lines()[-2:] == [
        "package: 3 of 3 the same translation",
        f"file: {tmp_path / 'a.argosmodel'}",
    ]


@pytest.mark.parametrize(
    ("kind", "options"),
    [("unigram", {}), ("bpe", {}), ("bpe", {"byte_fallback": True, "vocab_size": 320})],
    ids=str,
)
def test_an_imported_sentencepiece_model_of_both_sides_becomes_that_of_the_package(
    tmp_path, kind, options
):
    content = spm_file(kind, **options)
    run = run_with(tmp_path, Imported.from_sentencepiece(content))
    pairs = [(text, text) for text in TEXTS]
    done = convert(run, pairs=pairs, **KOREAN)
    assert (done.compared, done.skipped) == (len(TEXTS), 0)
    with zipfile.ZipFile(done.file) as archive:
        assert archive.read("translate-ko_en/sentencepiece.model") == content


def test_imported_tokenizers_of_two_files_or_with_other_rules_are_refused_with_the_way_out(
    tmp_path,
):
    two = [Imported.from_sentencepiece(spm_file(kind)) for kind in ("unigram", "bpe")]
    with pytest.raises(UsageError, match=r"read from two files .*--to ctranslate2 or --to onnx"):
        convert(run_with(tmp_path / "two", *two), **KOREAN)
    pieces = word_piece().to_str()
    names = {"pad": "[PAD]", "unk": "[UNK]", "bos": "[CLS]", "eos": "[SEP]"}
    other = Imported.from_tokenizer_json(pieces, symbols=names)
    with pytest.raises(UsageError, match=r"with other rules\. .*--to ctranslate2 or --to onnx"):
        convert(run_with(tmp_path / "other", other), **KOREAN)


PARTS = ("metadata.json", "model/config.json", "model/shared_vocabulary.json")


def test_what_cannot_be_a_package_is_refused(run, package, tmp_path):
    with pytest.raises(UsageError, match=r"`--to-code` must be the ISO 639 code .* is missing"):
        convert(run, from_code="ko")
    with pytest.raises(UsageError, match=r"`--from-code` must be .* but it is `Korean`"):
        convert(run, from_code="Korean", to_code="en")
    with pytest.raises(UsageError, match=r"must end with \.argosmodel"):
        convert(run, out=tmp_path / "package.zip", **KOREAN)
    other = tmp_path / "precious.argosmodel"
    other.write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError, match="exists and is not a package"):
        convert(run, out=other, **KOREAN)
    assert other.read_text(encoding="utf-8") == "mine"
    with pytest.raises(UsageError, match="one tokenizer for both languages, but this run has two"):
        convert(toy_run(tmp_path / "two", shared=False), **KOREAN)
    with pytest.raises(UsageError, match="SentencePiece needs the units bpe or unigram"):
        convert(toy_run(tmp_path / "words"), **KOREAN)


def test_a_package_that_translates_in_another_way_is_not_kept(run, package, monkeypatch):
    before = package.read_bytes()
    rewrite = argos._rewrite

    def wrong(path: Path, change: Any) -> None:
        def changed(content: Any) -> Any:
            return [*change(content)[:-2], *change(content)[:-3:-1]]  # two pieces are exchanged

        rewrite(path, changed if path.name.startswith("shared") else change)

    monkeypatch.setattr(argos, "_rewrite", wrong)
    with pytest.raises(DifferentTranslationsError, match="must translate as the run does, but"):
        convert(run, sentences=20, **KOREAN)
    assert package.read_bytes() == before


PROGRAM = """
import json, sys
from argostranslate import package, translate
package.install_from_path(sys.argv[1])
translation = translate.get_translation_from_codes("ko", "en")
one = translation
while not hasattr(one, "sentencizer"):
    one = one.underlying
one.sentencizer.split_sentences = lambda text: [text]  # its model is downloaded
one.sentencizer.lazy_detector = None
print(json.dumps([translation.hypotheses(text, 1)[0].value for text in sys.argv[2:]]))
"""


def test_the_real_argos_installs_it_and_translates_as_the_run(run, package, tmp_path):
    python = os.environ.get("ARGOS_PYTHON", sys.executable)
    probe = [python, "-c", "import argostranslate.translate"]
    places = {f"XDG_{one}_HOME": str(tmp_path) for one in ("DATA", "CONFIG", "CACHE")}
    settings = {"ARGOS_BEAM_SIZE": "1", "ARGOS_COMPUTE_TYPE": "float32"}  # as in our search
    environment = os.environ | places | settings
    if subprocess.run(probe, capture_output=True, check=False, env=environment).returncode:
        pytest.skip("needs argostranslate, for example in the Python that ARGOS_PYTHON names")
    done = subprocess.run(
        [python, "-c", PROGRAM, str(package), *TEXTS],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    loaded = load_bundle(run)
    translator = Translator([loaded.model], loaded.source_tokenizer, loaded.target_tokenizer)
    found = translator.translate(TEXTS, SearchSettings(beam=1, max_length=argos.LONGEST))
    assert json.loads(done.stdout) == [one.text for one in found]
