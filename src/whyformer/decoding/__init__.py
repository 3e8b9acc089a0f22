"""Search for target sequences: greedy, beam, diverse beam and sampling; and the `Translator`."""
