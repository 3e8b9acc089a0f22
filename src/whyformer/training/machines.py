"""Data of GPUs and their links, from the vendors' data sheets, for estimates."""

from pathlib import Path

from pydantic import Field

from whyformer.foundation.config import Settings, build, read_yaml
from whyformer.foundation.errors import ConfigError, nearest


class Machine(Settings):
    """One type of GPU, its links, and the GPUs per node. Rates are peak rates in one direction."""

    name: str
    """Name of the GPU and its node."""
    source: str
    """The source of the numbers."""
    peak_tflops: float = Field(gt=0, le=1e9)
    """Peak rate in 10¹² dense bf16 operations per second, without sparsity."""
    memory_gb: float = Field(gt=0, le=1e9)
    """Memory in 10⁹ bytes."""
    memory_gb_per_second: float = Field(gt=0, le=1e9)
    """Memory bandwidth in 10⁹ bytes per second."""
    node_gb_per_second: float = Field(gt=0, le=1e9)
    """Bandwidth between GPUs of a node, in 10⁹ bytes per second in one direction."""
    network_gb_per_second: float = Field(gt=0, le=1e9)
    """Network bandwidth of the node per GPU, in 10⁹ bytes per second in one direction."""
    gpus_per_node: int = Field(default=8, ge=1, le=1_000_000)
    """Number of GPUs in a node."""

    def ring_bandwidth(self, gpus: int) -> float:
        """Return the bytes per second that a GPU sends in a ring over ``gpus`` GPUs.

        Within a node, the limit is the link between two GPUs. Across nodes, there is one ring for
        each network card of a node. Across nodes, the limit is the total bandwidth of the cards of
        a node or the link between two GPUs, whichever is lower.
        """
        if gpus <= self.gpus_per_node:
            return 1e9 * self.node_gb_per_second
        cards = self.gpus_per_node * self.network_gb_per_second
        return 1e9 * min(self.node_gb_per_second, cards)


MACHINES = {
    "a100": Machine(
        name="NVIDIA A100 SXM 80 GB in a DGX A100",
        source="NVIDIA A100 data sheet (312 TFLOPS bf16, 80 GB, 2,039 GB/s, NVLink 600 GB/s both "
        "ways); DGX A100 data sheet (8 GPUs, 8 × 200 Gb/s)",
        peak_tflops=312,
        memory_gb=80,
        memory_gb_per_second=2039,
        node_gb_per_second=300,
        network_gb_per_second=25,
    ),
    "h100": Machine(
        name="NVIDIA H100 SXM in a DGX H100",
        source="NVIDIA H100 data sheet (1,979 TFLOPS bf16 with sparsity, half of it dense, 80 GB, "
        "3.35 TB/s, NVLink 900 GB/s both ways); DGX H100 data sheet (8 GPUs, 8 × 400 Gb/s)",
        peak_tflops=989.5,
        memory_gb=80,
        memory_gb_per_second=3350,
        node_gb_per_second=450,
        network_gb_per_second=50,
    ),
    "h200": Machine(
        name="NVIDIA H200 SXM in a DGX H200",
        source="NVIDIA H200 data sheet (1,979 TFLOPS bf16 with sparsity, half of it dense, 141 GB, "
        "4.8 TB/s, NVLink 900 GB/s both ways); DGX H200 data sheet (8 GPUs, 8 × 400 Gb/s)",
        peak_tflops=989.5,
        memory_gb=141,
        memory_gb_per_second=4800,
        node_gb_per_second=450,
        network_gb_per_second=50,
    ),
}
"""The known machines, by name."""


def machine_named(name: str) -> Machine:
    """Return a machine by its name, or from a YAML file with the fields of `Machine`.

    Raises: ConfigError when there is no such machine or file, or when a number in the file is
        missing or not positive.
    """
    if name in MACHINES:
        return MACHINES[name]
    if Path(name).suffix in (".yaml", ".yml"):
        tree, lines = read_yaml(Path(name))
        places = {path: f"{name}:{line}" for path, line in lines.items()}
        return build(Machine, tree, where=name, places=places)
    raise ConfigError(
        f"`--machine` {name} is neither {', '.join(MACHINES)} nor a YAML file with the data of "
        f"another machine.{nearest(name, MACHINES)}"
    )
