"""Collect the strangest items of a stream: a few items for each reason."""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from whyformer.data.survey.block import Sided
from whyformer.data.survey.judge import Judgement
from whyformer.data.survey.profile import Kind
from whyformer.data.survey.reasons import Reason

SHOWN = 10
REPEATED = 3
"""Maximum number of repeated lines that are shown; more are not useful, because they all look
alike."""
SELDOM_FAULTS = (Reason.IDENTICAL, Reason.HTML_BOTH, Reason.SEVERAL, Reason.VALIDATION)
"""Reasons that are rarely a fault of a pair. Pairs with these reasons are shown last."""

Item = TypeVar("Item", bound=Sided)


@dataclass(frozen=True)
class Strange(Generic[Item]):
    """An item with a fault. If `reason` is None, the item has no fault, but its length ratio is far
    from the usual one."""

    reason: Reason | None
    item: Item


class Strangest(Generic[Item]):
    """For each reason, the items with the highest severity. For a reason without a severity, the
    first items."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind
        self._kept: dict[Reason | None, list[tuple[float, int, Item]]] = {}
        self._count = 0

    def add(self, items: Sequence[Item], judgement: Judgement) -> None:
        """Add a block of items with its judgement."""
        rest = judgement.flags.copy()
        for reason in Reason:  # an item is listed under its most certain reason only
            here = (rest & np.uint32(reason.bit)) != 0
            rest[here] = 0
            if here.any():
                self._add(reason, items, np.flatnonzero(here), judgement.severity.get(reason))
        unusual = judgement.severity.get(Reason.LENGTH)
        if unusual is not None:
            places = np.flatnonzero(judgement.flags == 0)
            most = places[np.argsort(-unusual[places], kind="stable")[:SHOWN]]
            self._add(None, items, most, unusual)
        self._count += len(items)

    def _add(
        self,
        reason: Reason | None,
        items: Sequence[Item],
        places: np.ndarray,
        severity: np.ndarray | None,
    ) -> None:
        kept = self._kept.setdefault(reason, [])
        for place in places.tolist():
            entry = (
                0.0 if severity is None else float(severity[place]),
                -(self._count + place),  # of equal items, keep the first
                items[place],
            )
            if len(kept) < SHOWN:
                heapq.heappush(kept, entry)
            elif entry[:2] > kept[0][:2]:
                heapq.heapreplace(kept, entry)
            elif severity is None:
                break

    def items(self) -> list[Strange[Item]]:
        """Return the strangest items, in an order that alternates between the reasons."""
        queues = {
            reason: sorted(self._kept[reason], key=lambda one: one[:2])
            for reason in Reason
            if reason in self._kept
        }
        last = SELDOM_FAULTS if self._kind is Kind.PAIRS else ()
        unusual = sorted(self._kept.get(None, []), key=lambda one: one[:2], reverse=True)
        found = _alternating({r: queue for r, queue in queues.items() if r not in last})
        repeated = [one for one in found if one.reason is Reason.DUPLICATE]
        found = [one for one in found if one not in repeated[REPEATED:]]
        found += [Strange(None, one[2]) for one in unusual]
        found += _alternating({r: queue for r, queue in queues.items() if r in last})
        return found[:SHOWN]


def _alternating(queues: Mapping[Reason, list[tuple[float, int, Item]]]) -> list[Strange[Item]]:
    found: list[Strange[Item]] = []
    while any(queues.values()):
        found += [Strange(reason, queue.pop()[2]) for reason, queue in queues.items() if queue]
    return found
