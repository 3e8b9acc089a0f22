"""Upper bounds of settings. No machine has enough memory or time for larger values."""

MAX_WIDTH = 1 << 17
"""Maximum width of a model: 131,072, seven times the width of the widest known model."""
MAX_INNER = 1 << 20
"""Maximum inner width of a feed-forward network: eight times `MAX_WIDTH`."""
MAX_HEADS = 1 << 12
"""Maximum number of attention heads in a layer."""
MAX_LAYERS = 10_000
"""Maximum number of layers in a stack; the deepest known Transformer has 1,000."""
MAX_POSITIONS = 1 << 20
"""Maximum number of tokens in a sequence: 1,048,576."""
MAX_IDS = 10_000_000
"""Maximum number of ids in a vocabulary, and of labels of a classifier."""
MAX_NGRAM = 16
"""Maximum number of tokens in an n-gram."""
MAX_UPDATES = 10**9
"""Maximum number of updates in a run. At one update per second, such a run would take 31 years."""
MAX_MINUTES = 366 * 24 * 60
"""Maximum duration of a run in minutes: one year."""
MAX_BATCH_TOKENS = 1 << 26
"""Maximum number of tokens in a batch: 67 million."""
MAX_SEED = 2**62
"""Maximum seed. The bound is below 2^63, so that values derived from a seed also fit into 64
bits."""
MAX_FACTOR = 1e6
"""Maximum value of a setting that multiplies a loss, a learning rate or a size."""
MAX_CHARACTERS = 1 << 26
"""Maximum number of characters in a text: 67 million."""
MAX_ITEMS = 10_000_000
"""Maximum number of sentences that are decoded or compared together."""
