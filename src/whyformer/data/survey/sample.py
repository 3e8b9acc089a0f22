"""Take an even sample of a stream: every n-th item, where n grows with the length of the stream."""

from dataclasses import dataclass, field
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass
class EvenSample(Generic[Item]):
    """Every ``step``-th item of a stream. From a long stream, the sample has between ``most`` / 2
    and ``most`` items.

    The sample is not random, and it covers the whole stream evenly, even if the stream is sorted.

    >>> sample = EvenSample(4)
    >>> for number in range(10):
    ...     sample.add(number)
    >>> sample.items
    [0, 4, 8]
    """

    most: int
    items: list[Item] = field(default_factory=list)
    step: int = 1
    _count: int = 0

    def add(self, item: Item) -> None:
        """Add the next item of the stream."""
        if self._count % self.step == 0:
            if len(self.items) == self.most:
                self.items = self.items[::2]
                self.step *= 2
            if self._count % self.step == 0:
                self.items.append(item)
        self._count += 1
