"""The claims, and the measured effects that decide them."""

from whyformer.lab.experiments.nsp.data import LEFT_TO_RIGHT, PUBLISHED
from whyformer.lab.experiments.nsp.experiment import DESIGN, FORMATS, LOSSES
from whyformer.lab.method.arms import at_lowest_training_loss
from whyformer.lab.method.experiment import Results
from whyformer.lab.method.statistics import Estimate, estimate, exactly, paired
from whyformer.lab.method.texts import texts_of
from whyformer.lab.method.verdict import Test, above, precondition

SOME_POINTS = 1.0
"""A difference between errors that is smaller than this, in percentage points, does not count."""
SOME_NATS = 0.01
"""A difference between losses that is smaller than this, in nats per token, does not count."""
KINDS = ("mean", "first")
"""The vectors that a probe reads: the mean of all states, or the state of the first token."""


def of_arm(results: Results, arm: str, number: str) -> list | None:
    """Return a number of an arm, one value per seed; None if the arm was not trained."""
    return at_lowest_training_loss(results, "arms", number, arm=arm)


def gain(results: Results, worse: str, better: str, number: str) -> Estimate:
    """Return a number of arm ``worse`` minus the same number of arm ``better``."""
    return paired(of_arm(results, better, number), of_arm(results, worse, number))


def helping(results: Results, form: str, kind: str) -> Estimate:
    """Return how much lower the error of a probe is with the next-sentence loss, in points."""
    return gain(results, f"{form}, without", f"{form}, with", f"{kind}_error")


def learned(results: Results, form: str, kind: str) -> Estimate:
    """Return how much lower the error of a probe is after training than before training."""
    trained = of_arm(results, f"{form}, without", f"{kind}_error")
    return paired(trained, results.values("untrained", f"{kind}_error"))


def check(results: Results, form: str, kind: str) -> Test:
    """Require that training improves the features that a probe reads."""
    return precondition(above(learned(results, form, kind), 0.0, name="learned"))


def numbers(results: Results) -> dict[str, Estimate]:
    """See `Experiment`."""
    topics = results.values("untrained", "topics")[0]
    found = {
        "topics": exactly(topics),
        "guessing": exactly(100 * (1 - 1 / topics)),
        "both_at_once": gain(results, "pairs, with", "full, without", "full_loss"),
        "published_loss": gain(results, PUBLISHED, "pairs, without", "full_loss"),
        "published_both": gain(results, PUBLISHED, "full, without", "full_loss"),
        "direction": gain(results, LEFT_TO_RIGHT, "full, without", "mean_error"),
        "left_to_right_mean_error": estimate(of_arm(results, LEFT_TO_RIGHT, "mean_error")),
    }
    for arm in (*DESIGN, PUBLISHED):
        for number in ("full_loss", "next_error", "mean_error", "first_error"):
            found[f"{arm.replace(', ', '_')}_{number}"] = estimate(of_arm(results, arm, number))
    for kind in KINDS:
        found[f"untrained_{kind}"] = estimate(results.values("untrained", f"{kind}_error"))
        for form in FORMATS:
            found[f"{form}_helping_{kind}"] = helping(results, form, kind)
            found[f"{form}_learned_{kind}"] = learned(results, form, kind)
    for form in FORMATS:
        found[f"{form}_dropping"] = gain(results, f"{form}, with", f"{form}, without", "full_loss")
        found |= {
            f"format_{loss}_{form}": gain(
                results, f"pairs, {loss}", f"full, {loss}", f"{form}_loss"
            )
            for loss in LOSSES
        }
    return found


CLAIMS = texts_of("nsp").claims(
    {
        "helping": lambda results: {
            f"{form}, {kind}": [
                check(results, form, kind),
                above(helping(results, form, kind), SOME_POINTS, name="effect"),
            ]
            for form in FORMATS
            for kind in KINDS
        },
        "dropping": lambda results: {
            form: [
                above(gain(results, f"{form}, with", f"{form}, without", "full_loss"), SOME_NATS)
            ]
            for form in FORMATS
        },
        "format": lambda results: {
            f"{loss}, judged on {form}": [
                above(gain(results, f"pairs, {loss}", f"full, {loss}", f"{form}_loss"), SOME_NATS)
            ]
            for loss in LOSSES
            for form in FORMATS
        },
        "direction": lambda results: {
            "topics": [
                check(results, "full", "mean"),
                above(
                    gain(results, LEFT_TO_RIGHT, "full, without", "mean_error"),
                    SOME_POINTS,
                    name="effect",
                ),
            ]
        },
    }
)
