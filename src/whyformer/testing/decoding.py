"""Check the laws of a decoding constraint; see `whyformer.decoding.constraints.Constraint`."""

import torch

from whyformer.decoding.constraints import CONSTRAINTS, Constraint, constraints_of
from whyformer.decoding.settings import SearchSettings
from whyformer.testing.laws import name_of, repeatable, require, stating_failures
from whyformer.testing.models import registered

ROWS, VOCABULARY, FIRST_WORD = 4, 300, 261


@stating_failures
def check_constraint(kind: type[Constraint]) -> None:
    """Check a decoding constraint.

    Laws: `apply` changes the scores in place and returns nothing. Scores never become NaN or plus
    infinity. The scores of a hypothesis do not depend on other hypotheses, so that the output does
    not depend on the batch. The same hypothesis always has the same scores.
    Raises: BrokenLaw for the first law that does not hold.
    """
    name = name_of(kind)
    with registered(CONSTRAINTS, kind) as chosen, repeatable() as draws:
        settings = SearchSettings(constraints=[chosen], no_repeat_ngram=2, min_length=2)
        (constraint,) = [one for one in constraints_of(settings) if type(one) is kind]
        for length in (1, 5):
            tokens = torch.randint(FIRST_WORD, VOCABULARY, (ROWS, length), generator=draws)
            scores = torch.randn(ROWS, VOCABULARY, generator=draws).log_softmax(-1)
            where = f"{ROWS} hypotheses, length {length}"
            together = scores.clone()
            answer = constraint.apply(together, tokens)
            law = "`apply` must change the scores in place and return nothing"
            require(answer is None, name, law, f"it returned {type(answer).__name__}")
            bad = bool(together.isnan().any() or (together == torch.inf).any())
            law = "scores must stay numbers or become minus infinity"
            require(not bad, name, law, f"some are NaN or plus infinity ({where})")
            for row in range(ROWS):
                alone = scores[row : row + 1].clone()
                constraint.apply(alone, tokens[row : row + 1])
                law = "the scores of a hypothesis must not depend on other hypotheses"
                same = torch.equal(alone[0], together[row])
                require(same, name, law, f"row {row + 1} has other scores alone ({where})")
            again = scores.clone()
            constraint.apply(again, tokens)
            law = "the same hypotheses must always have the same scores"
            require(torch.equal(again, together), name, law, f"they differ ({where})")
