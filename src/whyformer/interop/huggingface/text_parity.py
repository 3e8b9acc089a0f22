"""Compare an encoder or a language model of whyformer with the same model in transformers.

Two results are compared: the tokens of texts, and the outputs of the model for these tokens. The
outputs are log-probabilities of tokens or of labels, a number, or the vectors of a model without
head. Greedy texts of a language model are compared, too.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from whyformer.bundle import Bundle
from whyformer.decoding.banned import banned_symbols
from whyformer.decoding.expected import Expected
from whyformer.decoding.search import search
from whyformer.decoding.settings import SearchSettings
from whyformer.foundation.parsing import read_json
from whyformer.foundation.wording import counted
from whyformer.interop.gate import TOLERANCE
from whyformer.interop.huggingface.architectures.architecture import Ids
from whyformer.interop.huggingface.parity import inverse, transformers_library
from whyformer.models.bert import BERT, AnswerOf
from whyformer.models.gpt import GPT
from whyformer.text.symbols import BOS, EOS, PAD

CONTINUED = 16
"""Number of tokens that a language model adds to each text."""
LONGEST = 64
"""Maximum number of tokens of a compared text."""


@dataclass(frozen=True)
class TextComparison:
    """The result of a comparison.

    Args:
        version: the version of transformers.
        origin: what was compared, for example "20 random texts".
        texts: number of texts.
        tokenized_same: number of texts with the same tokens.
        outputs: what was compared besides the tokens.
        difference: largest difference of an output.
        greedy_same: number of texts with the same greedy continuation; None for an encoder.
    """

    version: str
    origin: str
    texts: int
    tokenized_same: int
    outputs: str
    difference: float
    greedy_same: int | None = None

    def faults(self) -> list[str]:
        """Return what differs too much; an empty list if nothing does."""
        found = []
        if other := self.texts - self.tokenized_same:
            found.append(f"the tokens of {counted(other, 'text')} of {self.texts} differ")
        if not self.difference <= TOLERANCE:
            found.append(
                f"{self.outputs} differ by {self.difference:.2g}, and the limit is {TOLERANCE:g}"
            )
        if self.greedy_same is not None and self.greedy_same < self.texts:
            other = self.texts - self.greedy_same
            found.append(f"the greedy continuations of {counted(other, 'text')} differ")
        return found

    def lines(self) -> list[str]:
        """Return the measurements as lines of text for the user."""
        found = [
            f"compared with transformers {self.version} on {self.origin}",
            f"tokens: {self.tokenized_same} of {self.texts} the same",
            f"{self.outputs}: differ by at most {self.difference:.1e}",
        ]
        if self.greedy_same is not None:
            found.append(f"greedy: {self.greedy_same} of {self.texts} the same")
        return found

    def to_json(self) -> dict[str, Any]:
        """Return the measurements as JSON values."""
        return asdict(self)


def compare_texts(
    path: Path, bundle: Bundle, ids: Ids, texts: Sequence[str], origin: str
) -> TextComparison:
    """Compare a model of whyformer with a model directory of transformers.

    Args:
        ids: for each of our ids, the id in the directory.
        origin: what each of the texts is, for example "random text".
    Raises: MissingExtraError when transformers is not installed.
    """
    model = bundle.model
    assert isinstance(model, BERT | GPT)
    library = transformers_library()
    tokenizer = library.AutoTokenizer.from_pretrained(path, local_files_only=True)
    other = _loaded(library, path, model)
    trim = Expected.from_facts(bundle.facts).trimmed
    longest = min(LONGEST, model.settings.max_length) - 1
    ours_of = inverse(ids)
    tokenized = 0
    rows: list[list[int]] = []
    for text in texts:
        encoded = bundle.source_tokenizer.encode(trim(text))
        framed = [BOS, *encoded, EOS] if isinstance(model, BERT) else encoded
        found = [ours_of.get(i) for i in tokenizer(text)["input_ids"]]
        if isinstance(model, GPT) and found[:1] == [BOS]:
            found = found[1:]
        tokenized += found == [ours_of[ids[i] or 0] for i in framed]
        rows.append([BOS, *encoded[: longest - 1], *[EOS] * isinstance(model, BERT)])
    with torch.inference_mode():
        names, differences = zip(
            *(_difference(bundle, other, row, ids) for row in rows), strict=True
        )
        greedy = None
        if isinstance(model, GPT):
            shortened = [row[1 : max(2, longest - CONTINUED)] for row in rows]
            greedy = sum(_greedy_same(library, model, other, row, ids) for row in shortened)
    difference = max(differences)
    version = str(library.__version__)
    compared = counted(len(texts), origin)
    return TextComparison(version, compared, len(texts), tokenized, names[0], difference, greedy)


def _loaded(library: Any, path: Path, model: BERT | GPT) -> Any:
    """Return the model of transformers in a directory."""
    kind = library.AutoModelForCausalLM
    if isinstance(model, BERT):
        named = next(iter(read_json(path / "config.json").get("architectures") or ()), "")
        kind = getattr(library, named) if "For" in named else library.AutoModel
    return kind.from_pretrained(path, local_files_only=True, dtype=torch.float32).eval()


def _difference(bundle: Bundle, other: Any, row: list[int], ids: Ids) -> tuple[str, float]:
    """Return what was compared, and the largest difference for one row of tokens. Numbers are
    compared in units of their standard deviation."""
    model, facts = bundle.model, bundle.facts
    assert isinstance(model, BERT | GPT)
    mapped = torch.tensor([[ids[i] or 0 for i in row]])
    given = torch.tensor([row])
    theirs = other(input_ids=mapped)
    if isinstance(model, GPT):
        name, ours, theirs = "log-probabilities", model(given), _columns(theirs.logits, ids)
    elif "last_hidden_state" in theirs:
        vectors = model(given) - theirs.last_hidden_state
        return "vectors", float(vectors.abs().max())
    elif not model.settings.outputs:
        logits = theirs.prediction_logits if "prediction_logits" in theirs else theirs.logits
        name, ours = "log-probabilities", model.masked(model(given))
        theirs = _columns(logits, ids)
    else:
        of_tokens = model.settings.answer_of is AnswerOf.TOKENS
        answers = model.token_answers if of_tokens else model.answers
        name, ours, theirs = (
            "log-probabilities of labels",
            answers(given, None, None),
            theirs.logits,
        )
        if theirs.ndim < ours.ndim:  # the discriminator of ELECTRA has one output for each token
            theirs = torch.stack([torch.zeros_like(theirs), theirs], -1)
        if model.settings.outputs == 1:
            mean, deviation = facts.get("mean", 0.0), facts.get("deviation", 1.0)
            return "numbers", float((ours - (theirs - mean) / deviation).abs().max())
    used = _used(ids) if ours.shape[-1] == len(ids) else slice(None)
    difference = ours.log_softmax(-1)[..., used] - theirs.log_softmax(-1)[..., used]
    return name, float(difference.abs().max())


def _used(ids: Ids) -> Tensor:
    """Return our ids that the other model can predict, each token once."""
    return torch.tensor(sorted(inverse(ids).values()))


def _columns(logits: Tensor, ids: Ids) -> Tensor:
    """Return logits in the order of our ids; a symbol without a column gets −∞."""
    columns = torch.full((*logits.shape[:-1], len(ids)), -torch.inf)
    used = _used(ids)
    columns[..., used] = logits[..., torch.tensor([ids[i] or 0 for i in used.tolist()])]
    return columns


def _greedy_same(library: Any, model: GPT, other: Any, row: list[int], ids: Ids) -> bool:
    """Return whether both models continue a text with the same tokens."""
    length = len(row) + CONTINUED
    settings = SearchSettings(beam=1, nbest=1, max_length=length)
    ((best,),) = search(model, torch.tensor([[EOS]]), None, settings, prefixes=[row])
    never = {ids[i] for i in banned_symbols(allow_unknown=False)} - {None, ids[EOS]}
    other.generation_config = library.GenerationConfig(
        eos_token_id=ids[EOS],
        pad_token_id=ids[EOS] if ids[PAD] is None else ids[PAD],
        suppress_tokens=sorted(i for i in never if i is not None) or None,
    )
    mapped = torch.tensor([[ids[i] or 0 for i in (BOS, *row)]])
    mask = torch.ones_like(mapped)
    found = other.generate(mapped, attention_mask=mask, max_new_tokens=CONTINUED, do_sample=False)
    ours = [ids[i] for i in (*best.tokens, *[EOS] * best.finished)]
    return found[0, 1:].tolist()[: len(ours)] == ours
