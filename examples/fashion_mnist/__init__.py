"""The Fashion-MNIST experiments: what do clusters hold, how far do 100 labels go?

Run it from the repository's root::

    python -m examples.fashion_mnist --quick
    python -m examples.fashion_mnist

The first ends within a few minutes, the second makes the published figures.
"""
