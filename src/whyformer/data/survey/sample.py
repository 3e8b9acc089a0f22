"""An even sample of a stream: every n-th item, where n grows with the stream."""

from dataclasses import dataclass, field
from typing import Generic, TypeVar

Item = TypeVar("Item")


@dataclass
class EvenSample(Generic[Item]):
    """Every ``step``-th item of a stream; from ``most`` / 2 to ``most`` items of a long one.

    The sample does not depend on chance, and a file that is sorted is sampled everywhere.

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
