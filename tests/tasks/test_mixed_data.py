"""Several corpora with weights and tags: what is trained on, validated, resumed and translated."""

import random
from pathlib import Path
from typing import Any

import pytest

import whyformer
from whyformer.foundation.errors import ConfigError, DataError, UsageError
from whyformer.recipes.recipe import resolve
from whyformer.tasks.pair_data import prepare
from whyformer.training.journal import read_journal

WORDS = ["one", "two", "three", "four", "five", "six"]
GERMAN = dict(zip(WORDS, ["eins", "zwei", "drei", "vier", "fünf", "sechs"], strict=True))
FRENCH = dict(zip(WORDS, ["un", "deux", "trois", "quatre", "cinq", "six"], strict=True))
TINY: dict[str, Any] = {
    "text.units": "words", "text.vocabulary": 300, "text.shared": False,
    "model.encoder_layers": 1, "model.decoder_layers": 1, "model.d_model": 32, "model.heads": 2,
    "model.d_ff": 64, "model.tying": "decoder", "model.dropout": 0.0,
    "training.batch_tokens": 512, "training.warmup": 10, "training.learning_rate": 0.01,
    "training.label_smoothing": 0.0,
    "validation.verdict": False, "validation.metric": "exact", "training.minutes": None,
    "decoding.beam": 1,
}  # fmt: skip


def corpora(place: Path, count: int = 800) -> list[str]:
    """Return two corpora with the same sources, in two languages."""
    rng = random.Random(0)
    sources = [[rng.choice(WORDS) for _ in range(rng.randint(1, 3))] for _ in range(count)]
    found = []
    for tag, table in (("de", GERMAN), ("fr", FRENCH)):
        lines = [f"{' '.join(s)}\t{' '.join(table[w] for w in s)}\n" for s in sources]
        (place / f"{tag}.tsv").write_text("".join(lines), encoding="utf-8")
        found.append(f"{place / tag}.tsv,tag={tag}")
    return found


def prepared(place: Path, mix: list[Any], **more: Any):
    recipe = resolve("translate", TINY | {"data.mix": mix} | more).recipe
    return recipe, prepare(recipe, place / "run")


def test_one_model_translates_into_two_languages_by_tag(tmp_path):
    overrides = TINY | {
        "data.mix": corpora(tmp_path), "training.updates": 210, "validation.every": 70
    }  # fmt: skip
    outcome = whyformer.train("translate", out=tmp_path / "run", overrides=overrides, quiet=True)
    assert outcome.scores["exact/de"] > 50
    assert outcome.scores["exact/fr"] > 50
    assert outcome.scores["loss/de"] + outcome.scores["loss/fr"] == pytest.approx(
        2 * outcome.scores["loss"], rel=0.2
    )
    model = whyformer.load(tmp_path / "run")
    assert model.translate(["<2de> two", "<2fr> two"]) == ["zwei", "deux"]
    assert model.translate(["two", "<2fr> two"], tag="de") == ["zwei", "deux"]
    with pytest.raises(UsageError, match=r"needs a tag, de or fr, but .*two.* has none"):
        model.translate(["two"])
    with pytest.raises(UsageError, match=r"a tag of the model, de or fr, but .* the tag `es`"):
        model.translate(["<2es> two"])
    with pytest.raises(UsageError, match="does not know the tag `es`: it knows de or fr"):
        model.translate(["two"], tag="es")


def test_a_resumed_mixture_equals_an_uninterrupted_one(tmp_path):
    mix = [
        f"{one},weight={weight}" for one, weight in zip(corpora(tmp_path, 60), (3, 1), strict=True)
    ]
    overrides = TINY | {"data.mix": mix, "training.updates": 6, "validation.every": 3}
    for name, stops in (("whole", []), ("parts", [2, 4])):
        steps = whyformer.fit("translate", out=tmp_path / name, overrides=overrides)
        for stop in [*stops, None]:
            for step in steps:
                if step.step == stop:
                    break
    whole, parts = (read_journal(tmp_path / name) for name in ("whole", "parts"))
    assert list(whole) == list(parts)
    weights = [(tmp_path / n / "model/model.safetensors").read_bytes() for n in ("whole", "parts")]
    assert weights[0] == weights[1]


def test_a_source_that_is_held_out_of_one_corpus_is_in_no_other(tmp_path):
    _, data = prepared(tmp_path, corpora(tmp_path))
    train = {data.corpus.texts(k)[0].split("> ")[1] for k in range(len(data.corpus))}
    dev = {item.source.split("> ")[1] for item in data.dev}
    assert dev
    assert not train & dev
    assert {item.source[:5] for item in data.dev} == {"<2de>", "<2fr>"}
    assert len(data.corpus.parts) == len(data.dev_corpus.parts) == 2


def test_the_validation_sentences_are_divided_equally(tmp_path):
    first, second = corpora(tmp_path)
    short = Path(first.split(",")[0])
    short.write_text("".join(short.read_text("utf-8").splitlines(True)[:100]), encoding="utf-8")
    _, data = prepared(tmp_path, [first, second])
    chosen = [item.part for item in data.validated(10)]
    assert chosen.count(0) == chosen.count(1) == 5


def test_synthetic_data_is_not_used_for_validation(tmp_path):
    first, second = corpora(tmp_path)
    _, data = prepared(tmp_path, [first.split(",")[0], f"{second},validated=false"])
    assert {item.part for item in data.dev} == {0}
    assert not any(item.source.startswith("<2") for item in data.dev)


def test_a_validation_set_for_all_corpora_has_no_tag(tmp_path):
    first, second = corpora(tmp_path)
    dev = tmp_path / "dev.tsv"
    dev.write_text("one nine\teins neun\n" * 30, encoding="utf-8")
    given = {"data.dev": [str(dev)]}
    _, data = prepared(tmp_path, [first.split(",")[0], second], **given)
    assert [item.source for item in data.dev] == ["one nine"]
    with pytest.raises(ConfigError, match="but the corpus `de` needs its tag"):
        prepared(tmp_path, [first, second], **given)


def test_a_corpus_of_which_nothing_is_left_is_named(tmp_path):
    first, _ = corpora(tmp_path)
    empty = tmp_path / "empty.tsv"
    empty.write_text("one\t\ntwo\t\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"at least one training pair, but `.*empty\.tsv`"):
        prepared(tmp_path, [first, f"{empty},dev={first.split(',')[0]}"])


def test_data_is_given_in_one_way():
    with pytest.raises(ConfigError, match=r"`data\.train` and `data\.mix` cannot both be given"):
        resolve("translate", {"data.train": ["a.tsv"], "data.mix": ["b.tsv"]})
    replaced = resolve("pronounce", {"data.mix": ["b.tsv"]}).recipe.data
    assert (replaced.builtin, replaced.mix[0].files) == (None, ["b.tsv"])
