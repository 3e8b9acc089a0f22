"""The command line: one file per command. Each command imports slow modules only when it runs."""
