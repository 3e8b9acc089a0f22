"""The same seed, or the same saved state, gives the same numbers."""

import numpy as np
import torch

from whyformer.foundation.randomness import (
    random_bytes,
    random_state,
    restore_random_state,
    seed_everything,
)


def test_seeds_and_saved_states_repeat_both_streams():
    seed_everything(3)
    first = (torch.rand(3), random_bytes(11))
    state = random_state()
    second = (torch.rand(3), random_bytes(11))
    assert len(second[1]) == 11
    assert not np.array_equal(first[1], second[1])
    restore_random_state(state)
    again = (torch.rand(3), random_bytes(11))
    seed_everything(3)
    anew = (torch.rand(3), random_bytes(11))
    for left, right in ((second, again), (first, anew)):
        torch.testing.assert_close(left[0], right[0], rtol=0, atol=0)
        assert np.array_equal(left[1], right[1])


def test_the_stream_of_an_apple_gpu_is_kept_as_that_of_another(monkeypatch):
    stream, taken = torch.arange(4), []
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    monkeypatch.setattr(torch.mps, "get_rng_state", lambda: stream)
    monkeypatch.setattr(torch.mps, "set_rng_state", taken.append)
    state = random_state()
    restore_random_state(state)
    assert taken == [stream]
    del state["mps"]  # of a checkpoint that another device wrote
    restore_random_state(state)
    assert len(taken) == 1
