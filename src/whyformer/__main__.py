"""``python -m whyformer`` runs the command ``whyformer``."""

from whyformer.cli.main import main
from whyformer.foundation.torchrun import leave

if __name__ == "__main__":
    leave(main())
