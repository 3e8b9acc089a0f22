"""The published checks: silent for every built-in variant, and able to find each fault."""

import random

import numpy as np
import pytest
import torch
from torch import nn

from whyformer.blocks.feedforward import FeedForward
from whyformer.blocks.multihead import MultiHeadAttention
from whyformer.blocks.positions import POSITIONS, Positions, Sinusoidal
from whyformer.blocks.residual import PostNorm, Residual
from whyformer.blocks.scaling import Scaling
from whyformer.decoding.constraints import Constraint
from whyformer.evaluation.interval import IntervalKind
from whyformer.models.gpt import GPT, GPTSettings
from whyformer.registries import (
    attentions,
    constraints,
    feedforwards,
    metrics,
    norms,
    optimizers,
    positions,
    schedules,
    score_scalings,
    units,
    wirings,
)
from whyformer.testing import (
    BrokenLaw,
    check_attention,
    check_constraint,
    check_feedforward,
    check_metric,
    check_model,
    check_norm,
    check_optimizer,
    check_positions,
    check_schedule,
    check_score_scaling,
    check_units,
    check_wiring,
)
from whyformer.text.units import Characters
from whyformer.training.schedules import without_end

EVERY = [
    (check, registry, name)
    for check, registry in (
        (check_positions, positions),
        (check_wiring, wirings),
        (check_norm, norms),
        (check_feedforward, feedforwards),
        (check_score_scaling, score_scalings),
    )
    for name in registry
]


@pytest.mark.parametrize(("check", "registry", "name"), EVERY)
def test_every_built_in_variant_obeys_the_laws(check, registry, name):
    state = torch.random.get_rng_state()
    check(registry[name], in_models=False)
    assert torch.equal(state, torch.random.get_rng_state())


@pytest.mark.parametrize("name", attentions)
def test_every_built_in_attention_obeys_the_laws(name):
    check_attention(attentions[name], kv_heads=1 if name != "multi-head" else None)


@pytest.mark.parametrize("name", schedules)
def test_every_built_in_schedule_obeys_the_laws(name):
    check_schedule(schedules[name])


@pytest.mark.parametrize("name", optimizers)
def test_every_built_in_optimizer_obeys_the_laws(name):
    check_optimizer(optimizers[name])
    assert "checked" not in optimizers


@pytest.mark.parametrize("name", constraints)
def test_every_built_in_constraint_obeys_the_laws(name):
    check_constraint(constraints[name])


@pytest.mark.parametrize("name", metrics)
def test_every_built_in_metric_obeys_the_laws(name):
    check_metric(metrics[name])


@pytest.mark.parametrize("name", [name for name, kind in units.items() if kind.learned])
def test_every_built_in_unit_obeys_the_laws(name):
    check_units(units[name])


@pytest.mark.parametrize(
    ("check", "kind"),
    [(check_positions, positions["relative"]), (check_wiring, wirings["deepnorm"])],
)
def test_variants_obey_the_laws_inside_of_models(check, kind):
    check(kind)


class FirstIsSpecial(Sinusoidal):
    """Its answer depends on where the computed sequence begins."""

    def embed(self, length, offset, like):
        found = super().embed(length, offset, like).clone()
        found[..., 0, :] += 1
        return found


class OneOffset(Sinusoidal):
    """It knows no offset of each row."""

    def embed(self, length, offset, like):
        return super().embed(length, offset if isinstance(offset, int) else 0, like)


class WrongShape(Positions):
    """A number for each key only."""

    def bias(self, queries, keys):
        return torch.zeros(1, self.heads, 1, keys)


class FromTheStart(Positions):
    """Takes the first query for position 0, whatever came before."""

    def bias(self, queries, keys):
        rows = torch.arange(queries)[:, None] - torch.arange(keys)
        return -rows.abs().float().expand(1, self.heads, queries, keys)


class KnowsTheEnd(Positions):
    """The bias of two positions depends on how many keys follow."""

    def bias(self, queries, keys):
        places = torch.arange(keys).float() / keys
        return places.expand(1, self.heads, queries, keys)


class InPlace(Positions):
    """Turns what it was given."""

    def rotate(self, x, offset):
        return x.mul_(2)


class Counts(Positions):
    """Keeps state that is saved with the model."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.register_buffer("calls", torch.zeros(()))

    def rotate(self, x, offset):
        self.calls += 1
        return x


class GrowsInInference(Positions):
    """Keeps a table that inference mode made, which no gradient can use."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.table = None

    def rotate(self, x, offset):
        if self.table is None:
            self.table = torch.full((1,), 2.0)
        return x * self.table


class Endless(Positions):
    """Divides by zero at the first position."""

    def embed(self, length, offset, like):
        first = offset if isinstance(offset, int) else offset[:, None]
        place = first + torch.arange(length)
        return (1 / place)[..., None].expand(*place.shape, self.d_model)


@pytest.mark.parametrize(
    ("kind", "law"),
    [
        (FirstIsSpecial, "must equal the last rows of"),
        (OneOffset, "with an offset for each row"),
        (WrongShape, r"`bias\(2, 2\)` must have the shape \(1, 2, 2, 2\)"),
        (FromTheStart, r"`bias\(1, 9\)` must equal the last rows of `bias\(9, 9\)`"),
        (KnowsTheEnd, "must not depend on the number of later"),
        (InPlace, "must not change its input"),
        (Counts, "must not change the saved state of the model, but `calls` changed"),
        (GrowsInInference, "training after a search must work"),
        (Endless, "must be finite"),
    ],
)
def test_a_broken_position_scheme_is_told_which_law_it_breaks(kind, law):
    with pytest.raises(BrokenLaw, match=rf"^{kind.__name__}: .*{law}"):
        check_positions(kind)


class LooksAround(Residual):
    """Mixes positions, which is attention's task."""

    def forward(self, x, sublayer):
        return self.norm(x + sublayer(x) + x.mean(1, keepdim=True))


class LooksAtTheBatch(PostNorm):
    """Centres over the rows of a batch."""

    def forward(self, x, sublayer):
        return super().forward(x - x.mean(0, keepdim=True), sublayer)


class Narrows(Residual):
    """Drops half of the stream."""

    def forward(self, x, sublayer):
        return x[..., ::2]


class Deaf(Residual):
    """Never calls the sub-layer."""

    def forward(self, x, sublayer):
        return self.norm(x)


class BatchNorm(nn.BatchNorm1d):
    """Normalises over the batch."""

    def forward(self, x):
        return (x - x.mean((0, 1))) / x.std((0, 1))


class WrongCount(FeedForward):
    """Says it has more matrices than it has."""

    matrices = 3


class Shares(Scaling):
    """Makes a key depend on the other keys."""

    def forward(self, Q, K):
        return Q, K - K.mean(2, keepdim=True), 1.0


class NoFactor(Scaling):
    """Forgets the factor."""

    def forward(self, Q, K):
        return Q, K


@pytest.mark.parametrize(
    ("check", "kind", "law"),
    [
        (check_wiring, LooksAround, "must not depend on other positions"),
        (check_wiring, LooksAtTheBatch, "must not depend on other rows"),
        (check_wiring, Narrows, "must have the shape"),
        (check_wiring, Deaf, "a gradient must reach the parameter"),
        (check_norm, BatchNorm, "must not depend on other positions"),
        (check_feedforward, WrongCount, "`matrices` is 3"),
        (check_score_scaling, Shares, "a key must not depend on other keys"),
        (check_score_scaling, NoFactor, "must return queries, keys and a factor"),
    ],
)
def test_a_broken_layer_is_told_which_law_it_breaks(check, kind, law):
    with pytest.raises(BrokenLaw, match=rf"^{kind.__name__}: .*{law}"):
        check(kind)
    assert "checked" not in POSITIONS


class OnlyExplicit(MultiHeadAttention):
    """Doubles what the fused path gives."""

    def look(self, *args, **kwargs):
        found = super().look(*args, **kwargs)
        return found * 2 if self.path == "fused" else found


class TouchesKeys(Scaling):
    """Centres keys over positions before they are cached."""

    def keys(self, K):
        return K - K.mean(2, keepdim=True)


class LosesSpaces(Characters):
    """Decodes without spaces."""

    def decode(self, ids):
        return super().decode(ids).replace(" ", "")


class OrderMatters(Characters):
    """Learns from the first text only."""

    @classmethod
    def train(cls, units, texts, *, vocabulary, lowercase=False):
        return cls(units, sorted(set(next(iter(texts)))))


class SharesAMean(Constraint):
    """Lets one hypothesis change another."""

    def apply(self, scores, tokens):
        scores -= scores.mean(0, keepdim=True)


class NotInPlace(Constraint):
    """Returns new scores."""

    def apply(self, scores, tokens):
        return scores - 1


class Divides(Constraint):
    """Makes scores that are no numbers."""

    def apply(self, scores, tokens):
        scores[:, 5] = float("nan")


class AtRandom(Constraint):
    """Forbids a token at random."""

    def apply(self, scores, tokens):
        scores[:, 5] += random.random()


class Lengths:
    """Counts characters; a base for broken metrics."""

    name, unit, higher_is_better, interval = "lengths", "characters", True, IntervalKind.BOOTSTRAP

    def signature(self, references):
        return "lengths"

    def statistics(self, hypotheses, references):
        pairs = zip(hypotheses, references, strict=True)
        return np.array([[len(one) == len(answers[0])] for one, answers in pairs])

    def value(self, sums):
        return float(sums[0])


class OfAllLines(Lengths):
    def statistics(self, hypotheses, references):
        return super().statistics(hypotheses, references) - sum(map(len, hypotheses))


class UpsideDown(Lengths):
    higher_is_better = False


class OneRow(Lengths):
    def statistics(self, hypotheses, references):
        return super().statistics(hypotheses, references).sum(axis=0)


class Undefined(Lengths):
    def value(self, sums):
        return float("nan")


def negative(step, *, total, warmup, d_model):
    return 1 - step


@without_end
def ends_after_all(step, *, total, warmup, d_model):
    return step / total


def endless(step, *, total, warmup, d_model):
    return float("inf") if step == 1.5 else 1.0


class Grows(torch.optim.SGD):
    """Goes uphill."""

    def step(self, closure=None):
        for group in self.param_groups:
            group["lr"] = -group["lr"]
        super().step(closure)


class OwnRate(torch.optim.SGD):
    """Has a rate of its own."""

    def step(self, closure=None):
        for group in self.param_groups:
            group["lr"] = 0.01
        super().step(closure)


class KeepsNumbers(torch.optim.SGD):
    """Counts in a Python number, which no checkpoint holds."""

    def step(self, closure=None):
        super().step(closure)
        for group in self.param_groups:
            for one in group["params"]:
                self.state[one]["count"] = 1


class ForgetsItsStep(torch.optim.SGD):
    """Counts its updates outside of its state."""

    updates = 0

    def step(self, closure=None):
        self.updates += 1
        for group in self.param_groups:
            group["lr"] *= 1 + self.updates / 100
        super().step(closure)


def making(kind):
    def maker(model):
        return kind(model.parameters(), lr=1.0)

    maker.__name__ = kind.__name__
    return maker


@pytest.mark.parametrize(
    ("check", "subject", "law"),
    [
        (check_attention, OnlyExplicit, "the fused and the explicit path"),
        (
            check_score_scaling,
            TouchesKeys,
            "`keys` of a position must not depend on other positions",
        ),
        (check_constraint, SharesAMean, "must not depend on other hypotheses"),
        (check_constraint, NotInPlace, "in place and return nothing, but it returned Tensor"),
        (check_constraint, Divides, "must stay numbers"),
        (check_constraint, AtRandom, "hypothes"),
        (check_metric, OfAllLines, "must not depend on other lines"),
        (check_metric, UpsideDown, "correct answers must not be worse"),
        (check_metric, OneRow, "must be an array of 4 rows"),
        (check_metric, Undefined, "`value` must be finite"),
        (check_units, LosesSpaces, "`decode` of `encode` must equal `normalize`"),
        (check_units, OrderMatters, "must not depend on the order of the texts"),
        (check_schedule, negative, "must be a finite number of at least 0, but it is -0.5"),
        (check_schedule, endless, "must be a finite number of at least 0, but it is inf"),
        (check_schedule, ends_after_all, "must not depend on the number of updates"),
        (check_optimizer, making(Grows), "the loss must fall"),
        (check_optimizer, making(OwnRate), "a learning rate of 0 must not change"),
        (check_optimizer, making(KeepsNumbers), "its state must consist of tensors, but `count`"),
        (check_optimizer, making(ForgetsItsStep), "a resumed run must equal"),
    ],
)
def test_what_breaks_a_law_is_told_which(check, subject, law):
    with pytest.raises(BrokenLaw, match=rf"^{subject.__name__}: .*{law}"):
        check(subject)


def writer() -> GPT:
    torch.manual_seed(0)
    small = {"layers": 1, "d_model": 8, "heads": 2, "d_ff": 8, "dropout": 0.0}
    return GPT(GPTSettings(**small), (13, 13))


class LooksAhead(GPT):
    """Adds the mean of all positions."""

    def features(self, *args, **kwargs):
        found = super().features(*args, **kwargs)
        return found + found.mean(1, keepdim=True)


class Forgets(GPT):
    """Begins anew at every step."""

    def step(self, state, tokens):
        begun = self.begin(torch.zeros(len(tokens), 1, dtype=torch.long), None)
        beams = torch.zeros(tokens.shape, dtype=torch.long)
        logits, _ = super().step(self.select(begun, None, beams), tokens)
        return logits, state


class Unused(GPT):
    """Has a parameter that nothing reads."""

    def __init__(self, *args):
        super().__init__(*args)
        self.spare = nn.Parameter(torch.zeros(2))


@pytest.mark.parametrize(
    ("kind", "law"),
    [
        (LooksAhead, "must not depend on later tokens"),
        (Forgets, "decoding step by step must give the logits of the whole target"),
        (Unused, "a gradient must reach the parameter `spare`"),
    ],
)
def test_a_broken_model_is_told_which_law_it_breaks(kind, law):
    settings = writer().settings
    model = kind(settings, (13, 13))
    with pytest.raises(BrokenLaw, match=rf"^{kind.__name__}: .*{law}"):
        check_model(model)


def test_a_model_is_left_as_it_was():
    model = writer()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    check_model(model)
    assert model.training
    assert all(p.grad is None for p in model.parameters())
    assert all(torch.equal(before[name], one) for name, one in model.state_dict().items())


class Nothing(Positions):
    """Overrides no method, perhaps because its name is misspelt."""


class DoubleBias(Positions):
    def bias(self, queries, keys):
        return torch.zeros(1, self.heads, queries, keys, dtype=torch.float64)


class RotatesWithoutOffset(Positions):
    def rotate(self, x):
        return x


class ForgetsToBegin(Positions):
    def __init__(self, d_model, d_k, heads, *, causal, max_length):
        self.slope = torch.nn.Parameter(torch.zeros(heads))

    def bias(self, queries, keys):
        return torch.zeros(1, self.heads, queries, keys)


def divides(step, *, total, warmup, d_model):
    return max(0.0, (total - step) / (total - warmup))


def other_arguments(step, settings):
    return 1.0


@pytest.mark.parametrize(
    ("check", "subject", "sentence"),
    [
        (check_positions, Nothing, "Nothing: it must override `embed`, `rotate` or `bias`"),
        (check_positions, DoubleBias, "DoubleBias: .*RuntimeError.*dtype"),
        (check_positions, RotatesWithoutOffset, "RotatesWithoutOffset: .*TypeError: .*rotate"),
        (check_positions, ForgetsToBegin, "ForgetsToBegin: .*test_checks.py:.*AttributeError"),
        (check_schedule, divides, "divides: .*test_checks.py:.*ZeroDivisionError"),
        (check_schedule, other_arguments, "other_arguments: .*TypeError: .*'total'"),
    ],
)
def test_any_failure_of_a_variant_is_one_sentence(check, subject, sentence):
    with pytest.raises(BrokenLaw, match=rf"^{sentence}") as found:
        check(subject)
    assert "\n" not in str(found.value)
