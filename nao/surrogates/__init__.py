"""Regression from a few scored architectures, on the host: what predictors and strategies share.

- `feasibility`: the chance of an architecture to succeed, learnt from failures.
- `gaussian_process`: Gaussian process regression, its hyperparameters fitted by SciPy.
- `inducing_points`: the same for thousands of architectures.
- `score_transform`: what is learned in place of raw scores, and the way back.
"""
