"""The command `whyformer serve` as a process: it starts, reloads its runs, and stops."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import whyformer
from toy_runs import toy_run
from toy_served import toy_pairs
from whyformer.cli.main import main
from whyformer.serving.check import Client

TEXTS = ["a b c d e f g h i j"] * 30


@dataclass
class Process:
    """A server in a process."""

    process: "subprocess.Popen[str]"
    url: str

    @property
    def client(self) -> Client:
        """A client of the server."""
        return Client(self.url)


@contextlib.contextmanager
def process(*arguments: Any) -> Iterator[Process]:
    """Run the command in a `with` block, on a free port."""
    command = [sys.executable, "-m", "whyformer", "serve", *map(str, arguments), "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    ) as started:
        try:
            assert started.stdout is not None
            url = started.stdout.readline().removeprefix("Listening on ").strip()
            found = Process(started, url)
            while found.client.call("/ready").status != 200:
                time.sleep(0.05)
            yield found
        finally:
            if started.poll() is None:
                started.kill()


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """Return a translation run; not to be changed."""
    return toy_run(tmp_path_factory.mktemp("process") / "run")


def test_sigterm_under_load_loses_no_begun_request(run):
    body = json.dumps({"texts": TEXTS, "min_length": 50, "max_length": 60}).encode()
    statuses: list[int] = []
    begun = threading.Semaphore(0)

    def ask(port: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        with contextlib.closing(connection):
            connection.request("POST", "/v1/translate", body, {"content-type": "application/json"})
            begun.release()
            reply = connection.getresponse()
            assert len(json.loads(reply.read())["translations"]) == len(TEXTS)
            statuses.append(reply.status)

    with process(run, "--drain-seconds", 0.3) as server:
        port = int(server.url.rpartition(":")[2])
        threads = [threading.Thread(target=ask, args=[port]) for _ in range(12)]
        for thread in threads:
            thread.start()
        for _ in threads:
            assert begun.acquire(timeout=60)
        server.process.send_signal(signal.SIGTERM)
        for thread in threads:
            thread.join(120)
        assert statuses == [200] * 12
        _, log = server.process.communicate(timeout=60)
    assert server.process.returncode == 0
    lines = [json.loads(line) for line in log.splitlines()]
    stopping = next(line for line in lines if line["event"] == "stopping")
    assert stopping["open_requests"] > 0, "the signal came too late to show anything"
    assert lines[-1]["event"] == "stopped"
    assert lines[-1]["lost"] == 0


def test_while_it_drains_the_server_is_not_ready_but_answers(run):
    with process(run, "--drain-seconds", 3) as server:
        server.process.send_signal(signal.SIGTERM)
        while server.client.call("/ready").status == 200:
            time.sleep(0.01)
        assert server.client.call("/v1/translate", {"texts": ["a"]}).status == 200
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(60) == 0


def test_a_replaced_model_is_loaded_and_a_damaged_one_is_not(tmp_path):
    run, other = toy_pairs(tmp_path / "run", seed=3), toy_pairs(tmp_path / "other", seed=4)
    old, new = (whyformer.load(one).translate(["a b c"])[0] for one in (run, other))
    assert old != new

    def answer() -> str:
        reply = server.client.call("/v1/translate", {"texts": ["a b c"]})
        return reply.json["translations"][0]["text"]

    def reloads(result: str) -> bool:
        line = f'whyformer_reloads_total{{model="run",result="{result}"}} 1.0'
        return line in server.client.call("/metrics").body.decode()

    with process(run, "--reload-seconds", 0.1) as server:
        assert answer() == old
        shutil.copy2(run / "model" / "config.json", tmp_path / "saved.json")
        (run / "model" / "config.json").write_text("{}", encoding="utf-8")
        while not reloads("refused"):
            time.sleep(0.05)
        assert answer() == old, "the old model answers while the new one is damaged"
        shutil.rmtree(run / "model")
        shutil.copytree(other / "model", run / "model")
        while not reloads("loaded"):
            assert answer() in (old, new)
        assert answer() == new


def test_check_starts_calls_every_endpoint_and_stops(kinds, capfd):
    assert main(["serve", *(f"{name}={path}" for name, path in kinds.items()), "--check"]) == 0
    out = capfd.readouterr().out
    assert "FAILED" not in out
    assert "passed" in out
    assert out.splitlines()[-1].endswith("the server stops after SIGTERM")


def test_check_of_a_running_server_reports_what_fails(server, capsys, monkeypatch):
    assert main(["serve", "--check", "--url", server.url]) == 0
    assert "FAILED" not in capsys.readouterr().out
    call = Client.call

    def broken(self: Client, path: str, *arguments: Any, **options: Any) -> Any:
        return call(self, "/nothing" if path == "/v1/tag" else path, *arguments, **options)

    monkeypatch.setattr(Client, "call", broken)
    assert main(["serve", "--check", "--url", server.url]) == 1
    out = capsys.readouterr().out
    assert "FAILED  words: POST /v1/tag" in out
    assert "1 check of " in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "A run is required"),
        (["nothing"], "does not exist"),
        (["RUN", "--port", "70000"], "must be from 0 to 65535"),
        (["RUN", "--host", "203.0.113.1"], "cannot listen on 203.0.113.1:8000"),
        (["RUN", "RUN"], "Names of runs must be unique"),
        (["a b"], "The name of a run must have only"),
        (["RUN", "--url", "http://localhost"], "Add --check"),
        (["RUN", "--check", "--url", "http://localhost"], "Keep one"),
        (["--check", "--url", "http://127.0.0.1:9"], "does not answer as one"),
        (["RUN", "--engine", "onnx", "--port", "0"], "contains no conversion"),
        (["RUN", "--api-keys", "EMPTY"], "one key per line"),
        (["RUN", "--api-keys", "WRONG"], "visible ASCII"),
    ],
)
def test_wrong_arguments_are_one_sentence(run, tmp_path, capsys, arguments, message):
    (tmp_path / "empty").write_text("\n", encoding="utf-8")
    (tmp_path / "wrong").write_text("good\nschlüssel\n", encoding="utf-8")
    names = {"RUN": str(run), "EMPTY": str(tmp_path / "empty"), "WRONG": str(tmp_path / "wrong")}
    given = [one.replace("RUN", names["RUN"]) for one in arguments]
    assert main(["serve", *(names.get(one, one) for one in given)]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert "Traceback" not in err


def test_the_port_in_use_is_refused_in_one_sentence(server, run, capsys):
    assert main(["serve", str(run), "--port", str(server.port)]) == 2
    assert "address already in use" in capsys.readouterr().err


def test_without_the_extra_the_message_names_it(run):
    code = (
        "import sys; sys.modules['fastapi'] = None; from whyformer.cli.main import main; "
        f"sys.exit(main(['serve', {str(run)!r}]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=os.environ
    )
    assert done.returncode == 2
    assert 'pip install "whyformer[serve]"' in done.stderr
