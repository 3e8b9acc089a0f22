"""Update the checksums of a model directory after a deliberate change."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from whyformer.bundle import FORMAT, refuse_unusable
from whyformer.foundation.errors import BundleError, WhyformerError
from whyformer.foundation.files import write_text
from whyformer.foundation.integrity import FILES, changed_settings, hashes, sealed_text
from whyformer.foundation.model_files import CONFIG, RUN_ID, SOURCE, TARGET, WEIGHTS, find_bundle
from whyformer.foundation.parsing import read_json, reason_of
from whyformer.workflows.runs.run_file import read_run


@dataclass(frozen=True)
class Sealed:
    """The changes that `reseal` accepted."""

    path: Path
    settings: list[str]
    """Dotted names of the changed values in the JSON file."""
    files: list[str]
    """Names of the files that were changed, added or removed."""


def reseal(run: Path) -> Sealed:
    """Compute the hashes and the seal of a model directory again, from the current files.

    Raises: BundleError if a file is missing, or if the model cannot be loaded.
    """
    directory = find_bundle(run)
    path = directory / CONFIG
    try:
        config: Any = read_json(path)
    except (OSError, ValueError) as error:
        raise BundleError(
            f"`{path}` is damaged ({reason_of(error)}) and cannot be sealed. Copy the model "
            "directory again."
        ) from None
    if not isinstance(config, dict) or config.get("format") not in range(1, FORMAT + 1):
        raise BundleError(
            f"`{path}` must be a model's {CONFIG} of format {FORMAT} or older. "
            "Copy the model directory again."
        )
    names = [name for name in (WEIGHTS, SOURCE, TARGET) if (directory / name).is_file()]
    if missing := {WEIGHTS, SOURCE} - set(names):
        raise BundleError(
            f"`{directory / min(missing)}` is missing. Copy the model directory again."
        )
    config = {**config, "format": FORMAT}
    try:
        refuse_unusable(directory, config)
    except WhyformerError as error:
        raise BundleError(f"Only a model that can be loaded can be sealed. {error}") from None
    description = read_run(directory.parent) if directory.name == "model" else None
    if description and RUN_ID in description:
        config["facts"][RUN_ID] = description[RUN_ID]
    files, listed = hashes(directory, names), config.get(FILES)
    known = listed if isinstance(listed, dict) else {}
    changed = sorted(n for n in files.keys() | known.keys() if files.get(n) != known.get(n))
    settings = [name for name in changed_settings(config) if not name.startswith(f"{FILES}.")]
    write_text(path, sealed_text({**config, FILES: files}))
    return Sealed(path, settings, changed)
