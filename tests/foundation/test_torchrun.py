import os
import subprocess
import sys

import pytest

REGISTER = "import atexit; atexit.register(print, 'taken apart'); "
LEAVE = REGISTER + "from whyformer.foundation.torchrun import leave; print('written'); leave(3)"
REFUSE = REGISTER + (
    "import runpy, sys; sys.argv = ['whyformer', 'no-such-command']; print('written'); "
    "runpy.run_module('whyformer', run_name='__main__')"
)


@pytest.mark.parametrize(("program", "code"), [(LEAVE, 3), (REFUSE, 2)])
@pytest.mark.parametrize(("ranks", "said"), [(1, "written\ntaken apart\n"), (2, "written\n")])
def test_one_of_several_ranks_leaves_at_once_with_all_it_has_written(
    program: str, code: int, ranks: int, said: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"WORLD_SIZE": str(ranks)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (code, said)
