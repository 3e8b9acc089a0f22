"""``python -m whyformer`` is the command ``whyformer``."""

import sys

from whyformer.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
