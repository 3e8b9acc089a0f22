"""The registries for extensions: one for each kind of variant.

>>> from whyformer.registries import positions
>>> sorted(positions)[:3]
['alibi', 'learned', 'none']

`@positions.register("mine")` adds a variant. Settings, flags and recipes can then use its name: see
docs/extending.md.
"""

# Imports such as `_multi_query` only register built-in variants, so that no plugin takes the names.
from whyformer.blocks import grouped_query as _grouped_query  # noqa: F401
from whyformer.blocks import multi_query as _multi_query  # noqa: F401
from whyformer.blocks.feedforward import FEEDFORWARDS
from whyformer.blocks.multihead import ATTENTIONS
from whyformer.blocks.normalization import NORMS
from whyformer.blocks.positions import POSITIONS
from whyformer.blocks.residual import WIRINGS
from whyformer.blocks.scaling import SCALINGS
from whyformer.decoding.constraints import CONSTRAINTS
from whyformer.evaluation import report as _report  # noqa: F401
from whyformer.evaluation.metric import METRICS
from whyformer.recipes.task_declaration import TASKS
from whyformer.text import tokenizer as _tokenizer  # noqa: F401
from whyformer.text.pieces import UNITS
from whyformer.training.optimizers import OPTIMIZERS
from whyformer.training.schedules import SCHEDULES

positions = POSITIONS
attentions = ATTENTIONS
score_scalings = SCALINGS
wirings = WIRINGS
norms = NORMS
feedforwards = FEEDFORWARDS
schedules = SCHEDULES
optimizers = OPTIMIZERS
constraints = CONSTRAINTS
metrics = METRICS
units = UNITS
tasks = TASKS
