"""Everything that can be extended: a registry for each kind of variant.

>>> from whyformer.registries import positions
>>> sorted(positions)[:3]
['alibi', 'learned', 'none']

`@positions.register("mine")` adds a variant, which settings, flags and recipes then know by its
name: see docs/extending.md.
"""

# Registered by being imported.
from whyformer.blocks import grouped_query, multi_query  # noqa: F401
from whyformer.blocks.feedforward import FEEDFORWARDS
from whyformer.blocks.multihead import ATTENTIONS
from whyformer.blocks.normalization import NORMS
from whyformer.blocks.positions import POSITIONS
from whyformer.blocks.residual import WIRINGS
from whyformer.blocks.scaling import SCALINGS
from whyformer.text.pieces import UNITS
from whyformer.training.optimizers import OPTIMIZERS
from whyformer.training.schedules import SCHEDULES

attentions = ATTENTIONS
positions = POSITIONS
attentions = ATTENTIONS
score_scalings = SCALINGS
wirings = WIRINGS
norms = NORMS
feedforwards = FEEDFORWARDS
schedules = SCHEDULES
optimizers = OPTIMIZERS
units = UNITS
