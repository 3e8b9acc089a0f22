"""The kind of data in files: pairs, labelled texts, labelled words, or text."""

from whyformer.data.survey.profile import Kind
from whyformer.recipes.recipe import DataSettings
from whyformer.workflows.auto.contents import task_of

KINDS = {
    "translate": Kind.PAIRS, "classify": Kind.LABELLED, "regress": Kind.LABELLED,
    "tag": Kind.TAGGED, "language": Kind.TEXT,
}  # fmt: skip
"""For each task that fits the files, the kind of the data."""


def kind_of(data: DataSettings) -> Kind:
    """Return the kind of data in the first file. Raises: DataError when it cannot be read."""
    return KINDS[task_of(data)[0]]
