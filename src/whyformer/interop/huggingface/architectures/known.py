"""The architectures of Hugging Face that can be imported and exported."""

from whyformer.interop.huggingface.architectures.architecture import Architecture
from whyformer.interop.huggingface.architectures.bart import BART
from whyformer.interop.huggingface.architectures.bert import (
    BERTArchitecture,
    ELECTRAArchitecture,
    ESMArchitecture,
    RoBERTaArchitecture,
)
from whyformer.interop.huggingface.architectures.gpt2 import GPT2
from whyformer.interop.huggingface.architectures.llama import Llama
from whyformer.interop.huggingface.architectures.marian import Marian
from whyformer.interop.huggingface.architectures.neox import NeoX
from whyformer.interop.huggingface.architectures.t5 import T5

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
