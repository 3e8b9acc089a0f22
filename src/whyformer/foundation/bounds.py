"""Upper bounds of settings: beyond them nothing can be allocated, or would ever end."""

MOST_WIDTH = 1 << 17
"""Numbers in a vector of a model: 131,072, seven times the width of the widest known model."""
MOST_INNER = 1 << 20
"""Inner width of a feed-forward network: eight times `MOST_WIDTH`."""
MOST_HEADS = 1 << 12
"""Attention heads of a layer."""
MOST_LAYERS = 10_000
"""Layers of a stack; the deepest known Transformer has 1,000."""
MOST_POSITIONS = 1 << 20
"""Tokens of a sequence: 1,048,576."""
MOST_IDS = 10_000_000
"""Ids of a vocabulary, and labels of a classifier."""
MOST_UPDATES = 10**9
"""Updates of a run: 31 years at one update a second."""
MOST_MINUTES = 366 * 24 * 60
"""Minutes of a run: a year."""
MOST_BATCH_TOKENS = 1 << 26
"""Tokens of a batch: 67 million."""
MOST_SEED = 2**62
"""Seeds; what is derived from one still fits into 64 bits."""
MOST_FACTOR = 1e6
"""Factors of a loss, a rate or a size."""
MOST_CHARACTERS = 1 << 26
"""Characters of a text: 67 million."""
MOST_ITEMS = 10_000_000
"""Sentences that are decoded or compared at one time."""
