"""One round: as many labels as the budget says, of samples that each method chooses."""

from __future__ import annotations

from .figures import draw_budgets, draw_differences
from .harness import Setting
from .methods import BASELINE, METHODS, SHORT_LIST
from .report import check, markdown, tell

BUDGET = Setting(
    name="budget",
    text="nothing is labelled, and so many labels are paid for",
    methods=METHODS,
    budgets_of=lambda data_set: data_set.budgets,
    title_of=lambda budget: f"{budget} labels",
    baseline=BASELINE,
    baseline_title="random",
    markdown=lambda summary, machine: markdown(BUDGET, summary, machine),
    check=check,
    tell=tell,
    report="accuracy",
    figures={
        "accuracy_budgets.png": draw_budgets,
        "accuracy_differences.png": draw_differences,
    },
    quick={
        "digits": (50,),
        "penguins": (20,),
        "made_imbalanced": (50,),
        "made_misleading": (50,),
    },
    short_list=SHORT_LIST,
)
