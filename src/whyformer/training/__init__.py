"""Train a model: the loop, loss, optimizers, checkpoints and parallel training."""
