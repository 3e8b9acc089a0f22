"""A text unit that is registered from outside: trained, read back, and refused without it."""

from collections import Counter

import pytest

from whyformer.bundle import load_bundle
from whyformer.foundation.config import build
from whyformer.foundation.errors import BundleError, ConfigError
from whyformer.recipes.recipe import Recipe, resolve
from whyformer.recipes.unused import reason_unused
from whyformer.text.pieces import UNITS, Pieces, most_common, spell
from whyformer.text.symbols import FIRST_PIECE
from whyformer.text.tokenizer import TokenizerSettings, tokenizer_from_json, train_tokenizer
from whyformer.workflows.library import load
from whyformer.workflows.train import train


def pairs_of(text: str) -> list[str]:
    return [text[k : k + 2] for k in range(0, len(text), 2)]


@pytest.fixture
def toy():
    """Register pairs of characters as a unit, as a plugin does; forget it afterwards."""

    @UNITS.register("pairs")
    class Pairs(Pieces):
        """Every two characters are a token."""

        @classmethod
        def train(cls, units, texts, *, vocabulary, lowercase=False):
            counts = Counter(pair for text in texts for pair in pairs_of(text))
            return cls(units, most_common(counts, vocabulary - FIRST_PIECE), lowercase=lowercase)

        def encode(self, text):
            known = {piece: [FIRST_PIECE + k] for k, piece in enumerate(self.pieces)}
            return [
                i for pair in pairs_of(self.normalize(text)) for i in known.get(pair, spell(pair))
            ]

    yield
    UNITS.forget("pairs")
    assert "pairs" not in TokenizerSettings.model_json_schema()["properties"]["units"]["enum"]
    with pytest.raises(ConfigError, match=r'`units` must be .*, but "pairs" was found'):
        build(TokenizerSettings, {"units": "pairs"}, where="x")


def test_a_registered_unit_is_trained_and_read_back(toy):
    assert "pairs" in TokenizerSettings.model_json_schema()["properties"]["units"]["enum"]
    tokenizer = train_tokenizer("pairs", ["abcab", "abxy"], vocabulary=300)
    assert tokenizer.tokens(tokenizer.encode("abxyz")) == ["ab", "xy", "<0x7A>"]
    again = tokenizer_from_json(tokenizer.to_json())
    assert again.fingerprint == tokenizer.fingerprint
    assert again.decode(again.encode("xyabz안")) == "xyabz안"


def test_a_registered_unit_says_which_settings_it_reads(toy):
    recipe = Recipe(text=TokenizerSettings(units="pairs"))
    assert reason_unused(recipe, "text.keep_spaces") is None
    with pytest.raises(ConfigError, match=r"choose bpe, byte_bpe or unigram"):
        build(TokenizerSettings, {"units": "pairs", "sampling": 0.1}, where="x")


def test_a_tokenizer_of_a_forgotten_unit_is_refused():
    text = train_tokenizer("words", ["a"], vocabulary=300).to_json().replace("words", "pairs")
    message = r'`units` must be .* or .*, but it is "pairs"\. Use --plugin to load'
    with pytest.raises(BundleError, match=message):
        tokenizer_from_json(text)


def test_a_model_with_a_registered_unit_trains_and_translates(toy, tmp_path):
    shape = {
        "text.units": "pairs", "model.encoder_layers": 1, "model.decoder_layers": 1,
        "model.d_model": 16, "model.heads": 2, "model.d_ff": 16, "training.updates": 2,
        "validation.every": 2, "validation.sentences": 4,
    }  # fmt: skip
    train(resolve("copy", shape), tmp_path / "run", quiet=True)
    made = load_bundle(tmp_path / "run")
    assert made.source_tokenizer.units == made.target_tokenizer.units == "pairs"
    (answer,) = load(tmp_path / "run").translate(["a b c"])
    assert isinstance(answer, str)
