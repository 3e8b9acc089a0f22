"""Everything that can be extended: a registry for each kind of variant.

>>> from whyformer.registries import positions
>>> sorted(positions)[:3]
['alibi', 'learned', 'none']

`@positions.register("mine")` adds a variant, which settings, flags and recipes then know by its
name: see docs/extending.md.
"""

from whyformer.blocks.feedforward import FEEDFORWARDS
from whyformer.blocks.normalization import NORMS
from whyformer.blocks.positions import POSITIONS
from whyformer.blocks.residual import WIRINGS
from whyformer.blocks.scaling import SCALINGS

positions = POSITIONS
wirings = WIRINGS
norms = NORMS
feedforwards = FEEDFORWARDS
score_scalings = SCALINGS
