"""Predictors f: what reads a score off an embedding.

`mlp` is the paper's: a feed-forward network on the mean embedding, fitted together with E and D.
`gaussian_process` is conditioned on the embeddings of all scored architectures, and knows how sure it is.
"""
