"""What the documents say is what the code says."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def test_the_table_from_paper_to_code_is_current() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "paper_table.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
