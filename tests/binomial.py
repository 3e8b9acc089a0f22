"""How often something may have happened by chance."""

import math

import numpy as np


def within(count: int, total: int, share: float) -> bool:
    """Say whether a count lies in the exact central interval of 99.9 % of its binomial."""
    k = np.arange(total + 1)
    steps = np.log(np.arange(1, total + 1))
    log_factorial = np.concatenate([[0.0], np.cumsum(steps)])
    log_p = log_factorial[-1] - log_factorial[k] - log_factorial[total - k]
    below = np.cumsum(np.exp(log_p + k * math.log(share) + (total - k) * math.log1p(-share)))
    low, high = np.searchsorted(below, [0.0005, 0.9995])
    return bool(low <= count <= high)
