"""The three networks of Neural Architecture Optimization: encoder E, predictor f, decoder D.

Axis letters: B strings, T tokens of a string, S steps of the encoder (T, or T / group), V vocabulary, d
hidden units, g tokens of a step, G = 4 d gates. Tokens enter as one-hot rows: an embedding followed by the
input weights of an LSTM is one small table [V, G], and its gradient is then a product instead of a scatter.
"""

import dataclasses
import itertools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jaxtyping import Array, Float, Int, Key

from nao.encoders.configuration import Configuration
from nao.encoders.lstm import lstm


@dataclasses.dataclass(frozen=True)
class Sizes:
    """What the networks need to know of a search space.

    Attributes:
      length: T, tokens of a string.
      vocabulary: V.
      group: tokens that make one step of the encoder.
    """

    length: int
    vocabulary: int
    group: int

    @property
    def steps(self) -> int:
        """S, the steps of the encoder."""
        return self.length // self.group


class Start:
    """Draws the first weights, uniform, in the order in which they are asked for."""

    def __init__(self, configuration: Configuration, rng: np.random.Generator) -> None:
        self.bound = configuration.initial
        self.rng = rng

    def kernel(self, *shape: int) -> nnx.Param[Array]:
        """`shape` weights whose last but one axis is summed over."""
        bound = (3 / shape[-2]) ** 0.5 if self.bound is None else self.bound
        return nnx.Param(jnp.asarray(self.rng.uniform(-bound, bound, shape), jnp.float32))

    def bias(self, size: int) -> nnx.Param[Array]:
        """`size` biases; zero under variance scaling."""
        bound = self.bound or 0.0
        return nnx.Param(jnp.asarray(self.rng.uniform(-bound, bound, size), jnp.float32))


def unit(x: Float[Array, "*B d"]) -> Float[Array, "*B d"]:
    """Rows scaled to length 1."""
    return x * jax.lax.rsqrt(jnp.sum(x * x, axis=-1, keepdims=True) + 1e-12)


class Table(nnx.Module):
    """Embedding of tokens and the input weights of an LSTM."""

    def __init__(self, tokens: int, width: int, group: int, d: int, start: Start) -> None:
        self.embedding = start.kernel(tokens, width)
        self.inputs = start.kernel(group, width, 4 * d)
        self.bias = start.bias(4 * d)
        self.recurrent = start.kernel(d, 4 * d)

    def rows(self) -> Float[Array, "gV G"]:
        """What each token at each place of a step adds to the gates."""
        rows = jnp.einsum("ve,gef->gvf", self.embedding[...], self.inputs[...])
        return rows.at[0].add(self.bias[...][None]).reshape(-1, rows.shape[-1])

    def __call__(self, tokens: Int[Array, "B S g"]) -> Float[Array, "S B G"]:
        """The input to the gates at every step; tokens of one step are embedded side by side."""
        one_hot = jax.nn.one_hot(jnp.swapaxes(tokens, 0, 1), self.embedding.shape[0])  # [S, B, g, V]
        return one_hot.reshape(*one_hot.shape[:2], -1) @ self.rows()


class Linear(nnx.Module):
    """x W + b."""

    def __init__(self, inputs: int, outputs: int, start: Start) -> None:
        self.kernel = start.kernel(inputs, outputs)
        self.bias = start.bias(outputs)

    def __call__(self, x: Float[Array, "*B m"]) -> Float[Array, "*B n"]:
        """`[..., m]` to `[..., n]`."""
        y = x @ self.kernel[...]
        return y + jnp.broadcast_to(self.bias[...], y.shape)


class Encoder(nnx.Module):
    """E: a single-layer LSTM; the embedding of a string is all of its hidden states."""

    def __init__(self, configuration: Configuration, sizes: Sizes, start: Start) -> None:
        self.unit = configuration.unit
        self.group = sizes.group
        self.table = Table(
            sizes.vocabulary,
            configuration.embedding,
            sizes.group,
            configuration.width,
            start,
        )

    def __call__(self, tokens: Int[Array, "B T"]) -> Float[Array, "B S d"]:
        """e_x = {h_1, ..., h_S}."""
        tokens = tokens.reshape(tokens.shape[0], -1, self.group)
        zero = jnp.zeros((tokens.shape[0], self.table.recurrent.shape[0]))
        h = jnp.swapaxes(lstm(self.table(tokens), self.table.recurrent[...], zero, zero), 0, 1)
        return unit(h) if self.unit else h


def pooled(h: Float[Array, "B S d"], configuration: Configuration) -> Float[Array, "B d"]:
    """The mean embedding, (1/T) sum_t h_t."""
    mean = jnp.mean(h, axis=1)
    return unit(mean) if configuration.unit else mean


class Predictor(nnx.Module):
    """f: a feed-forward network on the mean embedding."""

    def __init__(self, configuration: Configuration, start: Start) -> None:
        widths = (configuration.width, *configuration.hidden, 1)
        self.layers = nnx.List([Linear(m, n, start) for m, n in itertools.pairwise(widths)])
        self.dropout = configuration.dropout
        self.sigmoid = configuration.sigmoid

    def __call__(self, e: Float[Array, "B d"], key: Key[Array, ""] | None = None) -> Float[Array, " B"]:
        """Predicted targets; a key switches dropout on."""
        for n, layer in enumerate(self.layers[:-1]):
            e = jax.nn.relu(layer(e))
            if key is not None and self.dropout > 0:
                keep = jax.random.bernoulli(jax.random.fold_in(key, n), 1 - self.dropout, e.shape)
                e = jnp.where(keep, e / (1 - self.dropout), 0.0)
        s = self.layers[-1](e)[:, 0]
        return jax.nn.sigmoid(s) if self.sigmoid else s


class Decoder(nnx.Module):
    """D: an LSTM with attention over the hidden states of E.

    The attended context is not fed back into the LSTM, so attention and output of all steps are a few large
    products after the scan.
    """

    def __init__(self, configuration: Configuration, sizes: Sizes, start: Start) -> None:
        d = configuration.width
        # One row more than the vocabulary: what stands before the first token.
        self.table = Table(sizes.vocabulary + 1, d, 1, d, start)
        self.query = start.kernel(d, d)
        self.join = start.kernel(2 * d, d)
        self.output = Linear(d, sizes.vocabulary, start)
        own = jnp.repeat(jnp.eye(sizes.steps), sizes.group, axis=0)  # [T, S]
        preference = configuration.alignment
        self.alignment = None if preference is None else nnx.Param(preference * own)

    def __call__(
        self, h: Float[Array, "B S d"], e: Float[Array, "B d"], tokens: Int[Array, "B T"]
    ) -> Float[Array, "T B V"]:
        """Logits W of every token, given the ones before it (teacher forcing).

        Args:
          h: `[B, S, d]` embedding to decode.
          e: `[B, d]` its mean, where D's own state starts.
          tokens: `[B, T]` the string whose prefixes are given.
        """
        start = jnp.full_like(tokens[:, :1], self.table.embedding.shape[0] - 1)
        shifted = jnp.concatenate([start, tokens[:, :-1]], axis=1)
        states = lstm(self.table(shifted[:, :, None]), self.table.recurrent[...], e, e)  # [T, B, d]
        return self.attention(h)(states, jnp.arange(tokens.shape[1]))

    def attention(
        self, h: Float[Array, "B S d"]
    ) -> Callable[[Float[Array, "T B d"], Int[Array, " T"]], Float[Array, "T B V"]]:
        """The function from D's states at some positions to their logits.

        Attention (Luong et al. 2015, "general"), then one layer.
        """

        def logits(states: Float[Array, "T B d"], t: Int[Array, " T"]) -> Float[Array, "T B V"]:
            scores = jnp.einsum("tbd,bsd->bts", states @ self.query[...], h)
            if self.alignment is not None:
                scores = scores + self.alignment[...][t][None]
            context = jnp.einsum("bts,bsd->tbd", jax.nn.softmax(scores, axis=-1), h)
            joined = jnp.tanh(jnp.concatenate([context, states], axis=-1) @ self.join[...])
            return self.output(joined)

        return logits


class Networks(nnx.Module):
    """E, f and D."""

    def __init__(self, configuration: Configuration, sizes: Sizes, rng: np.random.Generator) -> None:
        start = Start(configuration, rng)
        self.encoder = Encoder(configuration, sizes, start)
        self.predictor = Predictor(configuration, start)
        self.decoder = Decoder(configuration, sizes, start)
