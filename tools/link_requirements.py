"""Link the requirements of a wheel into another environment, from the current environment.

    python tools/link_requirements.py WHEEL ENVIRONMENT

The other environment then contains exactly the requirements of the wheel. So a wheel that imports a
package without requiring it fails there, and nothing has to be downloaded. The installed versions
must match the requirements.
"""

import sys
import sysconfig
import zipfile
from email.parser import Parser
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def requirements(wheel: Path) -> list[str]:
    """Return the requirements of a wheel, such as ``torch>=2.11``."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [n for n in archive.namelist() if n.endswith(".dist-info/METADATA")]
        return Parser().parsestr(archive.read(name).decode()).get_all("Requires-Dist", [])


def needed(asked: list[str]) -> set[str]:
    """Return the names of all direct and indirect requirements.

    Raises: SystemExit if a requirement is not installed, or in a version that does not match.
    """
    found: set[str] = set()
    queue = [(text, frozenset({""})) for text in asked]
    seen = set(queue)
    while queue:
        text, extras = queue.pop()
        one = Requirement(text)
        if one.marker and not any(one.marker.evaluate({"extra": extra}) for extra in extras):
            continue
        try:
            installed = distribution(one.name)
        except PackageNotFoundError:
            raise SystemExit(f"`{text}` is required, but not installed") from None
        if not one.specifier.contains(installed.version, prereleases=True):
            raise SystemExit(f"`{text}` is required, but {installed.version} is installed")
        found.add(canonicalize_name(one.name))
        more = [(other, frozenset({"", *one.extras})) for other in installed.requires or []]
        queue += [item for item in more if item not in seen]
        seen.update(more)
    return found


def link(name: str, site: Path) -> None:
    """Link the top-level files and directories of an installed distribution."""
    installed = distribution(name)
    for top in {file.parts[0] for file in installed.files or [] if ".." not in file.parts}:
        if top != "__pycache__" and not (site / top).exists():
            (site / top).symlink_to(Path(str(installed.locate_file(top))).resolve())


def main() -> None:
    """Link the requirements of the wheel on the command line."""
    wheel, environment = Path(sys.argv[1]), Path(sys.argv[2])
    base = {"base": str(environment), "platbase": str(environment)}
    site = Path(sysconfig.get_path("purelib", "venv", vars=base))
    for name in sorted(needed(requirements(wheel))):
        link(name, site)


if __name__ == "__main__":
    main()
