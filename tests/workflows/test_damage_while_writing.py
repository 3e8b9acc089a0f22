"""A file that a disk damages right after it was written is noticed, and named in one sentence."""

import contextlib
import os

import pytest

from whyformer.bundle import Bundle, load_bundle, save_bundle
from whyformer.data import corpus, documents
from whyformer.data.reading import Pair
from whyformer.foundation import files, tensors
from whyformer.foundation.errors import BundleError, DataError
from whyformer.models.build import build_model
from whyformer.models.gpt import GPTSettings
from whyformer.tasks import tokenizers
from whyformer.tasks.tokenizers import kept_tokenizers
from whyformer.text.tokenizer import train_tokenizer
from whyformer.workflows.runs import run_file

TOKENIZER = train_tokenizer("words", ["a b c"], vocabulary=300)


def halved(path):
    os.truncate(path, path.stat().st_size // 2 // 8 * 8)


@pytest.fixture
def torn(monkeypatch):
    """Return a function that lets files of this name lose their second half once written."""

    def tear(module, name):
        @contextlib.contextmanager
        def tearing(path):
            with files.atomic_directory(path) as temporary:
                yield temporary
            halved(path / name)

        monkeypatch.setattr(module, "atomic_directory", tearing)

    return tear


@pytest.mark.parametrize("name", ["ids.bin", "offsets.bin"])
def test_documents_cut_after_writing_are_refused_and_made_again(tmp_path, torn, monkeypatch, name):
    text = [["a b c"], ["b c"], ["c c c"]]
    torn(documents, name)
    with pytest.raises(DataError, match="damaged right after it was written"):
        documents.build_documents(text, TOKENIZER, tmp_path / "corpus", key="k")
    monkeypatch.undo()
    assert len(documents.build_documents(text, TOKENIZER, tmp_path / "corpus", key="k")) == 3


@pytest.mark.parametrize("name", ["source.bin", "target.offsets.bin", "text.bin"])
def test_a_corpus_cut_after_writing_is_refused_and_made_again(tmp_path, torn, monkeypatch, name):
    pairs = [Pair(n, "a b c", "c b a", "f") for n in range(1, 5)]
    build = (pairs, TOKENIZER, TOKENIZER, tmp_path / "corpus")
    torn(corpus, name)
    with pytest.raises(DataError, match="damaged right after it was written"):
        corpus.build_corpus(*build, key="k")
    monkeypatch.undo()
    assert len(corpus.build_corpus(*build, key="k")) == 4


def test_the_hash_of_a_recipe_is_of_what_was_written(tmp_path, monkeypatch):
    def tearing(path, text):
        files.write_text(path, text[: len(text) // 2] if path.name == run_file.RECIPE else text)

    monkeypatch.setattr(run_file, "write_text", tearing)
    run_file.write_run(tmp_path, "task: copy\nseed: 1\n", {"updates": 1, "data_key": "k"})
    with pytest.raises(BundleError, match=r"recipe\.yaml"):
        run_file.read_run(tmp_path)


def test_the_hash_of_a_kept_tokenizer_is_of_what_was_written(tmp_path, monkeypatch):
    def tearing(path, text):
        files.write_text(path, text)
        if path.name == "source.json":
            halved(path)

    monkeypatch.setattr(tokenizers, "write_text", tearing)
    kept_tokenizers(tmp_path, ["source"], {}, lambda: [TOKENIZER])
    with pytest.raises(BundleError, match="do not have the SHA-256"):
        kept_tokenizers(tmp_path, ["source"], {}, lambda: [TOKENIZER])


def test_weights_that_torch_cannot_map_are_named(tmp_path, monkeypatch):
    settings = GPTSettings(layers=1, d_model=8, heads=2, d_ff=8, max_length=8)
    size = len(TOKENIZER)
    model = build_model(settings, (size, size), shared=True)
    save_bundle(tmp_path / "model", Bundle(model.eval(), TOKENIZER, TOKENIZER))

    def failing(*_arguments, **_options):
        raise RuntimeError("unable to open file in read-only mode: Input/output error (5)")

    monkeypatch.setattr(tensors, "safe_open", failing)
    with pytest.raises(BundleError, match=r"model\.safetensors.*Input/output error"):
        load_bundle(tmp_path / "model")
