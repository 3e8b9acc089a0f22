"""``whyformer plan``: estimate memory, communication and computation on many GPUs."""

import re
from typing import Annotated

from whyformer.cli.shared.options import Flag, Overrides, within

EXAMPLES = """Examples:

  whyformer plan base --gpus 8,64,512
  whyformer plan big --machine a100 --mfu 0.35
  whyformer plan my-recipe.yaml --training.batch-tokens 16384 --json

Nothing is measured or trained. The output shows each formula with its numbers.
Describe another machine in a YAML file with name, source, peak_tflops,
memory_gb, memory_gb_per_second, node_gb_per_second, network_gb_per_second and
gpus_per_node. Give the rates of links in one direction, and the network rate
per GPU."""


READS = (
    "model.", "text.vocabulary", "data.row_tokens",
    "training.batch_tokens", "training.optimizer", "training.average",
    "training.gradient_checkpointing",
)  # fmt: skip
"""Settings of a recipe that affect a plan. The command accepts only these settings."""


def plan(
    recipe: str = "base",
    /,
    *,
    gpus: str = "8,64,512",
    machine: str = "h100",
    mfu: Annotated[float, within(0.0001, 1.0)] = 0.4,
    length: Annotated[int | None, within(1, 1_048_576)] = None,
    vocabulary: Annotated[int | None, within(261, 10_000_000)] = None,
    json: Flag = False,
    overrides: Overrides,
) -> int:
    """Estimate the memory, communication and time that a model needs on many GPUs.

    Args:
        recipe: A preset (base, big, ...), a built-in recipe or a YAML file.
        gpus: Numbers of GPUs, separated by commas. Each GPU computes one batch per update.
        machine: a100, h100, h200, or a YAML file.
        mfu: Model FLOPs utilization: fraction of the peak rate, above 0 and at most 1.
        length: Number of tokens of each source and each target (default: 30).
            For a language model, set --data.row-tokens instead.
        vocabulary: Vocabulary size (default: the maximum of the recipe; 37,000 for a preset).
        json: Print one JSON object.
    """
    from whyformer.cli.shared.recipes import resolved
    from whyformer.cli.shared.streams import print_json
    from whyformer.foundation.errors import UsageError
    from whyformer.models.presets import PRESETS
    from whyformer.recipes.recipe import parse_overrides
    from whyformer.recipes.unused import refuse_unread
    from whyformer.training.machines import machine_named
    from whyformer.workflows.plan import plan, preset_recipe

    numbers = gpus.replace(",", " ").split()
    if not numbers or not all(re.fullmatch("[1-9][0-9]{0,6}", number) for number in numbers):
        raise UsageError(
            "`--gpus` must be whole numbers from 1 to 9999999, separated by commas, but is "
            f"`{gpus[:50]}`."
        )
    refuse_unread(overrides, READS, "plan")
    if recipe in PRESETS:
        resolved_recipe = preset_recipe(recipe, parse_overrides(overrides))
    else:
        resolved_recipe = resolved(recipe, overrides)
    made = plan(
        resolved_recipe,
        machine_named(machine),
        [int(number) for number in numbers],
        mfu=mfu,
        length=length,
        vocabulary=vocabulary,
    )
    if json:
        print_json(made.to_json())
    else:
        print(made.render())
    return 0
