"""Does next-sentence prediction help? Two formats of input by two losses, each changed alone."""
