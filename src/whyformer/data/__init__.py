"""From files to batches: read texts, store token ids on disk, plan epochs, pad batches."""
