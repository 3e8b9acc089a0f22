"""The registration of a comparison: what is compared, and how it will be judged.

It is written before the first update. A later change is recorded, and every result says so.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import whyformer
from whyformer.foundation.errors import DataError, UsageError
from whyformer.foundation.files import write_text
from whyformer.foundation.integrity import FILES, SEAL, read_sealed, sealed_text
from whyformer.foundation.parsing import reason_of

REGISTRATION = "registration.json"
FORMAT = 1
LATER = {"seeds", "margin", "stop_early", "code"}
"""What may change after the start. The result then says that it was not registered."""
CRITERION = (
    "For each arm, the effect is the mean over the seeds of its score minus that of the base, on "
    "the same test items. `better` or `worse`: the 95 % interval of the effect excludes 0. `no "
    "difference that matters`: it lies between -margin and +margin. Otherwise `inconclusive`. With "
    "several arms, Holm's correction. With early stopping, the level of each look is that of "
    "O'Brien-Fleming spending."
)


@dataclass(frozen=True)
class Registration:
    """What is fixed before the first update.

    Args:
        recipe: name of the recipe, and the SHA-256 of what all arms have in common.
        arms: for each arm its settings, and the SHA-256 of its whole recipe without tuned values.
        seeds: the seeds that are judged.
        tuning: the values that are tuned, the seeds of the trials.
        test: name and SHA-256 of the test file; None means the validation set.
        code: version and SHA-256 of the package.
    """

    recipe: dict[str, str]
    arms: dict[str, Any]
    seeds: list[int]
    tuning: dict[str, Any]
    budget: str
    metric: str | None
    margin: float
    test: dict[str, str] | None
    stop_early: bool
    plugins: list[dict[str, Any]] = field(default_factory=list)
    criterion: str = CRITERION
    code: dict[str, str] = field(default_factory=lambda: code_version())


def registered(registration: Registration, out: Path) -> dict[str, Any]:
    """Write the registration before the first update, or compare it with the one that is there.

    Returns: the state of the file: the registration, its time, and later changes.
    Raises: UsageError if the directory has another comparison; DataError if it is damaged.
    """
    path, now = out / REGISTRATION, datetime.now(UTC).isoformat(timespec="seconds")
    wanted = json.loads(json.dumps(asdict(registration)))
    if not path.exists():
        if out.exists() and any(out.iterdir()):
            raise UsageError(
                f"`{out}` is not empty and is no comparison. Give --out another directory."
            )
        state: dict[str, Any] = {
            "format": FORMAT, "time": now, "registration": wanted, "changes": [],
        }  # fmt: skip
        out.mkdir(parents=True, exist_ok=True)
        write_text(path, sealed_text(state))
        return state
    try:
        state = read_sealed(path, since=1, newest=FORMAT)
    except (OSError, ValueError) as error:
        raise DataError(
            f"`{path}` is damaged ({reason_of(error)}). Give --out another directory."
        ) from None
    state = {name: state[name] for name in state if name not in (FILES, SEAL)}
    changed = sorted(name for name in wanted if wanted[name] != state["registration"].get(name))
    if other := [name for name in changed if name not in LATER]:
        raise UsageError(
            f"`{out}` has another comparison: its {', '.join(other)} differ. Give --out another "
            "directory, or repeat the first command."
        )
    if changed:
        for name in changed:
            before = state["registration"][name]
            state["changes"].append({"time": now, "what": name, "before": before})
        state["registration"] = wanted
        write_text(path, sealed_text(state))
    return state


def code_version() -> dict[str, str]:
    """Return the version of whyformer, and a hash of its source."""
    root = Path(whyformer.__file__).parent
    digest = hashlib.sha256()
    for file in sorted(root.rglob("*.py")):
        digest.update(file.relative_to(root).as_posix().encode())
        digest.update(file.read_bytes())
    return {"whyformer": whyformer.__version__, "sha256": digest.hexdigest()}


def hash_of(text: str) -> str:
    """Return the SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def described(state: Mapping[str, Any]) -> str:
    """Return whether the comparison was registered before its start, in one sentence."""
    if not state["changes"]:
        return f"Registered at {state['time']}, before the first update."
    names = ", ".join(sorted({one["what"] for one in state["changes"]}))
    return f"Not pre-registered: {names} changed after the start ({state['time']})."
