"""The claims, and the measured effects that decide them."""

from whyformer.lab.experiments.heads.experiment import (
    FIXED,
    FIXED_HEADS,
    HEADS,
    MIDDLE,
    SHARES,
    SPLIT,
)
from whyformer.lab.method.arms import tuned
from whyformer.lab.method.experiment import Results
from whyformer.lab.method.statistics import Estimate, estimate, paired
from whyformer.lab.method.texts import texts_of
from whyformer.lab.method.verdict import above, below

NEEDED = 0.02
"""A head counts as needed if its removal raises the loss by more than this, in nats per
character. A smaller difference between two models does not count either."""
AFFORDABLE = 0.05
"""The largest acceptable rise of the loss when half of the heads are removed, in nats per
character."""


def best(results: Results, heads: int, family: str = SPLIT, number: str = "loss") -> list | None:
    """Return a number of an arm at its best learning rate, one value per seed; None if the arm was
    not trained."""
    family = SPLIT if heads == MIDDLE else family
    return tuned(results, "training", number, by="loss", family=family, heads=heads)


def worse(results: Results, heads: int, family: str = SPLIT) -> Estimate:
    """Return the loss with ``heads`` heads minus the loss with eight heads. Each loss is that at
    the best learning rate of its arm."""
    return paired(best(results, MIDDLE), best(results, heads, family))


def needed(results: Results, heads: int) -> Estimate:
    """Return the share of heads whose removal alone raises the loss by more than `NEEDED`."""
    rows = best(results, heads, number="alone")
    return estimate(rows and [sum(one > NEEDED for one in row) / len(row) for row in rows])


def rise(results: Results, heads: int, share: float = 0.5) -> Estimate:
    """Return the rise of the loss when a share of all heads is removed. The heads whose removal
    raises the loss least are removed first."""
    rows = best(results, heads, number="rise")
    return estimate(rows and [row[SHARES.index(share)] for row in rows])


def pruned(results: Results) -> list[int]:
    """Return the numbers of heads of the pruned models."""
    return [h for h in results.levels("training", "heads", family=SPLIT) if h > 1]


def numbers(results: Results) -> dict[str, Estimate]:
    """See `Experiment`."""
    found = {}
    for heads in HEADS:
        found[f"loss_{heads}"] = estimate(best(results, heads))
        if heads != MIDDLE:
            found[f"worse_{heads}"] = worse(results, heads)
        if heads > 1:
            found[f"needed_{heads}"] = needed(results, heads).percent
            found[f"half_{heads}"] = rise(results, heads)
            found[f"all_{heads}"] = rise(results, heads, 1.0)
    return found | {f"fixed_{heads}": worse(results, heads, FIXED) for heads in FIXED_HEADS}


CLAIMS = texts_of("heads").claims(
    {
        "several": lambda results: {
            family: [above(worse(results, 1, family), NEEDED)] for family in (SPLIT, FIXED)
        },
        "too_many": lambda results: {SPLIT: [above(worse(results, HEADS[-1]), NEEDED)]},
        "alone": lambda results: {
            f"{heads} heads": [above(needed(results, heads), 0.5, contrary=0.25, strict=True)]
            for heads in pruned(results)
        },
        "half": lambda results: {
            f"{heads} heads": [below(rise(results, heads), AFFORDABLE, contrary=0.2)]
            for heads in pruned(results)
        },
    }
)
