"""Documents whose texts are translated and whose markup is kept: one file per format."""
