"""The settings of the server: its address, and its limits."""

from pydantic import Field

from whyformer.foundation.config import Settings


class ServerSettings(Settings):
    """Settings of the server. Every limit applies to each request, unless its text says
    otherwise."""

    host: str = "127.0.0.1"
    """Address to listen on. The default accepts connections of this machine only."""
    port: int = Field(default=8000, ge=0, le=65535)
    """Port to listen on; 0 means any free port."""
    engine: str = "auto"
    """Engine of translation: auto, torch, ctranslate2 or onnx."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:0 or mps."""
    wait_ms: float = Field(default=3.0, ge=0.0, le=1000.0, allow_inf_nan=False)
    """Maximum time in milliseconds that an idle model waits for as many requests as the last batch
    had. After a batch of one request, it never waits. While the model computes, requests wait
    anyway and share the next batch."""
    batch_tokens: int = Field(default=2048, ge=1, le=1_000_000)
    """Maximum number of source tokens in a batch, over all requests. A larger request is
    computed alone."""
    queue_texts: int = Field(default=1024, ge=1, le=1_000_000)
    """Maximum number of texts that wait for one model. More texts are refused with 503."""
    body_bytes: int = Field(default=1 << 20, ge=1024, le=1 << 30)
    """Maximum size of a request body in bytes."""
    texts: int = Field(default=256, ge=1, le=100_000)
    """Maximum number of texts in a request."""
    tokens: int = Field(default=16_384, ge=1, le=10_000_000)
    """Maximum number of tokens of all texts of a request together."""
    beams: int = Field(default=32, ge=1, le=1000)
    """Maximum of `beam`, `groups` and `nbest`."""
    new_tokens: int = Field(default=1024, ge=1, le=100_000)
    """Maximum number of tokens to generate for each text."""
    timeout_seconds: float = Field(default=60.0, gt=0.0, le=86_400.0, allow_inf_nan=False)
    """Time within which a request must be answered. Later, it is refused and its work stops."""
    read_seconds: float = Field(default=10.0, gt=0.0, le=3600.0, allow_inf_nan=False)
    """Time within which a client must send a whole request."""
    connections: int = Field(default=1000, ge=1, le=100_000)
    """Maximum number of open connections."""
    drain_seconds: float = Field(default=1.0, ge=0.0, le=600.0, allow_inf_nan=False)
    """After SIGTERM, new requests are still answered for this time, while `/ready` reports 503, so
    that a load balancer can choose another server."""
    reload_seconds: float = Field(default=2.0, ge=0.0, le=86_400.0, allow_inf_nan=False)
    """Interval in which the server checks whether a run has a new model; 0 never checks."""
    api_keys: tuple[str, ...] = ()
    """Keys, one of which every request must have. Without keys, every client that reaches the port
    may use the server."""
    cors_origins: tuple[str, ...] = ()
    """Origins of web pages that browsers allow to use the server, such as https://example.org."""
    viewer: bool = True
    """Whether / shows a model at work. This page contains the weights of the model."""
    log_texts: bool = False
    """Whether the log contains the texts of the requests."""
