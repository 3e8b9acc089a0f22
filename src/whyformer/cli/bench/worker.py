"""The process whose speed `whyformer bench` measures.

    python -m whyformer.cli.bench.worker [PLUGIN ...] CONFIG

CONFIG is a JSON file with the key `contender`: training, torch or ctranslate2.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from whyformer.acceleration.allocator import keep_big_blocks
from whyformer.foundation import plugins
from whyformer.workflows.bench.process import answer_questions


def load(config: dict[str, Any]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Load the contender that a configuration names, and return the function that answers requests
    to it."""
    if config["contender"] == "training":
        from whyformer.workflows.bench.training import training_contender

        return training_contender(config)
    from whyformer.workflows.bench.decoding import decoding_contender

    directory = Path(config["directory"])
    if config["contender"] == "torch":
        from whyformer.decoding.weights import Weights
        from whyformer.workflows.systems import load_system

        weights = Weights(config["weights"])
        translator = load_system([directory], warn=False, weights=weights).translator
    else:
        from whyformer.interop.engine import CTranslate2Translator

        translator = CTranslate2Translator(directory, warn=False)
    return decoding_contender(translator, config["search"], config["sentences"])


def main() -> None:
    """Run the contender of the configuration file that the command line names."""
    *named, path = sys.argv[1:]
    config = json.loads(Path(path).read_text(encoding="utf-8"))
    keep_big_blocks()  # as in the command `whyformer`
    for plugin in named:
        plugins.load(plugin)
    answer_questions(lambda: load(config))


if __name__ == "__main__":
    main()
