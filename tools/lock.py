"""Write the lock files: pinned packages for the demo, the tests, the site and the browser tests.

requirements.lock contains the packages of the demo. requirements-dev.lock contains those that the
tests add. requirements-docs.lock contains those that the site adds to both, and
requirements-browser.lock those that the browser tests add. The versions are those of the current
environment. Only packages are pinned that whyformer[demo] or the groups `dev`, `docs` and `browser`
require, directly or indirectly.
"""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
BUILD = ["hatchling", "editables"]  # the editable install uses these locked packages


def closure(wanted: list[str]) -> dict[str, str]:
    """Return name -> version of all direct and indirect requirements on this platform."""
    found: dict[str, str] = {}
    left = [Requirement(text) for text in wanted]
    while left:
        requirement = left.pop()
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        if name in found:
            continue
        try:
            installed = distribution(name)
        except PackageNotFoundError:
            raise SystemExit(f"{name} is needed but not installed") from None
        found[name] = installed.version.split("+")[0]  # without the local part, such as +cpu
        for text in installed.requires or []:
            needed = Requirement(text)
            extras = requirement.extras or {""}
            if needed.marker is None or any(needed.marker.evaluate({"extra": e}) for e in extras):
                left.append(needed)
    return found


def write(path: Path, pins: dict[str, str], head: str, markers: dict[str, str]) -> None:
    """Write pins in alphabetical order.

    Args:
        head: comment on the first line.
        markers: for each package that is installed on some platforms only, its marker.
    """
    lines = [
        f"{name}=={version}" + (f"; {markers[name]}" if name in markers else "")
        for name, version in sorted(pins.items())
    ]
    path.write_text("\n".join([f"# {head}", *lines, ""]), encoding="utf-8")


def main() -> None:
    """Write the four files."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    base = project["project"]["dependencies"] + project["project"]["optional-dependencies"]["demo"]
    run = closure(base + BUILD)
    markers = {one.name: str(one.marker) for one in map(Requirement, base) if one.marker}
    develop = closure(project["dependency-groups"]["dev"])
    write(
        ROOT / "requirements.lock", run, "What `make demo` installs. Made by `make lock`.", markers
    )
    extra = {name: version for name, version in develop.items() if name not in run}
    write(
        ROOT / "requirements-dev.lock",
        extra,
        "What `make test` adds. Made by `make lock`.",
        markers,
    )
    for group, command in (("docs", "make docs"), ("browser", "make test-browser")):
        more = closure(project["dependency-groups"][group])
        extra = {name: v for name, v in more.items() if name not in run and name not in develop}
        write(
            ROOT / f"requirements-{group}.lock",
            extra,
            f"What `{command}` adds. Made by `make lock`.",
            markers,
        )


if __name__ == "__main__":
    main()
