"""The task `replaced`: detect the replaced tokens of a text (the pre-training of ELECTRA)."""

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from whyformer.data.pretraining_rows import PretrainingBatch, PretrainingRows
from whyformer.models.build import Model
from whyformer.models.electra import Electra, draw
from whyformer.recipes.task_declaration import TASKS
from whyformer.tasks.masked import Pretraining
from whyformer.tasks.task import batches_on_device, evaluation_mode
from whyformer.text.symbols import MASK, PAD
from whyformer.training.loss import Loss


@TASKS.register("replaced")
class Replacing(Pretraining):
    """The task of detecting which tokens of a text a generator has replaced."""

    default_recipe = "tiny-electra"
    families = ("electra",)
    reads = Pretraining.reads - {"data.next_sentence", "distil"}
    metric_needs = {}
    metrics = {
        "loss": False, "masked_accuracy": True, "detection_loss": False,
        "detection_accuracy": True, "detection_f1": True,
    }  # fmt: skip

    def loss(self, model: nn.Module, batch: PretrainingBatch, smoothing: float) -> Loss:
        """Return the loss, summed over the targets of a batch; see `Task.loss`."""
        return replaced_loss(model, batch, smoothing)

    def validate(self, model: Model) -> dict[str, Any]:
        """Return the mean loss and the metric on the validation set; see `Task.validate`. All
        validation rows are used, each time with the same replaced tokens."""
        assert isinstance(model, Electra)
        return replaced_scores(model, self._rows(self.dev, shuffle=False))


class Replacement(NamedTuple):
    """The outputs of the generator and the discriminator for a batch."""

    restored: Float[Tensor, "chosen vocab"]
    """The generator's logits at the chosen positions."""
    odds: Float[Tensor, "real"]
    """The discriminator's log-odds that each real token was replaced."""
    replaced: Bool[Tensor, "real"]
    """Whether each real token differs from the original token."""


def replace(
    model: Electra, batch: PretrainingBatch, generator: torch.Generator | None = None
) -> Replacement:
    """Mask the chosen tokens, sample replacements from the generator, and run the discriminator.

    Paper: Clark et al. 2020 (arXiv:2003.10555), §2. No gradient passes through the sampling.
    Differs: every chosen token is masked; the authors' code leaves 15 % of them unchanged.
    Args: generator: random number generator for the sampling; None uses torch's global generator.
    """
    chosen = batch.labels != PAD
    text = torch.where(chosen, batch.labels, batch.ids)  # restore the tokens that are masked
    hidden = text.masked_fill(chosen, MASK)
    restored = model.restore(hidden, batch.real, batch.segments, chosen)
    corrupt = text.masked_scatter(chosen, draw(restored, generator))
    odds = model.detect(corrupt, batch.real, batch.segments)
    real = torch.ones_like(chosen) if batch.real is None else batch.real
    return Replacement(restored, odds[real], (corrupt != text)[real])


def replaced_loss(model: nn.Module, batch: PretrainingBatch, smoothing: float) -> Loss:
    """Return the loss of a batch. With n masked tokens, it is n · (mean loss of the masked tokens +
    λ · mean loss of detection).

    Paper: Clark et al. 2020, §2: L_MLM + λ L_Disc, λ = 50. Both losses are means, as in the
    authors' code.
    """
    assert isinstance(model, Electra)
    found = replace(model, batch)
    labels = batch.labels[batch.labels != PAD]
    nll = F.cross_entropy(found.restored, labels, reduction="sum")
    smoothed = F.cross_entropy(found.restored, labels, reduction="sum", label_smoothing=smoothing)
    detection = F.binary_cross_entropy_with_logits(found.odds, found.replaced.to(found.odds))
    weight = model.settings.detection_weight
    return Loss(smoothed + batch.tokens * weight * detection, nll.detach())


def replaced_scores(model: Electra, rows: PretrainingRows) -> dict[str, Any]:
    """Return the scores of a model: its losses, the accuracy of its generator, and the scores of
    its discriminator.

    `detection_accuracy` is the accuracy over all tokens, most of which are not replaced.
    `detection_f1` is the F1 score of finding the replaced tokens. Detection becomes harder as the
    generator improves. So compare these scores only between discriminators with the same generator,
    not between updates of one run. `loss` is the quantity that training minimizes, as a mean per
    masked token.
    """
    restoring = detecting = 0.0
    tokens = hits = real = right = predicted = replaced = found_replaced = 0
    with evaluation_mode(model):
        for index, batch in enumerate(batches_on_device(rows, model)):
            stream = torch.Generator(batch.ids.device).manual_seed(index)
            found = replace(model, batch, stream)
            labels = batch.labels[batch.labels != PAD]
            restoring += F.cross_entropy(found.restored, labels, reduction="sum").item()
            hits += int((found.restored.argmax(-1) == labels).sum())
            tokens += len(labels)
            target = found.replaced.to(found.odds)
            detecting += F.binary_cross_entropy_with_logits(
                found.odds, target, reduction="sum"
            ).item()
            guess = found.odds > 0
            real += len(guess)
            right += int((guess == found.replaced).sum())
            predicted += int(guess.sum())
            replaced += int(found.replaced.sum())
            found_replaced += int((guess & found.replaced).sum())
    restoring, detecting = restoring / max(1, tokens), detecting / max(1, real)
    return {
        "loss": restoring + model.settings.detection_weight * detecting,
        "masked_accuracy": 100 * hits / max(1, tokens),
        "detection_loss": detecting,
        "detection_accuracy": 100 * right / max(1, real),
        "detection_f1": 200 * found_replaced / max(1, predicted + replaced),
    }
