"""The laws of whyformer's own variants, to be called on yours.

>>> from whyformer.blocks.positions import Rotary
>>> from whyformer.testing import check_positions
>>> check_positions(Rotary)

A check returns nothing when every law holds. Otherwise it raises `BrokenLaw`, an AssertionError
whose one sentence says which law broke and for which shape; so it also serves as a test:

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
