"""An upload to the Hub, against a local server in its place."""

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest

from whyformer.bundle import Bundle, save_bundle
from whyformer.cli.main import main
from whyformer.foundation.errors import MissingExtraError, UsageError
from whyformer.interop.huggingface import hub
from whyformer.interop.huggingface.hub import HubError, upload
from whyformer.models.gpt import GPT, GPTSettings
from whyformer.text.tokenizer import train_tokenizer


class Hub(ThreadingHTTPServer):
    """A server with the part of the interface of the Hub that an upload needs."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.created: list[dict[str, Any]] = []
        self.files: dict[str, bytes] = {}
        self.tokens: set[str | None] = set()
        self.refusal: tuple[int, str] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        hub = self.server
        assert isinstance(hub, Hub)
        body = self._body()
        hub.tokens.add(self.headers["Authorization"])
        if hub.refusal:
            return self._answer({"error": hub.refusal[1]}, hub.refusal[0])
        if self.path == "/api/repos/create":
            asked = json.loads(body)
            hub.created.append(asked)
            return self._answer({"url": f"{hub.address}/{asked['organization']}/{asked['name']}"})
        if self.path == "/api/validate-yaml":
            return self._answer({"errors": [], "warnings": []})
        if "/preupload/" in self.path:
            files = [
                {"path": one["path"], "uploadMode": "regular", "shouldIgnore": False}
                for one in json.loads(body)["files"]
            ]
            return self._answer({"files": files})
        assert "/commit/" in self.path
        for line in body.splitlines():
            one = json.loads(line)
            if one["key"] == "file":
                hub.files[one["value"]["path"]] = base64.b64decode(one["value"]["content"])
        commit = {"commitUrl": f"{hub.address}/me/model/commit/{'0' * 40}", "commitOid": "0" * 40}
        return self._answer(commit)

    def do_GET(self) -> None:
        assert isinstance(self.server, Hub)
        refusal = self.server.refusal
        self._answer({"error": refusal[1]} if refusal else {}, refusal[0] if refusal else 200)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _answer(self, content: dict[str, Any], status: int = 200) -> None:
        text = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    found = Hub()
    thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    use(monkeypatch, found.address, token="hf_secret")
    yield found
    found.shutdown()
    thread.join()
    found.server_close()


def use(monkeypatch: pytest.MonkeyPatch, endpoint: str, token: str | None) -> None:
    """Set what the library reads from the environment when it is imported."""
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", endpoint)
    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", "/nonexistent")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    if token:
        monkeypatch.setenv("HF_TOKEN", token)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    (tmp_path / "README.md").write_text("---\nlicense: mit\n---\n# Model\n", encoding="utf-8")
    (tmp_path / "model.safetensors").write_bytes(bytes(range(256)) * 10)
    return tmp_path


@pytest.mark.parametrize("public", [False, True])
def test_every_file_arrives_in_a_new_repository(server: Hub, directory: Path, public: bool):
    found = upload(directory, "me/model", public=public, message="First")
    assert found == f"{server.address}/me/model"
    assert server.files == {file.name: file.read_bytes() for file in directory.iterdir()}
    (created,) = server.created
    assert (created["organization"], created["name"]) == ("me", "model")
    visibility = created.get("visibility", "public")
    assert visibility == ("public" if public else "private")
    assert server.tokens == {"Bearer hf_secret"}


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (401, "does not accept the token for `me/model`. Run `hf auth login`"),
        (403, "The token may not write to `me/model`"),
        (507, "with the status 507: The storage is full"),
    ],
)
def test_a_refusal_of_the_hub_is_explained(server: Hub, directory: Path, status: int, message: str):
    server.refusal = status, "The storage is full."
    with pytest.raises(HubError, match=message):
        upload(directory, "me/model", public=False, message="First")


def test_a_hub_that_cannot_be_reached_is_reported(monkeypatch: pytest.MonkeyPatch, directory: Path):
    use(monkeypatch, "http://127.0.0.1:9", token="hf_secret")
    with pytest.raises(HubError, match=r"cannot be reached .* HF_ENDPOINT"):
        upload(directory, "me/model", public=False, message="First")


def test_offline_mode_is_reported(monkeypatch: pytest.MonkeyPatch, directory: Path):
    use(monkeypatch, "http://127.0.0.1:9", token="hf_secret")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(UsageError, match="HF_HUB_OFFLINE is set"):
        upload(directory, "me/model", public=False, message="First")


def test_a_missing_token_is_reported_before_anything_is_sent(
    server: Hub, monkeypatch: pytest.MonkeyPatch, directory: Path
):
    use(monkeypatch, server.address, token=None)
    with pytest.raises(UsageError, match="needs a token, but none was found"):
        upload(directory, "me/model", public=False, message="First")
    assert not server.created


@pytest.mark.parametrize("name", ["", "a/b/c", "me/mod el", "-x", "me/x--y"])
def test_a_wrong_name_is_refused(server: Hub, directory: Path, name: str):
    with pytest.raises(UsageError, match="A repository must have a name such as"):
        upload(directory, name, public=False, message="First")
    assert not server.created


def test_a_missing_library_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, directory: Path
):
    monkeypatch.setitem(__import__("sys").modules, "huggingface_hub", None)
    with pytest.raises(MissingExtraError, match=r"whyformer\[export\]"):
        hub.library()


def test_the_command_uploads_a_directory_that_was_exported(server: Hub, directory: Path, capsys):
    (directory / "config.json").write_text('{"model_type": "bert"}', encoding="utf-8")
    assert main(["push", str(directory), "me/model", "--public"]) == 0
    assert capsys.readouterr().out.strip() == f"{server.address}/me/model"
    assert server.files.keys() == {file.name for file in directory.iterdir()}
    assert main(["push", str(directory), "me/model", "--language", "de"]) == 2
    assert "--language has no effect" in capsys.readouterr().err


def test_the_command_exports_a_run_and_uploads_it_with_its_card(
    server: Hub, tmp_path: Path, capsys
):
    pytest.importorskip("transformers")
    tokenizer = train_tokenizer("bpe", ["a dog runs", "a cat sleeps"] * 3, vocabulary=280)
    settings = GPTSettings(layers=1, d_model=8, heads=2, d_ff=8, max_length=80)
    model = GPT(settings, (len(tokenizer), len(tokenizer))).eval()
    save_bundle(tmp_path / "model", Bundle(model, tokenizer, tokenizer))
    arguments = ["--language", "en", "--license", "mit", "--data-license", "CC0"]
    assert main(["push", str(tmp_path), "me/dogs", *arguments]) == 0
    assert {
        "README.md",
        "config.json",
        "model.safetensors",
        "tokenizer.json",
    } <= server.files.keys()
    card = server.files["README.md"].decode()
    assert "license: mit" in card
    assert "# dogs" in card
    assert 'model="me/dogs"' in card
    assert capsys.readouterr().out.strip() == f"{server.address}/me/dogs"
