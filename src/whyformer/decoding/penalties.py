"""The length penalty of a search."""


def length_penalty(length: int, alpha: float) -> float:
    """Return lp(Y) = ((5 + |Y|) / 6)^α. The ranking divides the log-probability by lp(Y).

    Paper: Wu et al. 2016 (arXiv:1609.08144), §7, Eq. 14; α = 0.6 in Vaswani et al. 2017, §6.1.
    Args:
        length: |Y|, the number of predicted tokens, including eos.
        alpha: 0 ranks by log-probability; larger values favour longer hypotheses.

    >>> length_penalty(1, 0.6), length_penalty(7, 1.0)
    (1.0, 2.0)
    """
    return ((5 + length) / 6) ** alpha
