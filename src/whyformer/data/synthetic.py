"""Synthetic tasks with known answers: copy, reverse, sort."""

import random
from collections.abc import Callable, Iterator
from enum import StrEnum

from whyformer.data.reading import Pair


class Task(StrEnum):
    """The function that a model must learn; it maps a sequence of symbols to another sequence."""

    copy = "copy"
    reverse = "reverse"
    sort = "sort"


_ANSWER: dict[Task, Callable[[list[int]], list[int]]] = {
    Task.copy: list,
    Task.reverse: lambda symbols: symbols[::-1],
    Task.sort: sorted,
}


def synthetic_pairs(
    task: Task | str,
    count: int,
    *,
    seed: int,
    symbols: int = 20,
    shortest: int = 1,
    longest: int = 10,
) -> Iterator[Pair]:
    """Yield ``count`` pairs of a text such as ``"s3 s1 s2"`` and its copied, reversed or sorted
    form.

    Args:
        symbols: number of different symbols. The names of all symbols have the same number of
        digits, so that alphabetical order is numerical order.
        shortest: minimum number of symbols in a source.
        longest: maximum number of symbols in a source.

    >>> next(synthetic_pairs("reverse", 1, seed=0, shortest=3, longest=3))[:3]
    (1, 's06 s04 s03', 's03 s04 s06')
    """
    rng = random.Random(f"{Task(task)}/{seed}")
    answer = _ANSWER[Task(task)]
    names = [f"s{k:0{len(str(symbols - 1))}d}" for k in range(symbols)]
    for line in range(1, count + 1):
        drawn = [rng.randrange(symbols) for _ in range(rng.randint(shortest, longest))]
        source, target = (" ".join(names[k] for k in row) for row in (drawn, answer(drawn)))
        yield Pair(line, source, target)
