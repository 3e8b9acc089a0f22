"""``whyformer bench`` and the process that it measures."""
