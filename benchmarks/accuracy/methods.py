"""The table of methods: edit it here, in one place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import LabelPropagation, LabelSpreading

from kmeans_labelprop import KMeansLabelPropagator, PropagatedClassifierCV

from .context import REPRESENTATIVE, Context, Outcome, make_embedding
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


def _trained_on(context: Context, propagator: Any, X: Any) -> Outcome:
    # All labels are handed over as the oracle's answers: the propagator reads those
    # of the representatives alone.
    propagator.fit(X, context.problem.y_train)
    kept = propagator.sample_indices_
    return context.train(kept, propagator.transduction_[kept])


def original_recipe(context: Context) -> Outcome:
    """Cluster the features, label the closest, spread to the nearest 70 %."""
    propagator = KMeansLabelPropagator(
        context.budget,
        fraction=0.7,
        representative="closest",
        propagation="cluster",
        random_state=context.seed,
    )
    return _trained_on(context, propagator, context.problem.X_train)


def fixed_rule(propagation: str, fraction: float) -> Callable[[Context], Outcome]:
    """Make the method: one rule of the library, on its ready embedding."""

    def run(context: Context) -> Outcome:
        propagator = context.propagator(propagation=propagation, fraction=fraction)
        space, _ = context.space()
        return _trained_on(context, propagator, space)

    return run


def automatic(context: Context) -> Outcome:
    """Run the library's own choice between its rules as a user would, from X and y."""
    problem = context.problem
    propagator = KMeansLabelPropagator(
        context.budget,
        embedding=make_embedding(problem.X_train, context.seed),
        representative=REPRESENTATIVE,
        random_state=context.seed,
    )
    cheap: dict[str, Any] = {}
    if context.classifier_name in {"dense", "headline"}:
        # A hundred networks would take an hour: a linear model on the embedding, which
        # is fitted once, stands in for them while the candidates are compared.
        embedding = make_embedding(problem.X_train, context.seed)
        embedding.fit(problem.X_train)
        cheap["selection_estimator"] = make_pipeline(
            FrozenEstimator(embedding),
            StandardScaler(),
            LogisticRegression(max_iter=30),
        )
    model = PropagatedClassifierCV(
        context.make_classifier(), propagator, random_state=context.seed, **cheap
    )
    model.fit(problem.X_train, problem.y_train)
    kept = model.propagator_.sample_indices_
    return Outcome(
        model.predict(problem.X_test),
        kept,
        model.propagator_.transduction_[kept],
        {
            "chosen": {k: str(v) for k, v in model.best_params_.items()},
            "hidden_accuracy": model.best_accuracy_,
        },
    )


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
    "automatic": Method(automatic, "**library's default**"),
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

#: What the automatic choice is compared with.
AUTOMATIC = "automatic"
BASELINE = "random"
FIXED_RULES = (
    "representatives",
    *(name for name in METHODS if name.startswith(("cluster_", "graph_"))),
)
#: The methods of the second classifier and of the headline: the library's and its
#: baselines, and the strongest peers.
SHORT_LIST = (
    "random",
    "original",
    *FIXED_RULES,
    "automatic",
    "spreading_tuned_train",
    "poisson_descent",
    "typiclust",
)
