"""Model + source -> hypotheses: greedy, beam, diverse beam, sampling, and a `Translator`."""
