"""The registry of the constraints of a search.

The search settings name constraints, and this file lets them do so without importing torch.
"""

from typing import Annotated, Any

from whyformer.foundation.registry import Registry

CONSTRAINTS = Registry[type[Any]](
    "decoding constraint", members=("whyformer.decoding.constraints",)
)
"""The classes of all constraints; `whyformer.decoding.constraints` defines their base class."""
ConstraintName = Annotated[str, CONSTRAINTS]
"""Name of a decoding constraint."""
