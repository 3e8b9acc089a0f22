"""``whyformer translate``, and the output that it writes."""
