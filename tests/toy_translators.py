"""Translators of tiny random models, which know a few words."""

import torch

from whyformer.decoding.translator import Translator
from whyformer.models.transformer import Transformer, TransformerSettings
from whyformer.text.tokenizer import train_tokenizer

LINES = ["a b c", "b", "", "c c c c a b", "a", "   ", "b a c a", "c b a"]
TOKENIZER = train_tokenizer("words", ["a b c d e f g"], vocabulary=300)
SHAPE = TransformerSettings(
    encoder_layers=1, decoder_layers=2, d_model=16, heads=2, d_ff=32, dropout=0.5
)


def transformer(seed: int) -> Transformer:
    torch.manual_seed(seed)
    model = Transformer(SHAPE, (len(TOKENIZER), len(TOKENIZER)))
    with torch.no_grad():  # make words and eos more probable than the 256 bytes
        model.projection.weight[5:261] = 0.0
        model.projection.weight[2] *= 6.0
        model.projection.weight[261:] *= 6.0
    return model


def translator(*seeds: int, **options: int) -> Translator:
    return Translator([transformer(seed) for seed in seeds], TOKENIZER, TOKENIZER, **options)  # pyright: ignore[reportArgumentType]
