"""A model directory of Hugging Face becomes a run that translates as transformers does."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from whyformer.bundle import load_bundle, save_bundle
from whyformer.cli.main import main
from whyformer.decoding.settings import SearchSettings
from whyformer.decoding.translator import Translator
from whyformer.foundation.config import build
from whyformer.foundation.errors import BundleError, OutputError, UsageError
from whyformer.interop.convert import ParityError
from whyformer.interop.huggingface.generation import search_settings
from whyformer.interop.huggingface.importing import import_model
from whyformer.interop.huggingface.reading import read_model
from whyformer.text.symbols import EOS

transformers = pytest.importorskip("transformers", reason='needs pip install "whyformer[export]"')

import tiny_hugging_face  # noqa: E402

pytestmark = pytest.mark.usefixtures("unchecked")

WRITERS = {
    "marian": tiny_hugging_face.write_marian,
    "t5 with spiece.model": lambda path: tiny_hugging_face.write_t5(path, library=False),
    "t5 with tokenizer.json": lambda path: tiny_hugging_face.write_t5(path, library=True),
    "bart with merges.txt": lambda path: tiny_hugging_face.write_bart(path, library=False),
    "bart with tokenizer.json": lambda path: tiny_hugging_face.write_bart(path, library=True),
}


@pytest.fixture(scope="module")
def directories(tmp_path_factory):
    """Return a function that writes each directory once; it returns the directory and its model."""
    made: dict[str, tuple[Path, Any]] = {}

    def directory(name: str) -> tuple[Path, Any]:
        if name not in made:
            path = tmp_path_factory.mktemp("published") / "model"
            made[name] = path, WRITERS[name](path)
        return made[name]

    return directory


@pytest.mark.filterwarnings("ignore:Recommended")
@pytest.mark.parametrize("name", WRITERS)
def test_translations_equal_those_of_transformers(name, directories, tmp_path):
    path, theirs = directories(name)
    read = read_model(path)
    save_bundle(tmp_path / "model", read.bundle)  # what was written is read again
    bundle = load_bundle(tmp_path)
    translator = Translator([bundle.model], bundle.source_tokenizer, bundle.target_tokenizer)
    settings = build(SearchSettings, bundle.facts["decoding"], where="facts")
    tokenizer = transformers.AutoTokenizer.from_pretrained(path)
    lines = [*tiny_hugging_face.LINES, "A zebra ∑ 家 é", "Hello  world"]
    if name == "marian":  # the language of the translation
        lines += [">>kor<< The cat sat.", ">>xyz<< The cat sat."]
    found = [one.text for one in translator.translate(lines, settings)]
    expected = []
    for line in lines:
        ids = tokenizer(line, return_tensors="pt")
        source = bundle.source_tokenizer
        ours = [source.theirs[i] for i in [*source.encode(line), EOS]]
        assert ours == ids["input_ids"][0].tolist()
        (output,) = theirs.generate(ids["input_ids"], attention_mask=ids["attention_mask"])
        expected.append(tokenizer.decode(output, skip_special_tokens=True).strip())
    assert [text.strip() for text in found] == expected
    assert len(set(expected)) > 1


@pytest.mark.parametrize("name", ["marian", "bart with tokenizer.json"])
def test_the_comparison_covers_tokens_probabilities_and_translations(name, directories, tmp_path):
    path, _ = directories(name)
    done = import_model(path, tmp_path / "run", sentences=5)
    assert done.comparison is not None
    assert done.comparison.tokenized_same == done.comparison.parity.greedy_same == 5
    assert done.comparison.parity.difference < 1e-4
    assert any("compared with transformers" in line for line in done.lines())
    facts = load_bundle(tmp_path / "run").facts["imported"]
    assert facts["compared"]["parity"]["sentences"] == 5
    assert facts["model_type"] == name.split()[0]


def test_a_model_that_differs_is_not_kept(directories, tmp_path, monkeypatch):
    path, _ = directories("marian")
    read = read_model(path)
    with torch.no_grad():
        read.bundle.model.projection.bias[9] += 0.5
    monkeypatch.setattr("whyformer.interop.huggingface.importing.read_model", lambda path: read)
    with pytest.raises(ParityError, match=r"is not kept: ln P of a token differs by"):
        import_model(path, tmp_path / "run", sentences=3)
    assert not (tmp_path / "run").exists()


def test_without_transformers_the_model_is_imported_and_the_reason_is_said(
    directories, tmp_path, monkeypatch
):
    path, _ = directories("bart with merges.txt")
    monkeypatch.setitem(sys.modules, "transformers", None)
    done = import_model(path, tmp_path / "run")
    assert done.comparison is None
    assert done.to_json()["compared"] is None
    assert any("not compared with transformers: The package" in line for line in done.lines())
    assert load_bundle(tmp_path / "run").facts["imported"] == {
        "model_type": "bart", "compared": None,
    }  # fmt: skip


def test_the_command_writes_a_run_that_other_commands_read(directories, tmp_path, capsys):
    path, _ = directories("bart with merges.txt")
    run = tmp_path / "run"
    assert main(["import", str(path), "--out", str(run), "--sentences", "2", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["model_type"] == "bart"
    assert said["compared"]["parity"]["greedy_same"] == 2
    lines = tmp_path / "lines.txt"
    lines.write_text("A dog runs.\n")
    out = tmp_path / "out.txt"
    assert main(["translate", str(run), "--input", str(lines), "--output", str(out)]) == 0
    assert out.read_text().strip()
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("".join(f"a dog runs {i}\t{i} dogs run\n" for i in range(30)))
    tuned = [
        "train",
        "--start-from",
        str(run),
        "--data",
        str(pairs),
        "--out",
        str(tmp_path / "new"),
    ]
    short = ["--training.updates", "2", "--validation.sentences", "1"]
    assert main([*tuned, *short, "--decoding.max-length", "3", "--decoding.min-length", "0"]) == 0
    recipe = yaml.safe_load((tmp_path / "new" / "recipe.yaml").read_text())
    assert recipe["training"]["learning_rate"] == 5e-5
    assert recipe["training"]["optimizer"] == "adamw"
    assert recipe["data"]["filters"]["max_tokens"] == 127
    imported = load_bundle(run).facts["decoding"]
    kept = {name: one for name, one in imported.items() if not name.endswith("_length")}
    assert {"beam", "allow_unknown"} <= kept.keys()
    assert recipe["decoding"] == recipe["decoding"] | kept | {"max_length": 3}
    capsys.readouterr()
    assert main(["import", str(path), "--out", str(run)]) == 2
    assert "already exists" in capsys.readouterr().err


def test_pairs_that_cannot_be_a_directory_are_refused(directories, tmp_path):
    path, _ = directories("bart with merges.txt")
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="already exists"):
        import_model(path, tmp_path / "file")
    with pytest.raises(BundleError, match="does not exist"):
        import_model(tmp_path / "nothing", tmp_path / "run")


def without(path: Path, tmp_path: Path, *names: str) -> Path:
    """Return a copy of a directory without some of its files."""
    copy = Path(shutil.copytree(path, tmp_path / "copy"))
    for name in names:
        (copy / name).unlink()
    return copy


def test_a_directory_without_a_tokenizer_is_refused(directories, tmp_path):
    copy = without(directories("bart with merges.txt")[0], tmp_path, "merges.txt")
    with pytest.raises(BundleError, match=r"files of its tokenizer \(tokenizer\.json; or source"):
        read_model(copy)


def test_a_missing_file_of_marian_is_named(directories, tmp_path):
    copy = without(directories("marian")[0], tmp_path, "source.spm")
    with pytest.raises(BundleError, match=r"has no source\.spm\. Copy"):
        read_model(copy)


def test_a_directory_that_is_not_imported_yet_is_named(directories):
    with pytest.raises(BundleError, match=r"is a model of Hugging Face.*whyformer import"):
        load_bundle(directories("marian")[0])


def test_an_imported_teacher_has_no_data_for_a_student(directories, tmp_path, capsys):
    run = tmp_path / "run"
    import_model(directories("marian")[0], run, sentences=0)
    assert main(["distil", str(run), "--out", str(tmp_path / "student")]) == 2
    assert "Give --data FILE" in capsys.readouterr().err


def test_a_damaged_tokenizer_is_named(directories, tmp_path):
    copy = without(directories("marian")[0], tmp_path)
    (copy / "target.spm").write_bytes(b"\xff\xff")
    with pytest.raises(BundleError, match=r"target\.spm` cannot be read"):
        read_model(copy)


def test_a_tokenizer_with_more_tokens_than_the_model_is_refused(directories, tmp_path):
    copy = without(directories("bart with merges.txt")[0], tmp_path)
    ids = json.loads((copy / "vocab.json").read_text())
    (copy / "vocab.json").write_text(json.dumps(ids | {"more": len(ids)}))
    with pytest.raises(UsageError, match="must be below the number of embeddings"):
        read_model(copy)


def test_a_symbol_that_is_no_token_is_refused(directories, tmp_path):
    copy = without(directories("bart with merges.txt")[0], tmp_path, "generation_config.json")
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"eos_token_id": 99_999}))
    with pytest.raises(UsageError, match="The symbol eos of a model must be a token"):
        read_model(copy)


def test_search_settings_are_translated():
    found, notes = search_settings(
        {
            "num_beams": 4, "length_penalty": 2.0, "max_length": 142, "min_length": 56,
            "no_repeat_ngram_size": 3, "forced_eos_token_id": 2, "repetition_penalty": 1.0,
        }
    )  # fmt: skip
    assert found == {
        "beam": 4, "length_penalty": 2.0, "max_length": 140, "min_length": 55,
        "no_repeat_ngram": 3, "allow_unknown": True,
    }  # fmt: skip
    (note,) = notes
    assert "beam search can prefer another length" in note
    build(SearchSettings, found, where="test")
    found, notes = search_settings({"do_sample": True, "top_p": 0.9, "repetition_penalty": 1.3})
    assert found == {"method": "sample", "top_p": 0.9, "beam": 1, "allow_unknown": True}
    assert "`repetition_penalty` (1.3) has no equivalent" in notes[0]
    assert search_settings({"max_new_tokens": 7, "top_k": None})[0]["max_length"] == 7
