"""Why are queries, keys and values separate? Weights at initialization, and models that share."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from whyformer.blocks.attention import attention
from whyformer.blocks.initialization import INITIALIZATIONS, xavier
from whyformer.blocks.multihead import AttentionPath, MultiHeadAttention, use_path
from whyformer.blocks.taps import observe
from whyformer.foundation.randomness import seed_everything
from whyformer.lab.method import reference_task as lm
from whyformer.lab.method.batches import EndlessBatches, TensorBatch, generator_of
from whyformer.lab.method.experiment import Mode, Numbers, Settings
from whyformer.lab.method.learning import block_means, learn
from whyformer.models.encoder import EncoderLayer
from whyformer.models.gpt import GPT, GPTSettings
from whyformer.models.transformer import count_parameters
from whyformer.training.loss import Loss, fused_cross_entropy

SEPARATE, KEYS, VALUES, ALL = "separate", "q=k", "k=v", "q=k=v"
"""Three matrices; W_Q = W_K; W_K = W_V; one matrix for all three."""
SHARED = (KEYS, VALUES, ALL)
WIDER = {f"{arm}, wider": arm for arm in SHARED}
"""Arms with as many weights as `SEPARATE`: the feed-forward network has the weights that the
shared matrices save."""

DRAWN_WIDTH, TOKENS, ROWS = 512, 64, 4
D_KS = (4, 8, 16, 32, 64, 128, 256)
OTHER_TOKENS = (16, 256)

CYCLE, PAYLOADS = 3, 16
"""The number of tokens of a row, of which each one looks for the next, and the number of different
payloads of a token."""
ONE_HEAD, MORE_HEADS = "1 head", "2 layers of 4 heads"
SHAPES = {ONE_HEAD: (1, 1), MORE_HEADS: (2, 4)}
"""Numbers of layers and of heads of the models that look in a circle."""
CYCLE_STEPS, CYCLE_RATES = 300, (2e-3, 4e-3)

WIDTH, LENGTH, STEPS, WARMUP = 64, 32, 500, 20
RATES = (3e-3, 4.5e-3, 6.7e-3)
TEST_SEED = 1_000_000


def shape(arm: str, width: int, layers: int, heads: int) -> GPTSettings:
    """Return the settings of a model.

    A matrix has width² weights, and a unit of the feed-forward network 2 · width (and a bias). So
    each matrix that a wider arm saves becomes width / 2 units.
    """
    saved = {KEYS: 1, VALUES: 1, ALL: 2}[WIDER[arm]] if arm in WIDER else 0
    d_ff = 4 * width + saved * width // 2
    return lm.reference(layers=layers, d_model=width, heads=heads, d_ff=d_ff)


def tie(model: nn.Module, arm: str) -> None:
    """Let every attention of ``model`` share the matrices that are equal in this arm."""
    arm = WIDER.get(arm, arm)
    for module in model.modules():
        if isinstance(module, MultiHeadAttention):
            if arm in (KEYS, ALL):
                module.project_key.weight = module.project_query.weight
            if arm in (VALUES, ALL):
                module.project_value.weight = module.project_key.weight


@torch.no_grad()
def measure_start(settings: Settings, seed: int) -> Numbers:
    """Return the mean weight of a token on itself in a new layer, and how asymmetric its scores
    are. The tokens are random vectors of variance 1; the computation uses float64."""
    seed_everything(seed)
    layer = MultiHeadAttention(DRAWN_WIDTH, DRAWN_WIDTH // settings["d_k"], settings["d_k"])
    xavier(layer, 1.0)
    tie(layer, settings["arm"])
    x = torch.randn(ROWS, settings["n"], DRAWN_WIDTH, dtype=torch.float64)
    _, weights, scores = attention(*layer.double().queries_keys_values(x))
    apart = (scores - scores.mT).square().mean().sqrt() / scores.std()
    return {
        "self": weights.diagonal(dim1=-2, dim2=-1).mean().item(),
        "score": scores.diagonal(dim1=-2, dim2=-1).mean().item(),
        "asymmetry": apart.item(),
    }


@dataclass(frozen=True)
class Circle(TensorBatch):
    """Rows of three tokens in random order. Each token has a symbol (rock, paper or scissors) and a
    random payload; its label is the payload of the symbol that it beats."""

    target: Tensor
    payloads: Tensor
    labels: Tensor
    wanted: Tensor
    """For each token, the place of the token that it looks for."""

    @property
    def tokens(self) -> int:
        """Return the number of labels in the batch."""
        return self.labels.numel()


@dataclass(frozen=True)
class Circles(EndlessBatches):
    """A `BatchSource` of circles. The seed and the index determine each batch."""

    rows: int
    seed: int

    def batch(self, epoch: int, index: int) -> Circle:
        """Return the batch with this ``index``; ``epoch`` is ignored."""
        generator = generator_of(self.seed, index)
        symbols = torch.rand(self.rows, CYCLE, generator=generator).argsort(1)
        payloads = torch.randint(PAYLOADS, (self.rows, CYCLE), generator=generator)
        wanted = symbols.argsort(1).gather(1, (symbols + 1) % CYCLE)
        return Circle(symbols, payloads, payloads.gather(1, wanted), wanted)


class Looker(nn.Module):
    """A stack of layers without positions, whose input is the sum of two embeddings: that of the
    symbol and that of the payload."""

    def __init__(self, settings: GPTSettings) -> None:
        super().__init__()
        parts, d_model = settings.parts(), settings.d_model
        self.symbols = nn.Embedding(CYCLE, d_model)
        self.payloads = nn.Embedding(PAYLOADS, d_model)
        self.layers = nn.ModuleList(EncoderLayer(parts) for _ in range(settings.layers))
        self.final_norm = parts.final_norm()
        self.projection = nn.Linear(d_model, PAYLOADS, bias=False)
        nn.init.normal_(self.projection.weight, std=settings.embedding_deviation)
        INITIALIZATIONS[settings.initialization](self.layers, 1.0)

    def forward(self, circle: Circle) -> Tensor:
        """Return a vector for each token."""
        x = self.symbols(circle.target) + self.payloads(circle.payloads)
        for layer in self.layers:
            x = layer(x, None, None)
        return self.final_norm(x)


def circle_loss(model: nn.Module, circle: Circle, smoothing: float) -> Loss:
    """Return the sum of the loss over all tokens."""
    assert isinstance(model, Looker)
    features, labels = model(circle).flatten(0, 1), circle.labels.flatten()
    return fused_cross_entropy(features, model.projection.weight, labels, smoothing)


def measure_circle(settings: Settings, seed: int) -> Numbers:
    """Train a model to look in a circle; return its share of right answers, and the share of tokens
    with more weight on the wanted token than on the third one (the best head counts)."""
    seed_everything(seed)
    chosen = shape(settings["arm"], WIDTH, *SHAPES[settings["shape"]])
    model = Looker(chosen)
    tie(model, settings["arm"])
    reports = learn(
        model, Circles(32, seed), updates=CYCLE_STEPS, warmup=WARMUP,
        learning_rate=settings["rate"], d_model=WIDTH, loss_of=circle_loss,
    )  # fmt: skip
    test = Circles(512, TEST_SEED).batch(0, 0)
    model.eval()
    use_path(model, AttentionPath.EXPLICIT)
    with torch.no_grad(), observe(model, "*.weights") as seen:
        right = (model.projection(model(test)).argmax(-1) == test.labels).double().mean().item()
    return {
        "right": right,
        "turned": max(turned(one, test.wanted) for (one,) in seen.values()),
        "curve": block_means([report.loss for report in reports], 50),
        "parameters": count_parameters(model),
    }


def turned(weights: Float[Tensor, "rows heads 3 3"], wanted: Tensor) -> float:
    """Return the share of tokens with more weight on the wanted token than on the third one, for
    the best head."""
    third = CYCLE - torch.arange(CYCLE) - wanted
    of_wanted, of_third = (
        weights.gather(3, one[:, None, :, None].expand(*weights.shape[:3], 1)).squeeze(3)
        for one in (wanted, third)
    )
    return (of_wanted > of_third).double().mean((0, 2)).max().item()


def measure_language(settings: Settings, seed: int) -> Numbers:
    """Train a character model of two layers; return its loss, and the mean weight of a token on
    itself before and after the training."""
    chosen = shape(settings["arm"], WIDTH, 2, 4)
    model = lm.fresh_model(chosen, seed)
    tie(model, settings["arm"])
    before = weight_on_itself(model)
    trained = lm.train(
        chosen, seed, steps=settings["steps"], warmup=WARMUP, learning_rate=settings["rate"],
        length=LENGTH, rows=8, model=model,
    )  # fmt: skip
    return {
        "loss": trained.loss,
        "curve": block_means([report.loss for report in trained.reports], 50),
        "itself": [before, weight_on_itself(model)],
        "parameters": count_parameters(model),
    }


@torch.no_grad()
def weight_on_itself(model: GPT) -> float:
    """Return the mean weight of a character on itself in the second half of the dev windows, over
    all layers and heads."""
    use_path(model.eval(), AttentionPath.EXPLICIT)
    with observe(model, "*.weights") as seen:
        model.features(next(lm.dev_windows(LENGTH)).target)
    use_path(model, AttentionPath.FUSED)
    weights = torch.stack([one for (one,) in seen.values()])
    return weights.diagonal(dim1=-2, dim2=-1)[..., LENGTH // 2 :].mean().item()


def start_conditions(mode: Mode) -> list[Settings]:
    """Return every width of a head among 64 tokens, and one width among other numbers of tokens,
    with three matrices and with W_Q = W_K."""
    sizes = [(d_k, TOKENS) for d_k in D_KS] + [(64, n) for n in OTHER_TOKENS]
    return [{"arm": arm, "d_k": d_k, "n": n} for arm in (SEPARATE, KEYS) for d_k, n in sizes]


def circle_conditions(mode: Mode) -> list[Settings]:
    """Return arms with equal numbers of weights. Quick mode has one head and one learning rate."""
    quick = mode is Mode.QUICK
    arms = {ONE_HEAD: (SEPARATE, "q=k, wider", "k=v, wider"), MORE_HEADS: (SEPARATE, "q=k, wider")}
    return [
        {"arm": arm, "shape": shape, "rate": rate}
        for shape in ((ONE_HEAD,) if quick else SHAPES)
        for arm in arms[shape]
        for rate in (CYCLE_RATES[1:] if quick else CYCLE_RATES)
    ]


def language_conditions(mode: Mode) -> list[Settings]:
    """Return three arms with equal numbers of weights at every learning rate, and two more arms at
    one: one matrix for all three, and W_Q = W_K with fewer weights.

    Quick mode has two arms and few updates.
    """
    if mode is Mode.QUICK:
        arms = (SEPARATE, "q=k, wider")
        return [{"arm": arm, "rate": RATES[1], "steps": 100} for arm in arms]
    judged, shown = (SEPARATE, "q=k, wider", "k=v, wider"), ("q=k=v, wider", KEYS)
    grid = [(arm, rate) for arm in judged for rate in RATES] + [(arm, RATES[1]) for arm in shown]
    return [{"arm": arm, "rate": rate, "steps": STEPS} for arm, rate in grid]
