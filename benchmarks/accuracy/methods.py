"""The table of methods: edit it here, in one place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from sklearn.linear_model import LogisticRegression
from sklearn.semi_supervised import LabelPropagation, LabelSpreading

from kmeans_labelprop import (
    KMeansLabelPropagator,
    PropagatedClassifier,
    PropagatedClassifierCV,
)

from .context import Context, Outcome
from .peers import (
    label_propagation,
    poisson_learning,
    probcover,
    self_training,
    typiclust,
)


@dataclass(frozen=True)
class Method:
    """A way from a budget of labels to predictions, and its name in the tables."""

    run: Callable[[Context], Outcome]
    text: str
    only_imbalanced: bool = False


# ---------------------------------------------------------------- labels alone


def random_labels(context: Context) -> Outcome:
    """Train on samples drawn at random."""
    positions = context.random_positions()
    return context.train(positions, context.problem.y_train[positions])


def representatives_only(context: Context) -> Outcome:
    """Train on the library's representatives."""
    positions = context.representatives()
    return context.train(positions, context.problem.y_train[positions])


# ---------------------------------------------------------------- this library


def _outcome(context: Context, model: Any) -> Outcome:
    # All labels are handed over as the oracle's answers: the propagator reads those
    # of the representatives alone.
    model.fit(context.problem.X_train, context.problem.y_train)
    y_pred = model.predict(context.problem.X_test)
    return Outcome(y_pred, model.training_indices_, model.training_labels_)


def original_recipe(context: Context) -> Outcome:
    """Cluster the features, label the closest, spread to the nearest 70 %."""
    propagator = KMeansLabelPropagator(
        context.budget,
        fraction=0.7,
        representative="closest",
        propagation="cluster",
        random_state=context.seed,
    )
    classifier = context.make_classifier()
    return _outcome(
        context, PropagatedClassifier(classifier, propagator, sample_weight=None)
    )


def fixed_rule(propagation: str, fraction: float) -> Callable[[Context], Outcome]:
    """Make the method: one rule of the library, on its ready embedding."""

    def run(context: Context) -> Outcome:
        propagator = context.propagator(propagation=propagation, fraction=fraction)
        return _outcome(
            context, PropagatedClassifier(context.make_classifier(), propagator)
        )

    return run


def automatic(context: Context, scoring: str = "accuracy") -> Outcome:
    """Run the library's own choice between its rules."""
    cheap: dict[str, Any] = {}
    if context.problem.kind == "images" and context.problem.X_train.shape[1] > 500:
        # A hundred networks would take an hour: a linear model on the embedding stands
        # in for them while the candidates are compared.
        cheap = {
            "selection_estimator": LogisticRegression(max_iter=100),
            "selection_space": "embedding",
            "selection_max_samples": 2_000,
        }
    model = PropagatedClassifierCV(
        context.make_classifier(),
        context.propagator(),
        scoring=scoring,
        random_state=context.seed,
        **cheap,
    )
    outcome = _outcome(context, model)
    outcome.detail.update(
        chosen={name: str(value) for name, value in model.best_params_.items()},
        hidden_accuracy=model.best_accuracy_,
    )
    return outcome


# ---------------------------------------------------------------- the table

#: In the order of the report. The names are those of `--methods` and of the folders.
METHODS: dict[str, Method] = {
    "random": Method(random_labels, "random labels"),
    "representatives": Method(representatives_only, "representatives only"),
    "original": Method(original_recipe, "original recipe"),
    **{
        f"{rule}_{percent}": Method(
            fixed_rule(rule, percent / 100), f"{rule} rule, {percent} %"
        )
        for rule in ("cluster", "graph")
        for percent in (30, 70, 100)
    },
    "automatic": Method(automatic, "**chosen by the labels**"),
    "automatic_balanced": Method(
        partial(automatic, scoring="balanced_accuracy"),
        "the same, by balanced accuracy",
        only_imbalanced=True,
    ),
    "spreading": Method(label_propagation(LabelSpreading), "LabelSpreading"),
    "spreading_tuned": Method(
        label_propagation(LabelSpreading, tuned=True), "LabelSpreading, tuned"
    ),
    "spreading_tuned_train": Method(
        label_propagation(LabelSpreading, tuned=True, then_train=True),
        "LabelSpreading, tuned, then the classifier",
    ),
    "spreading_tuned_representatives": Method(
        label_propagation(LabelSpreading, "representatives", tuned=True),
        "LabelSpreading, tuned, from representatives",
    ),
    "propagation": Method(label_propagation(LabelPropagation), "LabelPropagation"),
    "propagation_tuned": Method(
        label_propagation(LabelPropagation, tuned=True),
        "LabelPropagation, tuned",
    ),
    "self_training": Method(self_training(), "SelfTrainingClassifier"),
    "self_training_tuned": Method(
        self_training(tuned=True), "SelfTrainingClassifier, tuned"
    ),
    "self_training_representatives": Method(
        self_training("representatives"),
        "SelfTrainingClassifier, from representatives",
    ),
    "poisson": Method(poisson_learning(), "Poisson learning, then the classifier"),
    "poisson_descent": Method(
        poisson_learning(solver="gradient_descent"),
        "Poisson learning, gradient descent, then the classifier",
    ),
    "poisson_representatives": Method(
        poisson_learning("representatives", solver="gradient_descent"),
        "Poisson learning, gradient descent, from representatives, then the classifier",
    ),
    "typiclust": Method(typiclust, "TypiClust's choice"),
    "probcover": Method(probcover, "ProbCover's choice"),
}

#: The automatic choice by what it is to be good at, and what it is compared with.
AUTOMATIC = {"accuracy": "automatic", "balanced": "automatic_balanced"}
BASELINE = "random"
FIXED_RULES = (
    "representatives",
    *(name for name in METHODS if name.startswith(("cluster_", "graph_"))),
)
#: The methods of a second classifier: the library's and its baselines, and the
#: strongest peers.
SHORT_LIST = (
    "random",
    "original",
    *FIXED_RULES,
    *AUTOMATIC.values(),
    "spreading_tuned_train",
    "poisson_descent",
    "typiclust",
)
