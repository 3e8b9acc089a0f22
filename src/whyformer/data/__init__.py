"""Ids to batches: reading pairs, token files on disk, the order of an epoch, padded tensors."""
