"""``whyformer bench``, and the process whose speed it measures."""
