"""The table of methods: edit it here, in one place."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from sklearn.linear_model import LogisticRegression
from sklearn.semi_supervised import LabelPropagation, LabelSpreading

from kmeans_labelprop import (
    KMeansLabelPropagator,
    PropagatedClassifier,
    PropagatedClassifierCV,
)

from .context import Context, Outcome, probabilities_of
from .data import DataSet
from .harness import Method
from .peers import (
    label_propagation,
    max_herding,
    poisson_learning,
    probcover,
    self_training,
    typiclust,
)

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
    # All labels are there, so that this is an experiment: the propagator reads those
    # of the representatives alone.
    problem = context.problem
    model.fit(problem.X_train, problem.y_train)
    return Outcome(
        model.predict(problem.X_test),
        model.training_indices_,
        model.training_labels_,
        probabilities=probabilities_of(model, problem.X_test),
    )


def original_recipe(context: Context) -> Outcome:
    """Cluster the features, label the closest, spread to the nearest 70 %."""
    propagator = KMeansLabelPropagator(
        context.n_labels,
        fraction=0.7,
        embedding=None,
        propagation="cluster",
        random_state=context.seed,
    )
    classifier = context.make_classifier()
    return _outcome(
        context, PropagatedClassifier(classifier, propagator, sample_weight=None)
    )


def neighbors(context: Context) -> Outcome:
    """Predict by the graph rule itself, without a classifier."""
    problem = context.problem
    propagator = context.propagator().fit(problem.X_train, problem.y_train)
    kept = propagator.sample_indices_
    return Outcome(
        propagator.predict(problem.X_test),
        kept,
        propagator.transduction_[kept],
        probabilities=probabilities_of(propagator, problem.X_test),
    )


def fixed_rule(propagation: str, fraction: float) -> Callable[[Context], Outcome]:
    """Make the method: one rule of the library, on its ready embedding."""

    def run(context: Context) -> Outcome:
        propagator = context.propagator(propagation=propagation, fraction=fraction)
        return _outcome(
            context, PropagatedClassifier(context.make_classifier(), propagator)
        )

    return run


def choosing(context: Context, scoring: str, n_clusters: int | None = None) -> Any:
    """Make the estimator that chooses between the library's rules."""
    cheap: dict[str, Any] = {}
    if context.problem.kind == "images" and context.problem.X_train.shape[1] > 500:
        # A linear model stands in for twenty networks while candidates are compared.
        cheap = {"selection_estimator": LogisticRegression(max_iter=100)}
    return PropagatedClassifierCV(
        context.make_classifier(),
        context.propagator(n_clusters),
        scoring=scoring,
        random_state=context.seed,
        **cheap,
    )


def told_of(model: PropagatedClassifierCV) -> dict[str, Any]:
    """Return what the choice was, for the record."""
    chosen = model.best_params_ | {"train_on": model.train_on_}
    return {
        "chosen": {name: str(value) for name, value in chosen.items()},
        "hidden_accuracy": model.best_accuracy_,
    }


def automatic(context: Context, scoring: str = "accuracy") -> Outcome:
    """Run the library's own choice between its rules."""
    model = choosing(context, scoring)
    outcome = _outcome(context, model)
    outcome.detail.update(told_of(model))
    return outcome


# ---------------------------------------------------------------- the table


def is_imbalanced(data_set: DataSet) -> bool:
    """Tell whether balanced accuracy is another matter than accuracy."""
    return data_set.imbalanced


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
    "neighbors": Method(neighbors, "graph rule, predicted by the neighbours"),
    "automatic": Method(automatic, "**chosen by the labels**"),
    "automatic_balanced": Method(
        partial(automatic, scoring="balanced_accuracy"),
        "the same, by balanced accuracy",
        only=is_imbalanced,
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
    "poisson": Method(
        poisson_learning(),
        "Poisson learning, then the classifier",
        modules=("graphlearning",),
    ),
    "poisson_descent": Method(
        poisson_learning(solver="gradient_descent"),
        "Poisson learning, gradient descent, then the classifier",
        modules=("graphlearning",),
    ),
    "poisson_representatives": Method(
        poisson_learning("representatives", solver="gradient_descent"),
        "Poisson learning, gradient descent, from representatives, then the classifier",
        modules=("graphlearning",),
    ),
    "typiclust": Method(typiclust, "TypiClust's choice", modules=("skactiveml.pool",)),
    "probcover": Method(probcover, "ProbCover's choice", modules=("skactiveml.pool",)),
    "max_herding": Method(
        max_herding, "MaxHerding's choice", modules=("skactiveml.pool",)
    ),
}

#: The strongest peer: from this library's representatives, so that only what is made of
#: the labels differs.
PEER = "spreading_tuned_representatives"
#: The automatic choice by what it is to be good at, and what it is compared with.
AUTOMATIC = {"accuracy": "automatic", "balanced": "automatic_balanced"}
BASELINE = "random"
FIXED_RULES = (
    "representatives",
    *(name for name in METHODS if name.startswith(("cluster_", "graph_"))),
    "neighbors",
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
