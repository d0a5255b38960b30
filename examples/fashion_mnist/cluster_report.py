"""The section of the clusters: what the curve suggests, tables and text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from . import clusters
from .cluster_curve import RULES, list_ends, read_curve
from .report import mean_and_std, percent

#: Files of the figures, which the text shows where it speaks of them.
CURVE_FIGURE = "cluster_count.png"
RECLUSTERED_FIGURE = "clusters_again.png"

_SUMMARISED = ("purity", "n_leading", "inertia", "seconds")
_NAMES = {
    "inertia": "inertia",
    "silhouette": "silhouette",
    "calinski_harabasz": "Calinski-Harabasz index",
    "davies_bouldin": "Davies-Bouldin index",
}
_BEST = {"davies_bouldin": "lowest"}


def composition_figure(n_clusters: int) -> str:
    """Return the file of the histograms of so many clusters."""
    return f"clusters_{n_clusters}.png"


def summarise(cells: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Summarise the clusterings over their seeds, in order of appearance."""
    groups: dict[tuple[str, str, int], list[dict[str, Any]]] = {}
    for cell in cells:
        key = (cell["kind"], cell["space"], cell["n_clusters"])
        groups.setdefault(key, []).append(cell)
    return [
        {
            "kind": kind,
            "space": space,
            "n_clusters": n_clusters,
            "n_flat_clusters": group[0]["n_flat_clusters"],
            **{name: mean_and_std([c[name] for c in group]) for name in _SUMMARISED},
        }
        for (kind, space, n_clusters), group in groups.items()
    ]


def _find_row(
    part: dict[str, Any], kind: str, space: str, n_clusters: int
) -> dict[str, Any]:
    (row,) = (
        row
        for row in part["summary"]
        if (row["kind"], row["space"], row["n_clusters"]) == (kind, space, n_clusters)
    )
    return dict(row)


def _spread(figure: dict[str, float | None], digits: int) -> str:
    mean, std = figure["mean"], figure["std"]
    text = f"{mean:.{digits}f}"
    return text if std is None else f"{text} ± {std:.{digits}f}"


def _count(n_clusters: int | None) -> str:
    return "–" if n_clusters is None else str(n_clusters)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    rule = ["---"] + ["--:"] * (len(header) - 1)
    lines = ["| " + " | ".join(header) + " |", "|" + "|".join(rule) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def suggestions_table(part: dict[str, Any]) -> str:
    """Write what each score suggests, for each end of the curve."""
    ends = sorted({suggestion["end"] for suggestion in part["suggestions"]})
    header = ["score"]
    for end in ends:
        header += [f"2 … {end}", "single seeds"]
    rows = []
    for score, rule in RULES:
        row = [describe_rule(score, rule)]
        for end in ends:
            found = _suggestion(part, score, rule, end)
            each = ", ".join(_count(k) for k in found["each_seed"])
            row += [_count(found["n_clusters"]), each]
        rows.append(row)
    return _table(header, rows)


def describe_rule(score: str, rule: str) -> str:
    """Name a rule as the table and the text do."""
    if rule == "best":
        rule = _BEST.get(score, "highest")
    return f"{_NAMES[score]}, {rule}"


def _suggestion(part: dict[str, Any], score: str, rule: str, end: int) -> Any:
    return next(
        suggestion
        for suggestion in part["suggestions"]
        if (suggestion["score"], suggestion["rule"], suggestion["end"])
        == (score, rule, end)
    )


def curve_notes(part: dict[str, Any]) -> str:
    """Write what the curve says, beside what the report found."""
    curve = read_curve(part)
    ends = list_ends(part)
    reported = clusters.REPORT_SUGGESTED
    agreeing = [
        describe_rule(score, rule)
        for score, rule in RULES
        if _suggestion(part, score, rule, ends[0])["n_clusters"] == reported
    ]
    sentences = [
        f"The report's elbow and silhouette suggested {reported} clusters. "
        + (
            f"Here these do, of the scores up to {ends[0]}: {'; '.join(agreeing)}."
            if agreeing
            else "Here none of the scores does."
        )
    ]
    knees = [_suggestion(part, "inertia", "knee", end)["n_clusters"] for end in ends]
    if len(set(knees)) > 1:
        sentences.append(
            f"The elbow depends on where one stops: a curve that ends at {ends[0]} has "
            f"its knee at {_count(knees[0])}, one that ends at {ends[-1]} at "
            f"{_count(knees[-1])}."
        )
    best = curve.best["silhouette"]
    assert best is not None
    silhouettes = dict(
        zip(curve.n_clusters.tolist(), curve.values["silhouette"], strict=True)
    )
    at_best, at_reported = (
        _spread(mean_and_std(silhouettes[k].tolist()), 4) for k in (best, reported)
    )
    sentences.append(
        f"The silhouette is {at_best} at its best, {best} clusters, and {at_reported} "
        f"at {reported}; of clusters that stand apart it would come near 1. (*Next "
        "peak* is the highest point above both its neighbours, but for the best. It "
        "was looked for with the report's number and this curve in sight, and so "
        "confirms nothing by itself.) "
        "These scores alone do not settle the number."
    )
    return " ".join(sentences)


def curve_setting(part: dict[str, Any]) -> str:
    """Write how the curve was made, and what it cost."""
    settings, curve = part["settings"], read_curve(part)
    counts = curve.n_clusters.tolist()
    seconds = curve.fit_times + curve.score_times
    shown = (clusters.REPORT_SUGGESTED, *list_ends(part))
    costs = [
        f"{seconds[counts.index(k)].mean():.1f} s at {k}" for k in dict.fromkeys(shown)
    ]
    error = curve.sampling_error["silhouette"].max()
    n_seeds = settings["n_seeds"]
    return (
        f"K-means of {settings['n_train']:,} training images in their first "
        f"{settings['n_components']} principal components, which keep "
        f"{100 * part['embedding']['explained_variance']:.1f} % of the variance; "
        f"{n_seeds} seed{'s' if n_seeds > 1 else ''}. Silhouettes are those of "
        f"{settings['silhouette_sample']:,} images: standard error at most "
        f"{error:.3f}. One clustering with its scores took {', '.join(costs)} "
        f"clusters, all {seconds.size} together {seconds.sum() / 60:.1f} minutes, the "
        f"components {part['embedding']['seconds']:.1f} s."
    )


def purity_table(part: dict[str, Any]) -> str:
    """Write purity and cost by the number of clusters, in both spaces."""
    spaces = (clusters.COMPONENTS, clusters.PIXELS)
    rows = {
        (row["space"], row["n_clusters"]): _figures(row)
        for row in part["summary"]
        if row["kind"] == clusters.KMEANS
    }
    header = ["clusters"]
    for space in spaces:
        header += [f"{space}: purity, %", "leading categories", "s"]
    lines = []
    for k in sorted({k for _, k in rows}):
        line = [str(k)]
        for space in spaces:
            line += rows.get((space, k), ["", "", ""])
        lines.append(line)
    return _table(header, lines)


def _figures(row: dict[str, Any]) -> list[str]:
    return [
        percent(row["purity"]),
        _spread(row["n_leading"], 1),
        _spread(row["seconds"], 1),
    ]


def purity_notes(part: dict[str, Any]) -> str:
    """Write how to read the purities, and what they say of the report's numbers."""
    five, seven = clusters.REPORT_COUNTS
    most = max(
        (row for row in part["summary"] if row["space"] == clusters.COMPONENTS),
        key=lambda row: row["n_clusters"],
    )
    return (
        "The training images are clustered; the 10,000 test images are counted in the "
        "clusters that they fall into. *Purity* is the share of them that belong to "
        "the most frequent category of their cluster. *Leading categories*, of ten, "
        "are those that are the most frequent of some cluster; a cluster has only one, "
        f"so {five} clusters leave at least {10 - five} categories without any, and "
        f"{seven} at least {10 - seven}. Purity goes on rising, to "
        f"{percent(most['purity'])} % with {most['n_clusters']} clusters: for "
        "spreading labels the number is a matter of how many labels one can pay for "
        "rather than of an elbow. The histograms are those of pixels, seed 0."
    )


def reclustering_table(part: dict[str, Any]) -> str:
    """Write what clustering again changes, beside as many clusters at once."""
    k, n = clusters.REPORT_RECLUSTERED, clusters.N_RECLUSTERED
    rows = [
        (name, _find_row(part, kind, clusters.PIXELS, n_clusters))
        for name, kind, n_clusters in (
            (f"{k} clusters", clusters.KMEANS, k),
            (f"each of the {k} again", clusters.EACH_AGAIN, k),
            ("again where inertia falls most", clusters.BEST_AGAIN, k),
            (f"{n} clusters at once", clusters.KMEANS, n),
        )
    ]
    before = rows[0][1]["inertia"]["mean"]
    lines = []
    for name, row in rows:
        purity, leading, seconds = _figures(row)
        inertia = f"{100 * row['inertia']['mean'] / before:.1f}"
        lines.append(
            [name, str(row["n_flat_clusters"]), purity, leading, inertia, seconds]
        )
    header = ["clustering of pixels", "clusters", "purity, %", "leading categories"]
    return _table([*header, f"inertia, % of that of {k}", "s"], lines)


def reclustering_notes(part: dict[str, Any]) -> str:
    """Write how clustering again compares."""
    k, n = clusters.REPORT_RECLUSTERED, clusters.N_RECLUSTERED
    again, once = (
        [
            cell["purity"]
            for cell in part["cells"]
            if (cell["kind"], cell["space"], cell["n_clusters"])
            == (kind, clusters.PIXELS, n_clusters)
        ]
        for kind, n_clusters in ((clusters.EACH_AGAIN, k), (clusters.KMEANS, n))
    )
    gains = [100 * (a - b) for a, b in zip(once, again, strict=True)]
    gain = mean_and_std(gains if sum(gains) > 0 else [-gain for gain in gains])
    if sum(gains) > 0:
        comparison = (
            f"{n} clusters at once are {_spread(gain, 1)} points purer, seed by seed, "
            f"than the {k} clustered again, whose first borders stay as they are."
        )
    else:
        comparison = (
            f"The {k} clustered again are {_spread(gain, 1)} points purer, seed by "
            f"seed, than {n} clusters at once."
        )
    return (
        "Which clusters the report clustered again, and into how many, is not known. "
        f"Here it is each of the {k}, into {clusters.N_SUBCLUSTERS}; and, as another "
        f"way to {n}, whichever split in two lowers the inertia most, {n - k} times. "
        f"{comparison} The seconds are those of both levels; they depend on what else "
        "the machine does."
    )


def clusters_markdown(part: dict[str, Any]) -> str:
    """Write the section of the clusters, with its figures."""
    five, seven = clusters.REPORT_COUNTS
    versions = ", ".join(f"{name} {v}" for name, v in part["versions"].items())
    return "\n\n".join(
        [
            "## What the clusters hold",
            "### How many clusters",
            curve_setting(part),
            suggestions_table(part),
            curve_notes(part),
            f"![Scores against the number of clusters]({CURVE_FIGURE})",
            "### Categories in the clusters",
            purity_table(part),
            purity_notes(part),
            f"![Categories in {five} clusters]({composition_figure(five)})",
            f"![Categories in {seven} clusters]({composition_figure(seven)})",
            "### Clustering again",
            reclustering_table(part),
            reclustering_notes(part),
            f"![Categories before and after clustering again]({RECLUSTERED_FIGURE})",
            f"Made by `{part['command']}` with {versions}.\n",
        ]
    )
