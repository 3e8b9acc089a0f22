"""Adam as in §5.3, AdamW, RAdam, SGD, and Muon for the matrices inside the layers.

An optimizer is chosen by name. To add an optimizer, register a function that makes it:

    @OPTIMIZERS.register("mine")
    def mine(model: nn.Module, *, betas: tuple[float, float]) -> torch.optim.Optimizer:
        return Mine(trainable(model), lr=1.0, betas=betas)

The function receives the model. The other arguments of the function receive the settings of the
section `training` that have the same names. A parameter group may have a `ratio` (default 1): the
learning rate of the group is this ratio × the learning rate of the schedule.
"""

import inspect
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, TypeVar

import torch
from torch import Tensor, nn

from whyformer.acceleration.processor import multiplies_bf16
from whyformer.foundation.errors import PluginError, nearest
from whyformer.foundation.registry import Registry
from whyformer.training.shards import cut_like, local, whole

Maker = Callable[..., torch.optim.Optimizer]
OPTIMIZERS = Registry[Maker]("optimizer")
Optimizer = Annotated[str, OPTIMIZERS]
"""Name of an optimizer."""
OPTIONAL = ("betas", "epsilon", "weight_decay", "matrix_ratio")
"""Settings that only some optimizers read."""
SGD_MOMENTUM = 0.9
M = TypeVar("M", bound=Callable[..., Any])


def make_optimizer(
    model: nn.Module, kind: str, settings: Mapping[str, Any]
) -> torch.optim.Optimizer:
    """Make the optimizer with the name ``kind``. A parameter group without a `ratio` gets ratio 1.

    Args: settings: the settings of the section `training` by name.
    Raises: PluginError when the function that makes the optimizer has an argument that is not a
        setting of the section `training`.
    """
    asked = reads(kind)
    if missing := [name for name in asked if name not in settings]:
        raise PluginError(
            f"The optimizer `{kind}` asks for `{missing[0]}`, which is not a setting of the "
            f"section `training`.{nearest(missing[0], settings)}"
        )
    optimizer = OPTIMIZERS[kind](model, **{name: settings[name] for name in asked})
    for group in optimizer.param_groups:
        group.setdefault("ratio", 1.0)
    return optimizer


def reads(kind: str) -> tuple[str, ...]:
    """Return the settings that an optimizer uses: the arguments of its function after the model.

    >>> reads("radam"), reads("sgd")
    (('betas', 'epsilon'), ())
    """
    _, *settings = inspect.signature(OPTIMIZERS[kind]).parameters.values()
    return tuple(one.name for one in settings if one.kind is not one.VAR_KEYWORD)


def keeps(matrix: int, other: int) -> Callable[[M], M]:
    """Declare how many fp32 numbers the optimizer state has for each weight.

    Args:
        matrix: the number for a weight in a matrix of a layer (see `is_matrix`).
        other: the number for any other weight.
    """

    def declare(maker: M) -> M:
        declared: Any = maker
        declared.moments = (matrix, other)
        return maker

    return declare


def moments(kind: str) -> tuple[int, int] | None:
    """Return the two numbers that `keeps` declared for an optimizer; None without a declaration."""
    return getattr(OPTIMIZERS[kind], "moments", None)


def is_matrix(name: str, parameter: Tensor) -> bool:
    """Return whether a parameter is a matrix of a layer (not an embedding, norm or bias)."""
    return parameter.ndim == 2 and ".layers." in f".{name}" and name.endswith(".weight")


def trainable(model: nn.Module) -> list[nn.Parameter]:
    """Return the parameters that training updates: those that are not frozen."""
    return [p for p in model.parameters() if p.requires_grad]


def split(model: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Return two lists of trainable parameters: the matrices of layers, and all others."""
    named = [(n, p) for n, p in model.named_parameters() if p.requires_grad]
    matrices = [p for n, p in named if is_matrix(n, p)]
    return matrices, [p for n, p in named if not is_matrix(n, p)]


@OPTIMIZERS.register("adam")
@keeps(2, 2)
def adam(model: nn.Module, *, betas: tuple[float, float], epsilon: float) -> torch.optim.Optimizer:
    """Make Adam.

    Paper: Vaswani et al. 2017, §5.3: Adam with β₁ = 0.9, β₂ = 0.98, ε = 1e-9.
    """
    return torch.optim.Adam(trainable(model), lr=1.0, betas=betas, eps=epsilon, fused=True)


@OPTIMIZERS.register("adamw")
@keeps(2, 2)
def adamw(
    model: nn.Module, *, betas: tuple[float, float], epsilon: float, weight_decay: float
) -> torch.optim.Optimizer:
    """Make AdamW with weight decay for the matrices of the layers."""
    matrices, others = split(model)
    groups = [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=1.0, betas=betas, eps=epsilon, fused=True)


@OPTIMIZERS.register("muon")
@keeps(1, 2)
def muon(
    model: nn.Module,
    *,
    betas: tuple[float, float],
    epsilon: float,
    weight_decay: float,
    matrix_ratio: float,
) -> torch.optim.Optimizer:
    """Make Muon for the matrices of the layers, with Adam for all other parameters.

    Args: matrix_ratio: the learning rate of Muon divided by the learning rate of Adam.
    """
    return MuonWithAdam(
        *split(model),
        betas=betas,
        epsilon=epsilon,
        weight_decay=weight_decay,
        matrix_ratio=matrix_ratio,
    )


@OPTIMIZERS.register("radam")
@keeps(2, 2)
def radam(model: nn.Module, *, betas: tuple[float, float], epsilon: float) -> torch.optim.Optimizer:
    """Make RAdam."""
    return torch.optim.RAdam(trainable(model), lr=1.0, betas=betas, eps=epsilon)


@OPTIMIZERS.register("sgd")
@keeps(1, 1)
def sgd(model: nn.Module) -> torch.optim.Optimizer:
    """Make stochastic gradient descent with momentum."""
    return torch.optim.SGD(trainable(model), lr=1.0, momentum=SGD_MOMENTUM)


class MuonWithAdam(torch.optim.Optimizer):
    """Muon for matrices (the update is the orthogonalized momentum), Adam for other parameters.

    Source: Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks";
        scale 0.2·√max(rows, columns) from Liu et al. 2025 (arXiv:2502.16982), Eq. 4.
    Differs: Newton-Schulz runs on all matrices of one shape at once, and in fp32 on a device
        without bf16 instructions. If matrices are sharded, every rank gathers the whole momentum,
        orthogonalizes it, and uses its own part of the result.
    """

    def __init__(
        self,
        matrices: Iterable[nn.Parameter],
        others: Iterable[nn.Parameter],
        *,
        betas: tuple[float, float],
        epsilon: float,
        weight_decay: float,
        matrix_ratio: float,
        momentum: float = 0.95,
    ) -> None:
        groups = [
            {"params": list(matrices), "ratio": matrix_ratio, "weight_decay": weight_decay},
            {"params": list(others), "ratio": 1.0, "weight_decay": 0.0},
        ]
        super().__init__(groups, {"lr": 1.0, "momentum": momentum, "betas": betas, "eps": epsilon})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # pyright: ignore
        """Update every parameter that has a gradient."""
        self._muon(self.param_groups[0])
        self._adam(self.param_groups[1])

    def _muon(self, group: dict[str, Any]) -> None:
        by_shape: dict[torch.Size, list[nn.Parameter]] = defaultdict(list)
        for parameter in group["params"]:
            if parameter.grad is not None:
                by_shape[parameter.shape].append(parameter)
        for shape, parameters in by_shape.items():
            grads = [p.grad for p in parameters if p.grad is not None]
            weights: list[Tensor] = list(parameters)
            momenta = [self._state(p, "momentum") for p in parameters]
            torch._foreach_lerp_(momenta, grads, 1 - group["momentum"])
            # Nesterov momentum: add the current gradient to the momentum once more.
            ahead = [whole(one) for one in torch._foreach_lerp(grads, momenta, group["momentum"])]
            updates = orthogonalize(torch.stack(ahead)) * (0.2 * max(shape) ** 0.5)
            parts = [
                local(cut_like(update, weight))
                for update, weight in zip(updates.unbind(0), weights, strict=True)
            ]
            held = [local(weight) for weight in weights]
            torch._foreach_mul_(held, 1 - group["lr"] * group["weight_decay"])
            torch._foreach_add_(held, parts, alpha=-group["lr"])

    def _adam(self, group: dict[str, Any]) -> None:
        parameters = [p for p in group["params"] if p.grad is not None]
        if not parameters:
            return
        steps = [self._state(p, "step", torch.zeros((), device=p.device)) for p in parameters]
        torch._foreach_add_(steps, 1)
        torch._fused_adamw_(
            [local(p) for p in parameters],
            [local(p.grad) for p in parameters if p.grad is not None],
            [local(self._state(p, "exp_avg")) for p in parameters],
            [local(self._state(p, "exp_avg_sq")) for p in parameters],
            [],
            steps,
            lr=group["lr"],
            beta1=group["betas"][0],
            beta2=group["betas"][1],
            weight_decay=0.0,
            eps=group["eps"],
            amsgrad=False,
            maximize=False,
        )

    def _state(self, parameter: nn.Parameter, key: str, start: Tensor | None = None) -> Tensor:
        state = self.state[parameter]
        if key not in state:
            state[key] = torch.zeros_like(parameter) if start is None else start
        return state[key]


def orthogonalize(matrices: Tensor, steps: int = 5) -> Tensor:
    """Push every singular value of each matrix (count, rows, columns) towards 1.

    Source: Jordan et al. 2024: five steps of the quintic Newton-Schulz iteration
        X ← aX + b(XXᵀ)X + c(XXᵀ)²X with (a, b, c) = (3.4445, -4.7750, 2.0315).
    Differs: the iteration of fp32 matrices runs in bf16, as in the source, only if the device has
        instructions for bf16. It is then twice as fast on a CPU.
    """
    a, b, c = 3.4445, -4.7750, 2.0315
    wide = matrices.mT if matrices.shape[1] > matrices.shape[2] else matrices
    x = wide / (wide.norm(dim=(1, 2), keepdim=True) + 1e-7)
    if x.dtype == torch.float32 and multiplies_bf16(x.device):
        x = x.bfloat16()
    for _ in range(steps):
        gram = torch.bmm(x, x.mT)
        polynomial = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        x = torch.baddbmm(x, polynomial, x, beta=a)
    x = x.to(matrices.dtype)
    return x.mT if matrices.shape[1] > matrices.shape[2] else x
