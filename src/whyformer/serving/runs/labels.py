"""A classifier, a regression model or a tagger."""

from collections.abc import Sequence
from pathlib import Path

from whyformer.bundle import Bundle
from whyformer.serving.jobs import Gone
from whyformer.serving.runs.served import Operation, ServedRun
from whyformer.tasks.classification import Prediction
from whyformer.tasks.tagging import Tagger
from whyformer.workflows.labelling import labeller


class LabelRun(ServedRun):
    """A run that predicts a label or a number for each text, or a label for each word."""

    def __init__(self, name: str, run: Path, bundle: Bundle) -> None:
        self._labeller = labeller(bundle, run)
        own = Operation.TAG if isinstance(self._labeller, Tagger) else Operation.CLASSIFY
        super().__init__(
            name,
            run,
            [own, Operation.ATTENTION],
            bundle.source_tokenizer,
            family=bundle.model.settings.family,
            bundle=bundle,
        )

    def warm_up(self) -> None:
        """See `ServedRun`."""
        if Operation.TAG in self.operations:
            self.tag([["a"]], gone=lambda: False)
        else:
            self.classify([("a", None)], gone=lambda: False)

    def classify(self, pairs: Sequence[tuple[str, str | None]], *, gone: Gone) -> list[Prediction]:
        """Return the label and the probabilities, or the number, for each text or pair of texts."""
        assert not isinstance(self._labeller, Tagger)
        return self._labeller.classify(pairs)

    def tag(
        self, sentences: Sequence[Sequence[str]], *, gone: Gone
    ) -> list[list[tuple[str, float]]]:
        """Return a label and its probability for each word of each sentence."""
        assert isinstance(self._labeller, Tagger)
        return self._labeller.tag_with_probabilities(sentences)


class EncoderRun(ServedRun):
    """A run that predicts no labels, such as BERT before fine-tuning; only its attention can be
    seen."""

    def __init__(self, name: str, run: Path, bundle: Bundle) -> None:
        super().__init__(
            name,
            run,
            [Operation.ATTENTION],
            bundle.source_tokenizer,
            family=bundle.model.settings.family,
            bundle=bundle,
        )

    def warm_up(self) -> None:
        """See `ServedRun`."""
        self.look([("a", None)], lambda: False)
