"""f as in the paper: a feed-forward network on the mean embedding.

Axis letters: B strings, S steps of the encoder, d hidden units, F features.
"""

import dataclasses
import itertools
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from nao.core import SearchSpace
from nao.encoders.networks import Initializer, Linear
from nao.encoders.predictors.features import root_features
from nao.pytree import STATIC, pytree
from nao.settings import at_least, check


@dataclasses.dataclass(frozen=True, kw_only=True)
class MLPConfig:
    """The feed-forward predictor. Slide, paper, code: see `nao.encoders.networks`.

    Attributes:
      hidden: sizes of the hidden layers.
      dropout: share of hidden units that are dropped while fitting.
      features: f reads the features of the space beside the mean embedding.
      sigmoid: f ends in a sigmoid.
      targets: what f learns: scores scaled to [0, 1], or the normal quantiles of their ranks.
    """

    # Slide and paper: a feed-forward network. Code: three layers of 200, dropout 0.1.
    hidden: tuple[int, ...] = (200, 200, 200)
    dropout: float = 0.1
    # Slide, paper, code: the mean embedding alone.
    features: bool = False
    # Code: sigmoid on min-max targets. Slide and paper do not say.
    sigmoid: bool = True
    targets: Literal["min-max", "normal"] = "min-max"

    def __post_init__(self) -> None:
        check(self, "encoder.predictor", dropout=at_least(0, at_most=0.99))

    def read(self, space: SearchSpace, tokens: Int[np.ndarray, "B T"]) -> Float[np.ndarray, "B F"]:
        """The features of strings, if f reads them."""
        return root_features(space, tokens) if self.features else np.zeros((len(tokens), 0))


@pytree
@dataclasses.dataclass(frozen=True)
class MLP:
    """f: a feed-forward network on the mean embedding, and on F features if it reads them."""

    layers: tuple[Linear, ...]
    dropout: float = dataclasses.field(metadata=STATIC)
    sigmoid: bool = dataclasses.field(metadata=STATIC)
    num_features: int = dataclasses.field(default=0, metadata=STATIC)

    @classmethod
    def create(cls, config: MLPConfig, d: int, space: SearchSpace, draw: Initializer) -> "MLP":
        """First weights, for embeddings of d hidden units."""
        any_string = space.grammar.sample(np.random.default_rng(0), 1).astype(np.int32)
        F = config.read(space, any_string).shape[1]
        sizes = itertools.pairwise((d + F, *config.hidden, 1))
        layers = tuple(Linear.create(m, n, draw) for m, n in sizes)
        return cls(layers, config.dropout, config.sigmoid, F)

    def __call__(
        self, mean: Float[Array, "B d"], features: Float[Array, "B _"], key: Key[Array, ""] | None = None
    ) -> Float[Array, " B"]:
        """Predicted targets; a key switches dropout on."""
        x = jnp.concatenate([mean, features[:, : self.num_features]], axis=1)
        for n, layer in enumerate(self.layers[:-1]):
            x = jax.nn.relu(layer(x))
            if key is not None and self.dropout > 0:
                keep = jax.random.bernoulli(jax.random.fold_in(key, n), 1 - self.dropout, x.shape)
                x = jnp.where(keep, x / (1 - self.dropout), 0.0)
        s = self.layers[-1](x)[:, 0]
        return jax.nn.sigmoid(s) if self.sigmoid else s

    def posterior(
        self, mean: Float[Array, "B d"], h: Float[Array, "B S d"], features: Float[Array, "B _"]
    ) -> tuple[Float[Array, " B"], Float[Array, " B"]]:
        """The prediction, and 0: a network does not know how sure it is."""
        value = self(mean, features)
        return value, jnp.zeros_like(value)

    def read(self, space: SearchSpace, tokens: Int[np.ndarray, "B T"]) -> Float[np.ndarray, "B F"]:
        """The features of strings, if it reads any."""
        return root_features(space, tokens) if self.num_features else np.zeros((len(tokens), 0))

    def learned(self) -> "MLP":
        """What has to be kept of it: everything."""
        return self
