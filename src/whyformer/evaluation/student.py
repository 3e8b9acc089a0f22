"""Student's t distribution and the beta function behind it, without SciPy."""

import math
from functools import lru_cache
from statistics import NormalDist

SMALLEST = 1e-12
"""Smaller probabilities than this count as this probability."""


@lru_cache(maxsize=4096)
def quantile(probability: float, freedom: float) -> float:
    """Return the t that a variable exceeds in absolute value with the given probability.

    Args:
        probability: both tails together, such as 0.05 for an interval at 95 %.
        freedom: degrees of freedom, at least 1 and not necessarily whole; `math.inf` for a normal
            distribution.

    >>> round(quantile(0.05, 2), 3), round(quantile(0.05, math.inf), 3)
    (4.303, 1.96)
    """
    wanted = min(1.0, max(SMALLEST, probability))
    t = -NormalDist().inv_cdf(wanted / 2)
    if math.isinf(freedom):
        return t
    low, high = 0.0, 1.0
    while two_sided(high, freedom) > wanted:
        low, high = high, 2 * high
    t = min(max(t, low), high)
    for _ in range(200):
        error = two_sided(t, freedom) - wanted
        low, high = (t, high) if error > 0 else (low, t)
        step = t + error / (2 * density(t, freedom))
        if not low < step < high:
            step = (low + high) / 2
        if abs(step - t) <= 1e-13 * max(1.0, t):
            return step
        t = step
    return t


def two_sided(t: float, freedom: float) -> float:
    """Return the probability that a t variable is at least this large in absolute value.

    >>> round(two_sided(1.0, 1), 9)
    0.5
    """
    if math.isinf(freedom):
        return math.erfc(abs(t) / math.sqrt(2))
    return beta_share(freedom / 2, 0.5, freedom / (freedom + t * t))


def density(t: float, freedom: float) -> float:
    """Return the density of Student's t distribution.

    >>> round(density(0.0, 1) * math.pi, 9)
    1.0
    """
    scale = math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)
    scale -= math.log(freedom * math.pi) / 2
    return math.exp(scale - (freedom + 1) / 2 * math.log1p(t * t / freedom))


def beta_share(a: float, b: float, x: float) -> float:
    """Return the regularised incomplete beta function I_x(a, b).

    Source: Press et al. 2007, "Numerical recipes", §6.4: Lentz's continued fraction.

    >>> round(beta_share(1, 1, 0.3), 9), round(beta_share(2, 3, 0.5), 9)
    (0.3, 0.6875)
    """
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):  # here the continued fraction converges faster for 1 - x
        return 1 - beta_share(b, a, 1 - x)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
        + a * math.log(x) + b * math.log1p(-x)
    )  # fmt: skip
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1))
    fraction = d
    for m in range(1, 1_000_000):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for step in (even, odd):
            c, d = 1 + step / c, 1 / (1 + step * d)
            fraction *= c * d
        if abs(c * d - 1) < 1e-14:
            break
    return front * fraction / a
