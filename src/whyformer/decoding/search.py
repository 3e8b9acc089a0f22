"""Run the search that the settings select."""

from collections.abc import Sequence

from jaxtyping import Bool, Int
from torch import Tensor

from whyformer.decoding.beam import beam_search
from whyformer.decoding.candidates import Stepper
from whyformer.decoding.expected import USUAL, Expected
from whyformer.decoding.greedy import greedy_search
from whyformer.decoding.hypotheses import Hypothesis
from whyformer.decoding.lexical.grid import grid_search
from whyformer.decoding.lexical.phrases import NO_PHRASES, Phrases
from whyformer.decoding.limits import limit_of
from whyformer.decoding.queue import Cohort, Queue
from whyformer.decoding.sampling import sample
from whyformer.decoding.settings import Method, SearchSettings
from whyformer.decoding.text_prefix import TextPrefix
from whyformer.decoding.wellformed import WellFormed


def search(
    model: Stepper,
    source: Int[Tensor, "sentences source"],
    source_real: Bool[Tensor, "sentences source"] | None,
    settings: SearchSettings,
    *,
    prefixes: Sequence[Sequence[int] | TextPrefix] | None = None,
    indices: Sequence[int] | None = None,
    longest: int | None = None,
    expected: Expected = USUAL,
    text: WellFormed | None = None,
    phrases: Phrases = NO_PHRASES,
) -> list[list[Hypothesis]]:
    """Return the hypotheses of each sentence, best first. Samples are in the order of drawing.

    The caller must turn off dropout and gradients, as `Translator` does.
    Args:
        source: ids with eos. The length limit of a target depends on the length of its source,
            including eos.
        source_real: True = a real token, False = padding; None when nothing is padded.
        prefixes: tokens or a text that the hypotheses of each sentence must start with.
        indices: the number of each sentence; None means 0, 1, 2, ... Samples depend on this number.
        longest: maximum number of target tokens that the model can read, including bos.
        expected: facts about the training data. Long training targets raise the length limit above
            the limit of the settings.
        text: rules for valid text; used only in sampling.
        phrases: phrases that must or must not occur in the targets.
    """
    if source_real is None:
        lengths = [source.shape[1]] * source.shape[0]
    else:
        lengths = source_real.sum(-1).tolist()
    limits = [limit_of(settings, length, longest, expected) for length in lengths]
    if not limits:
        return []
    if settings.method is Method.SAMPLE:
        return sample(
            model, source, source_real, limits, settings, prefixes, indices, text, phrases.forbidden
        )
    if phrases.required:
        return grid_search(
            model, source, source_real, limits, settings, phrases.required, prefixes,
            phrases.forbidden,
        )  # fmt: skip
    cohort = Cohort(source, source_real, limits, prefixes)
    return search_all(model, Queue([cohort], constraints=phrases.forbidden), settings)


def search_all(model: Stepper, queue: Queue, settings: SearchSettings) -> list[list[Hypothesis]]:
    """Return the hypotheses of each sentence of a queue, by greedy or beam search.

    Args: model: if the queue has several cohorts, the model must be a `SupportsJoin`.
    """
    if settings.beam == 1:
        return greedy_search(model, queue, settings)
    return beam_search(model, queue, settings)
