"""Align an output with its reference, symbol by symbol."""

from collections import Counter
from collections.abc import Iterable, Sequence

Edit = tuple[str, str]
"""A symbol of the reference and the aligned symbol of the output; "" means a missing symbol."""


def aligned(output: Sequence[str], reference: Sequence[str]) -> list[Edit]:
    """Return the pairs of a minimum edit alignment, in order; substitutions are preferred.

    Paper: Wagner and Fischer 1974, with the path that leads to the minimum.

    >>> aligned("K AH T S".split(), "K AE T".split())
    [('K', 'K'), ('AE', 'AH'), ('T', 'T'), ('', 'S')]
    """
    table = [list(range(len(output) + 1))]
    for i, right in enumerate(reference, start=1):
        row = [i]
        for j, written in enumerate(output, start=1):
            same = table[i - 1][j - 1] + (right != written)
            row.append(min(same, table[i - 1][j] + 1, row[j - 1] + 1))
        table.append(row)
    i, j = len(reference), len(output)
    found: list[Edit] = []
    while i or j:
        here = table[i][j]
        if i and j and here == table[i - 1][j - 1] + (reference[i - 1] != output[j - 1]):
            i, j = i - 1, j - 1
            found.append((reference[i], output[j]))
        elif i and here == table[i - 1][j] + 1:
            i -= 1
            found.append((reference[i], ""))
        else:
            j -= 1
            found.append(("", output[j]))
    return found[::-1]


def confusions(pairs: Iterable[Iterable[Edit]]) -> Counter[Edit]:
    """Count the edits whose two symbols differ.

    >>> confusions([aligned("bat", "cat"), aligned("bap", "cap")]).most_common()
    [(('c', 'b'), 2)]
    """
    return Counter(edit for edits in pairs for edit in edits if edit[0] != edit[1])
