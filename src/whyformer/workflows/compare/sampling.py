"""Which values the trials of an arm try: all of a grid, or those that a search asks for."""

from collections.abc import Sequence
from typing import Any

from whyformer.foundation.errors import MissingExtraError
from whyformer.workflows.compare.space import Space

Values = dict[str, list[str]]
"""The values of a trial, by dotted setting."""


class Grid:
    """Tries every combination of the values."""

    def __init__(self, space: Space) -> None:
        self._left = space.grid()

    def ask(self) -> list[Values]:
        """Return the values of the next trials: all, once."""
        found, self._left = self._left, []
        return found

    def tell(self, scores: Sequence[float]) -> None:
        """Do nothing: the scores change nothing."""


class Search:
    """Searches the space with Optuna, one trial after the other.

    Equal scores give equal trials, so that a comparison that is repeated finds its earlier
    trainings again.
    Source: Bergstra et al. 2011, "Algorithms for hyper-parameter optimization" (the tree-structured
        Parzen estimator).
    Args: seed: the first third of the trials are random numbers that depend on the seed only.
    Raises: MissingExtraError without Optuna.
    """

    def __init__(self, space: Space, seed: int) -> None:
        optuna = _optuna()
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._left = space.trials
        sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=max(1, space.trials // 3))
        self._study = optuna.create_study(direction="maximize", sampler=sampler)
        self._space: dict[str, Any] = {
            key: optuna.distributions.CategoricalDistribution(list(values))
            for key, values in space.values.items()
        }
        for key, one in space.ranges.items():
            kind = "IntDistribution" if one.whole else "FloatDistribution"
            ends = (int(one.low), int(one.high)) if one.whole else (one.low, one.high)
            self._space[key] = getattr(optuna.distributions, kind)(*ends, log=one.log)
        self._asked: Any = None

    def ask(self) -> list[Values]:
        """Return the values of the next trial; nothing if there are no more."""
        if not self._left:
            return []
        self._left -= 1
        self._asked = self._study.ask(self._space)
        return [{key: [_text(self._asked.params[key])] for key in self._space}]

    def tell(self, scores: Sequence[float]) -> None:
        """Report the score of the last trial; higher is better."""
        self._study.tell(self._asked, scores[0])


def sampler_of(space: Space, seed: int) -> Grid | Search:
    """Return what chooses the trials of an arm. Args: seed: see `Search`."""
    return Search(space, seed) if space.trials else Grid(space)


def version_of_search(space: Space) -> str | None:
    """Return the name and version of the search; None for a grid.

    Raises: MissingExtraError without Optuna.
    """
    return f"Optuna {_optuna().__version__}, TPE" if space.trials else None


def _optuna() -> Any:
    try:
        import optuna  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise MissingExtraError("optuna", "compare") from None
    return optuna


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
