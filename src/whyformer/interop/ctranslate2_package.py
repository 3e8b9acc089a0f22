"""The package CTranslate2."""

from typing import Any

from whyformer.foundation.errors import MissingPackageError


def library() -> Any:
    """Return the module `ctranslate2`.

    Raises: MissingPackageError when it is not installed.
    """
    try:
        import ctranslate2
    except ImportError:
        raise MissingPackageError("ctranslate2") from None
    return ctranslate2
