"""The architectures of Hugging Face that can be imported and exported."""

from whyformer.interop.huggingface.architecture import Architecture
from whyformer.interop.huggingface.bart import BART
from whyformer.interop.huggingface.decoders import GPT2, Llama
from whyformer.interop.huggingface.encoders import (
    BERTArchitecture,
    ELECTRAArchitecture,
    ESMArchitecture,
    RoBERTaArchitecture,
)
from whyformer.interop.huggingface.marian import Marian
from whyformer.interop.huggingface.neox import NeoX
from whyformer.interop.huggingface.t5 import T5

ARCHITECTURES: tuple[Architecture, ...] = (
    Marian(),
    BART(),
    T5(),
    BERTArchitecture(),
    RoBERTaArchitecture(),
    ELECTRAArchitecture(),
    ESMArchitecture(),
    GPT2(),
    Llama(),
    NeoX(),
)
"""All architectures, in the order in which an export tries them."""
