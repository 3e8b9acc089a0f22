"""Which tokenizers the page can express, and why it cannot express the others."""

from typing import Any

from whyformer.foundation.parsing import parse_json
from whyformer.text.bpe import BPE, ByteBPE
from whyformer.text.foreign.hugging_face import HuggingFaceTokenizer
from whyformer.text.imported import Imported
from whyformer.text.tags import Tagged
from whyformer.text.tokenizer import Tokenizer
from whyformer.text.unigram import Unigram
from whyformer.text.units import Characters, Jamo, Words

KINDS = (BPE, ByteBPE, Unigram, Characters, Jamo, Words)
"""The classes of tokenizers that the page has in JavaScript, besides some of `Imported`."""
WORD_PIECE = {
    "normalizer": "BertNormalizer", "pre_tokenizer": "BertPreTokenizer", "model": "WordPiece",
    "decoder": "WordPiece",
}  # fmt: skip
"""The parts of a tokenizer.json like that of BERT."""
BYTE_LEVEL = {
    "normalizer": None, "pre_tokenizer": "ByteLevel", "model": "BPE", "decoder": "ByteLevel",
}  # fmt: skip
"""The parts of a tokenizer.json like that of GPT-2."""


def refused_tokenizer(tokenizer: Tokenizer) -> str | None:
    """Return the reason why the page cannot express a tokenizer; None if it can."""
    inner = tokenizer.inner if isinstance(tokenizer, Tagged) else tokenizer
    if isinstance(inner, Imported):
        return _refused_import(inner)
    if type(inner) not in KINDS:
        return f"its units `{inner.units}` come from a plugin, and the page has no code for them"
    return None


def _refused_import(tokenizer: Imported) -> str | None:
    tool = tokenizer.tool
    if not isinstance(tool, HuggingFaceTokenizer):
        return f"its tokenizer is a file of {tokenizer.tool_name}, which the page cannot read"
    state = parse_json(tool.content)
    parts = {name: (state[name] or {}).get("type") for name in WORD_PIECE}
    if parts not in (WORD_PIECE, BYTE_LEVEL) or (parts == BYTE_LEVEL and not _is_usual(state)):
        return (
            "its tokenizer.json has rules that the page cannot apply (the page reads WordPiece as "
            "in BERT and byte-level BPE as in GPT-2)"
        )
    others = {one["content"] for one in state["added_tokens"]} - set(tokenizer.symbols.values())
    if others:
        return (
            f"its tokenizer.json has the added token {min(others)}, which the page cannot search "
            "for in a text"
        )
    return None


def _is_usual(state: dict[str, Any]) -> bool:
    """Return whether a byte-level BPE knows every byte and has no rules besides its merges."""
    model, splitter = state["model"], state["pre_tokenizer"]
    unusual = ("dropout", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback")
    alphabet = [token for token in model["vocab"] if len(token) == 1]
    return splitter["use_regex"] and len(alphabet) >= 256 and not any(map(model.get, unusual))
