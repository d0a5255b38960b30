"""
How right are the labels? An audit
==================================

Nobody knows the true labels of the samples that were not asked about. A few extra
labels, of samples drawn at random, tell how right the propagated ones are, and how sure
that is.
"""

# %%
# Thirty labels for 1,797 images of digits. `y` plays the person who labels.

from sklearn.datasets import load_digits

from kmeans_labelprop import KMeansLabelPropagator
from kmeans_labelprop.inspection import AuditDisplay, FractionCurveDisplay
from kmeans_labelprop.model_selection import audit_propagation, draw_audit

X, y = load_digits(return_X_y=True)
propagator = KMeansLabelPropagator(n_clusters=30, random_state=0).fit(X, y)

# %%
# Two hundred more are checked, drawn at random from those with a propagated label.

positions = draw_audit(propagator, 200, random_state=0)
audit = audit_propagation(propagator, positions, y[positions])
print(audit.summary(target=0.95))

# %%
# The line is the estimate, the band its confidence interval. It is wide where few of
# those kept were audited. Each interval holds by itself; the largest fraction is found
# by a sequence of tests that holds as a whole.

display = AuditDisplay(audit, target=0.95).plot()

# %%
# Here all labels are known, and the truth can be drawn beside the estimate.

display = AuditDisplay(audit).plot(name="audit")
FractionCurveDisplay.from_estimator(propagator, y, ax=display.ax_, name="truth")

# %%
# The audited labels are paid for, so they are given back, by position. Nothing is
# clustered or asked again. (A warning counts those that differ from all their
# neighbours: images that are hard to read, here.)

before = (propagator.transduction_ == y).mean()
propagator.propagate(dict(zip(positions.tolist(), y[positions], strict=True)))
after = (propagator.transduction_ == y).mean()
print(f"{before:.1%} of all labels were right, now {after:.1%}")
print(propagator.summary())
