"""Models built from the blocks; each file follows the figure of its paper."""
