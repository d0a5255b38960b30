"""What a program of this folder is: a table of methods, data, and a report.

Everything else is the same for all: cells in files that are not computed again, jobs,
progress (`runner`), arguments (`cli`), means over seeds, tables, publishing (`tables`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .context import Budget, Context, Outcome
from .data import DATA_SETS, DataSet, Problem, split

Row = dict[str, Any]


@dataclass(frozen=True)
class Method:
    """A way from labels to predictions, and its name in the tables.

    `only` tells which data sets it is for, None for all. `modules` are imported before
    the clock starts, where they are installed.
    """

    run: Callable[[Context], Outcome]
    text: str
    only: Callable[[DataSet], bool] | None = None
    modules: tuple[str, ...] = ()


@dataclass(frozen=True)
class Setting:
    """One program: what is computed, and what the report makes of it.

    Attributes
    ----------
    name : str
        Of the folder of its cells, and for ``--setting``.
    text : str
        What it measures, for ``--help``.
    methods : dict of str to Method
        In the order of the tables.
    budgets_of : callable
        Lists the budgets of a data set: what the labels of a cell are.
    title_of : callable
        Writes a budget as the head of a column.
    baseline : str
        The method that all are compared with.
    baseline_title : str
        What it is called in "minus ...".
    markdown : callable
        Writes the report of ``{"rows": ..., "checks": ...}`` and of the machine.
    check : callable
        Makes checks from the rows of one data set, classifier and budget.
    tell : callable
        Writes the checks as lines to print.
    report : str
        Stem of the report's files.
    figures : dict of str to callable
        Draws each file from the rows.
    data_sets : dict of str to DataSet
        In the order of the tables.
    n_seeds : dict of str to int
        Number of seeds where it is not ten.
    split : callable
        Makes the problem of a data set and seed.
    quick : dict of str to tuple
        The budgets of each data set that ``--quick`` runs.
    short_list : tuple of str
        The methods that are run with a classifier that is not the data set's own.
    """

    name: str
    text: str
    methods: Mapping[str, Method]
    budgets_of: Callable[[DataSet], Sequence[Budget]]
    title_of: Callable[[Budget], str]
    baseline: str
    baseline_title: str
    markdown: Callable[[dict[str, Any], dict[str, Any]], str]
    check: Callable[[list[Row]], list[Row]]
    tell: Callable[[list[Row]], list[str]]
    report: str
    figures: Mapping[str, Callable[[list[Row], Path], Path | None]] = field(
        default_factory=dict
    )
    data_sets: Mapping[str, DataSet] = field(default_factory=lambda: DATA_SETS)
    n_seeds: Mapping[str, int] = field(default_factory=dict)
    split: Callable[[str, int], Problem] = split
    quick: Mapping[str, tuple[Budget, ...]] = field(default_factory=dict)
    short_list: tuple[str, ...] = ()

    def order(self, name: str, classifier: str, budget: Budget, method: str) -> Any:
        """Return the place of a figure in the tables, to sort by."""
        budgets = list(self.budgets_of(self.data_sets[name]))
        return (
            list(self.data_sets).index(name),
            classifier,
            # Budgets of an earlier plan come last.
            budgets.index(budget) if budget in budgets else len(budgets),
            str(budget),
            list(self.methods).index(method),
        )
