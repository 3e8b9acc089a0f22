"""Translate words with n-grams over joint units of source and target symbols."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from whyformer.evaluation.baselines.alignment import Symbols, Unit, align_pairs, longest_unit
from whyformer.evaluation.baselines.kneser_ney import KneserNey

Array = np.ndarray
ORDER = 7
"""Length of the longest n-grams, in units."""
BEAM = 12
CANDIDATES = 24
"""Only the most frequent units of a source symbol are tried: at most this many units."""


class JointNgrams:
    """A joint n-gram model: aligned pairs are sequences of units, and n-grams predict them.

    Paper: Bisani and Ney 2008, “Joint-sequence models for grapheme-to-phoneme conversion”; the
        pair n-gram models of Novak et al. 2016 (Phonetisaurus) are the same model, implemented as
        finite automata.

    Args: pairs: source symbols and target symbols.
    Raises: ValueError if no pair can be aligned.

    >>> model = JointNgrams([("ab", "xy"), ("ba", "yx"), ("a", "x"), ("b", "y")])
    >>> model.translate(["aab"])
    [['x', 'x', 'y']]
    """

    def __init__(self, pairs: Sequence[tuple[Symbols, Symbols]], *, order: int = ORDER) -> None:
        aligned = [one for one in align_pairs(pairs, longest=longest_unit(pairs)) if one]
        if not aligned:
            raise ValueError("no pair can be aligned")
        times = Counter(unit for units in aligned for unit in units)
        self.units: list[Unit] = list(times)
        number = {unit: place for place, unit in enumerate(self.units)}
        self._of_symbol: dict[str, list[int]] = {}
        for unit, _ in times.most_common():
            known = self._of_symbol.setdefault(unit[0], [])
            if len(known) < CANDIDATES:
                known.append(number[unit])
        sequences = [np.array([number[unit] for unit in units]) for units in aligned]
        self.model = KneserNey(sequences, vocabulary=len(self.units), order=order)

    def translate(self, sources: Sequence[Symbols], *, beam: int = BEAM) -> list[list[str]]:
        """Return the target symbols of the most probable units that the beam search finds.

        A source symbol that does not occur in the training pairs produces no target symbol.
        """
        order = sorted(range(len(sources)), key=lambda number: -len(sources[number]))
        found: list[list[str]] = [[] for _ in sources]
        search = _Search(self, [sources[number] for number in order], beam)
        for number, units in zip(order, search.run(), strict=True):
            found[number] = [symbol for unit in units for symbol in self.units[unit][1]]
        return found

    def candidates(self, symbol: str) -> list[int]:
        """Return the units of a source symbol; none if it is unknown."""
        return self._of_symbol.get(symbol, [])


class _Search:
    """A beam search over all sources at once; all hypotheses of a step have the same length."""

    def __init__(self, joint: JointNgrams, sources: Sequence[Symbols], beam: int) -> None:
        self.joint, self.beam = joint, beam
        self.sources = [[s for s in source if joint.candidates(s)] for source in sources]

    def run(self) -> list[list[int]]:
        """Return the units of the best hypothesis of each source."""
        model = self.joint.model
        owners = np.arange(len(self.sources))
        states = np.repeat(model.start[None], len(self.sources), axis=0)
        scores = np.zeros(len(self.sources))
        parents: list[Array] = []
        chosen: list[Array] = []
        best = np.full(len(self.sources), -np.inf)
        ended: list[tuple[int, int]] = [(-1, -1)] * len(self.sources)
        for step in range(1 + max(map(len, self.sources), default=0)):
            lengths = np.array([len(self.sources[owner]) for owner in owners], dtype=np.int64)
            over = np.flatnonzero(lengths == step)
            if len(over):
                ends, _ = model.step(states[over], np.full(len(over), model.eos))
                for place, score in zip(over, scores[over] + ends, strict=True):
                    owner = int(owners[place])
                    if score > best[owner]:
                        best[owner], ended[owner] = score, (step, int(place))
            live = np.flatnonzero(lengths > step)
            if not len(live):
                break
            options = [self.joint.candidates(self.sources[owners[i]][step]) for i in live]
            parent = np.repeat(live, [len(one) for one in options])
            unit = np.concatenate([np.array(one) for one in options])
            log_p, after = model.step(states[parent], unit)
            score = scores[parent] + log_p
            owner = owners[parent]
            rank = np.lexsort((-score, owner))
            sorted_owner = owner[rank]
            first = np.searchsorted(sorted_owner, sorted_owner)
            kept = rank[np.arange(len(rank)) - first < self.beam]
            parents.append(parent[kept])
            chosen.append(unit[kept])
            owners, states, scores = owner[kept], after[kept], score[kept]
        return [self._units(ended[owner], parents, chosen) for owner in range(len(self.sources))]

    @staticmethod
    def _units(end: tuple[int, int], parents: list[Array], chosen: list[Array]) -> list[int]:
        step, place = end
        found = []
        for at in reversed(range(step)):
            found.append(int(chosen[at][place]))
            place = int(parents[at][place])
        return found[::-1]
