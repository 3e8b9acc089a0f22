"""Upper bounds of settings. With larger values, no machine has enough memory or time."""

MAX_WIDTH = 1 << 17
"""Width of a model: 131,072, seven times the width of the widest known model."""
MAX_INNER = 1 << 20
"""Inner width of a feed-forward network: eight times `MAX_WIDTH`."""
MAX_HEADS = 1 << 12
"""Number of attention heads in a layer."""
MAX_LAYERS = 10_000
"""Number of layers in a stack; the deepest known Transformer has 1,000."""
MAX_POSITIONS = 1 << 20
"""Number of tokens in a sequence: 1,048,576."""
MAX_IDS = 10_000_000
"""Number of ids in a vocabulary, and of labels of a classifier."""
MAX_UPDATES = 10**9
"""Number of updates in a run. At one update per second, it would take 31 years."""
MAX_MINUTES = 366 * 24 * 60
"""Minutes of a run: one year."""
MAX_BATCH_TOKENS = 1 << 26
"""Number of tokens in a batch: 67 million."""
MAX_SEED = 2**62
"""Largest seed. Values that are derived from a seed still fit into 64 bits."""
MAX_FACTOR = 1e6
"""Largest factor that a loss, a learning rate or a size is multiplied by."""
MAX_CHARACTERS = 1 << 26
"""Number of characters in a text: 67 million."""
MAX_ITEMS = 10_000_000
"""Number of sentences that are decoded or compared together."""
