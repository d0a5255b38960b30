"""The choice between ways to propagate and to predict, by hiding given labels."""
