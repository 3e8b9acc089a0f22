"""Upload a model directory to the Hugging Face Hub."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from whyformer.foundation.errors import MissingExtraError, UsageError, WhyformerError

LOGIN = (
    "Run `hf auth login`, or set the variable HF_TOKEN to a token with write access "
    "(https://huggingface.co/settings/tokens)."
)


class HubError(WhyformerError):
    """Error for an upload that the Hub refused or that could not reach it."""


def library() -> Any:
    """Return the module `huggingface_hub`.

    Raises: MissingExtraError when it is not installed.
    """
    try:
        import huggingface_hub
    except ImportError:
        raise MissingExtraError("huggingface_hub", "export") from None
    return huggingface_hub


def check_access(repo: str) -> None:
    """Raise UsageError if ``repo`` cannot be the name of a repository, or if there is no token."""
    hub = library()
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id

    try:
        validate_repo_id(repo)
    except HFValidationError:
        raise UsageError(
            f"A repository must have a name such as `user/model`, but it is `{repo}`. Use letters, "
            "digits, `-`, `_` and `.`, and at most one `/`."
        ) from None
    if hub.get_token() is None:
        raise UsageError(f"An upload needs a token, but none was found. {LOGIN}")


def upload(directory: Path, repo: str, *, public: bool, message: str) -> str:
    """Upload the files of a directory to a repository; create it if it does not exist.

    The token comes from the variable HF_TOKEN or from `hf auth login`, and the address of the Hub
    from HF_ENDPOINT.
    Args:
        public: whether a new repository is public. An existing one keeps its visibility.
        message: message of the commit.
    Returns: the address of the repository.
    Raises: MissingExtraError, UsageError, HubError.
    """
    check_access(repo)
    api = library().HfApi(library_name="whyformer")
    with _explained(repo):
        place = api.create_repo(repo, private=not public, exist_ok=True)
        api.upload_folder(folder_path=directory, repo_id=place.repo_id, commit_message=message)
    return str(place)


@contextmanager
def _explained(repo: str) -> Iterator[None]:
    """In a `with` block, convert errors of the library into one sentence."""
    from huggingface_hub.errors import HfHubHTTPError, HTTPError, OfflineModeIsEnabled

    try:
        yield
    except OfflineModeIsEnabled:
        raise UsageError(
            "An upload needs the network, but HF_HUB_OFFLINE is set. Unset it, and run the command "
            "again."
        ) from None
    except HfHubHTTPError as error:
        status = error.response.status_code
        if status == 401:
            raise HubError(f"The Hub does not accept the token for `{repo}`. {LOGIN}") from None
        if status in (403, 404):
            raise HubError(
                f"The token may not write to `{repo}`. Choose a repository of your own, or use a "
                "token with write access to this one."
            ) from None
        said = error.server_message or str(error).splitlines()[0]
        raise HubError(
            f"The Hub refused the upload to `{repo}` with the status {status}: {said} Correct what "
            "it names, or try again later."
        ) from None
    except (HTTPError, ConnectionError) as error:
        raise HubError(
            f"The Hub cannot be reached ({type(error).__name__}: {error}). Check the network and "
            "the variable HF_ENDPOINT, and run the command again. Nothing was uploaded."
        ) from None
