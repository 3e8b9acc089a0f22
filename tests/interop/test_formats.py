"""Each format of `convert` names a function with the right parameters; other flags are refused."""

import importlib
import inspect

import pytest

from whyformer.foundation.errors import UsageError
from whyformer.interop.formats import FORMATS, convert_to


@pytest.mark.parametrize("name", FORMATS)
def test_the_function_of_a_format_has_a_parameter_for_each_option(name):
    module, function = FORMATS[name].function.split(":")
    found = inspect.signature(getattr(importlib.import_module(module), function)).parameters
    assert {"run", "say", *FORMATS[name].options.values()} <= set(found)


def test_a_flag_that_the_format_does_not_support_is_refused(tmp_path):
    with pytest.raises(UsageError, match="`--tongue` has no effect with `--to ctranslate2`"):
        convert_to("ctranslate2", tmp_path, {"tongue": "ko"})
    with pytest.raises(UsageError, match="Did you mean `ctranslate2`"):
        convert_to("ctranslate", tmp_path, {})
