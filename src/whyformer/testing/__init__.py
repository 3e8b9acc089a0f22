"""Check your own variants with the laws that the built-in variants of whyformer obey.

>>> from whyformer.blocks.positions import Rotary
>>> from whyformer.testing import check_positions
>>> check_positions(Rotary)

A check returns nothing if the variant obeys every law. Otherwise, it raises `BrokenLaw`, an
AssertionError with one sentence that names the broken law and the shape of the input. So you can
use a check as a test:

    def test_mine():
        check_positions(Mine)
"""

from whyformer.testing.decoding import check_constraint
from whyformer.testing.evaluation import check_metric
from whyformer.testing.laws import BrokenLaw
from whyformer.testing.layers import (
    check_attention,
    check_feedforward,
    check_norm,
    check_score_scaling,
    check_wiring,
)
from whyformer.testing.models import check_model
from whyformer.testing.positions import check_positions
from whyformer.testing.tasks import check_task
from whyformer.testing.training import check_optimizer, check_schedule
from whyformer.testing.units import check_units

__all__ = [
    "BrokenLaw",
    "check_attention",
    "check_constraint",
    "check_feedforward",
    "check_metric",
    "check_model",
    "check_norm",
    "check_optimizer",
    "check_positions",
    "check_schedule",
    "check_score_scaling",
    "check_task",
    "check_units",
    "check_wiring",
]
