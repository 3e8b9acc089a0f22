"""Compare a model of whyformer with the same model in the library transformers.

Three results are compared: the tokens of the sources, the log-probability of every token of the
greedy translations of whyformer, and the greedy translations. Both libraries search with the same
settings, whatever the directory recommends.
"""

import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from whyformer.bundle import Bundle
from whyformer.decoding.banned import banned_symbols
from whyformer.decoding.settings import SearchSettings
from whyformer.decoding.translator import Translator
from whyformer.foundation.errors import MissingExtraError
from whyformer.foundation.wording import counted
from whyformer.interop.gate import TOLERANCE, Parity
from whyformer.interop.huggingface.architectures.architecture import Ids, Vocabularies
from whyformer.models.transformer import Transformer
from whyformer.text.symbols import BOS, EOS, PAD

LONGEST = 32
"""Maximum number of tokens of a compared translation."""


@dataclass(frozen=True)
class Comparison:
    """The result of a comparison.

    Args:
        version: the version of transformers.
        origin: what was compared, for example "20 random sentences".
        tokenized_same: number of sources with the same tokens.
        parity: the comparison of probabilities and greedy translations.
    """

    version: str
    origin: str
    tokenized_same: int
    parity: Parity

    def faults(self) -> list[str]:
        """Return what differs too much; an empty list if nothing does."""
        other = self.parity.sentences - self.tokenized_same
        differ = "differs" if other == 1 else "differ"
        found = [f"the tokens of {counted(other, 'source')} {differ}"] if other else []
        return found + self.parity.faults(quantized=False)

    def lines(self) -> list[str]:
        """Return the measurements as lines of text for the user."""
        return [
            f"compared with transformers {self.version} on {self.origin}",
            f"tokens of the sources: {self.tokenized_same} of {self.parity.sentences} the same",
            *self.parity.lines(quantized=False),
        ]

    def to_json(self) -> dict[str, Any]:
        """Return the measurements as JSON values."""
        return asdict(self)


def transformers_library() -> Any:
    """Return the module `transformers`, without its progress bars and warnings.

    Raises: MissingExtraError when it is not installed.
    """
    try:
        import transformers
    except ImportError:
        raise MissingExtraError("transformers", "export") from None
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    return transformers


class Reference:
    """An encoder-decoder model directory in transformers, which reads and writes our ids.

    Args: lead: our ids that begin every target; see `Tokenizer`.
    """

    def __init__(self, path: Path, vocabularies: Vocabularies, lead: Sequence[int] = ()) -> None:
        library = transformers_library()
        self.version = str(library.__version__)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about packages that only some tokenizers use
            self.tokenizer = library.AutoTokenizer.from_pretrained(path, local_files_only=True)
        self.model = library.AutoModelForSeq2SeqLM.from_pretrained(
            path, local_files_only=True, dtype=torch.float32
        ).eval()
        self.vocabularies = vocabularies
        target = vocabularies.target
        never = {target[i] for i in banned_symbols(allow_unknown=False)} - {None, target[EOS]}
        self.model.generation_config = library.GenerationConfig(
            pad_token_id=target[PAD],
            eos_token_id=target[EOS],
            decoder_start_token_id=target[BOS],
            suppress_tokens=sorted(i for i in never if i is not None) or None,
            forced_bos_token_id=target[lead[0]] if lead else None,
        )
        self._ours = inverse(target)

    def tokenize(self, text: str, longest: int) -> list[int | None]:
        """Return our ids of a source with eos, by the tokenizer of transformers."""
        ours = inverse(self.vocabularies.source)
        ids = [ours.get(i) for i in self.tokenizer(text)["input_ids"]]
        return ids if len(ids) <= longest else [*ids[: longest - 1], ids[-1]]

    @torch.inference_mode()
    def score(self, source: Sequence[int], target: Sequence[int]) -> list[float]:
        """Return the log-probability of each token of a target."""
        given = [BOS, *target][:-1]
        logits = self.model(
            input_ids=_theirs(source, self.vocabularies.source),
            decoder_input_ids=_theirs(given, self.vocabularies.target),
        ).logits
        wanted = _theirs(target, self.vocabularies.target)[0, :, None]
        return logits[0].log_softmax(-1).gather(-1, wanted)[:, 0].tolist()

    @torch.inference_mode()
    def greedy(self, source: Sequence[int], longest: int) -> list[int]:
        """Return the greedy translation with eos, or its first ``longest`` tokens without eos."""
        ids = _theirs(source, self.vocabularies.source)
        found = self.model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=longest + 1,
            num_beams=1,
            do_sample=False,
            use_cache=False,  # the cache of T5 fails if the decoder has more layers
        )[0, 1:].tolist()
        tokens = [self._ours.get(i, PAD) for i in found]
        return tokens[: tokens.index(EOS) + 1] if EOS in tokens else tokens[:longest]


def compare(
    path: Path, bundle: Bundle, vocabularies: Vocabularies, texts: Sequence[str], origin: str
) -> Comparison:
    """Compare a model of whyformer with a model directory of transformers.

    Args:
        texts: the sources that are translated.
        origin: what each of them is, for example "dev sentence".
    Raises: MissingExtraError when transformers is not installed.
    """
    model = bundle.model
    assert isinstance(model, Transformer)
    reference = Reference(path, vocabularies, bundle.target_tokenizer.lead)
    translator = Translator(
        [model],
        bundle.source_tokenizer,
        bundle.target_tokenizer,
        max_source_tokens=model.settings.max_length,
        warn=False,
    )
    longest = min(LONGEST, model.settings.max_length - 2)
    settings = SearchSettings(beam=1, nbest=1, max_length=longest)
    tokenized = same = ties = tokens = 0
    difference = 0.0
    for one in translator.translate(texts, settings):
        text = translator.expected.trimmed(one.source)
        source = bundle.source_tokenizer.encode(text)[: translator.max_source_tokens - 1]
        source.append(EOS)
        tokenized += reference.tokenize(text, translator.max_source_tokens) == source
        best = one.hypotheses[0][1]
        ours = [*best.tokens, *[EOS] * best.finished]
        theirs = reference.greedy(source, longest)
        scored = list(zip(_scores(model, source, ours), reference.score(source, ours), strict=True))
        tokens += len(scored)
        difference = max([difference, *(abs(a - b) for a, b in scored)])
        if ours == theirs:
            same += 1
        else:
            place = next(i for i in range(len(ours) + 1) if ours[i : i + 1] != theirs[i : i + 1])
            pair = [row[place : place + 1] for row in (ours, theirs)]
            values = [_scores(model, source, [*ours[:place], *one])[place:] for one in pair]
            close = all(values) and abs(values[0][0] - values[1][0]) <= TOLERANCE
            ties += close
    parity = Parity(len(texts), tokens, difference, same, ties)
    return Comparison(reference.version, counted(len(texts), origin), tokenized, parity)


@torch.inference_mode()
def _scores(model: Transformer, source: Sequence[int], target: Sequence[int]) -> list[float]:
    """Return the log-probability of each token of a target."""
    if not target:
        return []
    logits = model(torch.tensor([source]), None, torch.tensor([[BOS, *target][:-1]]))
    return logits[0].log_softmax(-1).gather(-1, torch.tensor(target)[:, None])[:, 0].tolist()


def _theirs(ids: Sequence[int], table: Ids) -> torch.Tensor:
    return torch.tensor([[table[i] or 0 for i in ids]])


def inverse(table: Ids) -> dict[int, int]:
    """Return our id of each id of the other vocabulary; eos comes before other symbols."""
    order = [BOS, *(i for i in range(len(table)) if i not in (BOS, EOS)), EOS]
    return {theirs: i for i in order if (theirs := table[i]) is not None}
