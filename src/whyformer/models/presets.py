"""Named model sizes: the sizes in Table 3 of the paper, and small sizes for a laptop."""

from whyformer.models.bert import BERTSettings
from whyformer.models.gpt import GPTSettings
from whyformer.models.transformer import TransformerSettings

PRESETS: dict[str, TransformerSettings | GPTSettings | BERTSettings] = {
    # Paper: Vaswani et al. 2017, Table 3, rows "base" and "big".
    "base": TransformerSettings(),
    "big": TransformerSettings(d_model=1024, heads=16, d_ff=4096, dropout=0.3),
    # Radford et al. 2019 (GPT-2), Table 2, first row.
    "gpt2": GPTSettings(),
    # Devlin et al. 2018, §3, BERT base.
    "bert-base": BERTSettings(),
    # These models are small enough to train on a CPU.
    "small": TransformerSettings(
        encoder_layers=3, decoder_layers=3, d_model=256, heads=4, d_ff=1024
    ),
    "tiny": TransformerSettings(encoder_layers=4, decoder_layers=4, d_model=128, heads=4, d_ff=512),
}
