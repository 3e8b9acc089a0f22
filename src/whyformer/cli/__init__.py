"""Arguments in, exit code out: one file per command, heavy imports inside the command."""
