"""The LSTM encoder E and the attention decoder D of Neural Architecture Optimization.

"Slide" is the talk the project follows, "paper" Luo et al. 2018 (Neural Architecture Optimization), "code"
the PyTorch program that the authors released (its search of convolutional cells with shared weights).

Axis letters: B strings, T tokens of a string, S steps of the encoder (T, or T / group), V vocabulary, d
hidden units, g tokens of a step, G = 4 d gates. Tokens enter as one-hot rows: an embedding followed by the
input weights of an LSTM is one small table [V, G], and its gradient is then a product instead of a scatter.
"""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from nao.core import SearchSpace
from nao.embedding import l2_normalize
from nao.encoders.lstm import lstm
from nao.pytree import STATIC, pytree
from nao.settings import above, at_least, check


@dataclasses.dataclass(frozen=True, kw_only=True)
class NetworksConfig:
    """The sizes of E and D, and how their weights begin.

    Attributes:
      hidden_size: d, hidden units of E and of D.
      embedding_size: of the embedding of one token in E.
      branches: E makes one step per branch, the embeddings of its tokens side by side; else one per token.
      l2_normalize: every h_t, and then their mean, is scaled to length 1.
      attention_prior: how much D prefers, at first, to attend to the step of E that read the token it is
        about to write. It is added to the logits of the attention and then learned; None for attention by
        content alone.
      initial_bound: weights begin uniform in +- this; None for variance scaling.
    """

    # Slide: d hidden units. Code: 96.
    hidden_size: int = 96
    # Code: 48 a token, two tokens a branch (32 where a branch has three).
    embedding_size: int = 48
    # Slide: one step per token, T steps. Code: one per branch, and so here.
    branches: bool = True
    # Slide and paper: h_t as it comes. Code: length 1. It decides what eta means: the code's steps need it.
    l2_normalize: bool = True
    attention_prior: float | None = None
    # Code: U(+-0.1).
    initial_bound: float | None = 0.1

    def __post_init__(self) -> None:
        bounds = {"hidden_size": at_least(1), "embedding_size": at_least(1), "initial_bound": above(0)}
        check(self, "encoder.networks", **bounds)


class Initializer:
    """Draws the first weights, uniform, in the order in which they are asked for."""

    def __init__(self, bound: float | None, rng: np.random.Generator) -> None:
        self.bound = bound
        self.rng = rng

    def kernel(self, *shape: int) -> Float[Array, "..."]:
        """`shape` weights whose last but one axis is summed over."""
        bound = (3 / shape[-2]) ** 0.5 if self.bound is None else self.bound
        return jnp.asarray(self.rng.uniform(-bound, bound, shape), jnp.float32)

    def bias(self, size: int) -> Float[Array, " size"]:
        """`size` biases; zero under variance scaling."""
        bound = self.bound or 0.0
        return jnp.asarray(self.rng.uniform(-bound, bound, size), jnp.float32)


@pytree
@dataclasses.dataclass(frozen=True)
class Linear:
    """x W + b."""

    bias: Float[Array, " n"]
    kernel: Float[Array, "m n"]

    @classmethod
    def create(cls, inputs: int, outputs: int, draw: Initializer) -> "Linear":
        """First weights."""
        kernel = draw.kernel(inputs, outputs)
        return cls(draw.bias(outputs), kernel)

    def __call__(self, x: Float[Array, "*B m"]) -> Float[Array, "*B n"]:
        """`[..., m]` to `[..., n]`."""
        y = x @ self.kernel
        return y + jnp.broadcast_to(self.bias, y.shape)


@pytree
@dataclasses.dataclass(frozen=True)
class TokenProjection:
    """Embedding of tokens, the input weights of an LSTM on it, and the LSTM's recurrent weights."""

    bias: Float[Array, " G"]
    embedding: Float[Array, "V m"]
    inputs: Float[Array, "g m G"]
    recurrent: Float[Array, "d G"]

    @classmethod
    def create(cls, tokens: int, size: int, group: int, d: int, draw: Initializer) -> "TokenProjection":
        """First weights, for embeddings of `size` numbers."""
        embedding, inputs = draw.kernel(tokens, size), draw.kernel(group, size, 4 * d)
        return cls(draw.bias(4 * d), embedding, inputs, draw.kernel(d, 4 * d))

    def table(self) -> Float[Array, "_ G"]:
        """What each token at each place of a step adds to the gates."""
        rows = jnp.einsum("ve,gef->gvf", self.embedding, self.inputs)
        return rows.at[0].add(self.bias[None]).reshape(-1, rows.shape[-1])

    def __call__(self, tokens: Int[Array, "B S g"]) -> Float[Array, "S B G"]:
        """The input to the gates at every step; tokens of one step are embedded side by side."""
        return self.blend(jax.nn.one_hot(tokens, self.embedding.shape[0]))

    def blend(self, shares: Float[Array, "B S g V"]) -> Float[Array, "S B G"]:
        """The same for mixtures of tokens: one-hot rows are the tokens themselves."""
        rows = jnp.swapaxes(shares, 0, 1)
        return rows.reshape(*rows.shape[:2], rows.shape[2] * rows.shape[3]) @ self.table()


@pytree
@dataclasses.dataclass(frozen=True)
class EncoderLSTM:
    """E: a single-layer LSTM; the embedding of a string is all of its hidden states."""

    tokens: TokenProjection
    group: int = dataclasses.field(metadata=STATIC)
    l2_normalize: bool = dataclasses.field(metadata=STATIC)

    @classmethod
    def create(cls, config: NetworksConfig, space: SearchSpace, draw: Initializer) -> "EncoderLSTM":
        """First weights for the strings of a space."""
        group = space.group if config.branches else 1
        sizes = len(space.vocabulary), config.embedding_size, group, config.hidden_size
        return cls(TokenProjection.create(*sizes, draw), group, config.l2_normalize)

    def __call__(self, tokens: Int[Array, "B T"]) -> Float[Array, "B S d"]:
        """e_x = {h_1, ..., h_S}."""
        return self.blend(jax.nn.one_hot(tokens, self.tokens.embedding.shape[0]))

    def blend(self, shares: Float[Array, "B T V"]) -> Float[Array, "B S d"]:
        """The same for mixtures of tokens: one-hot rows are the tokens themselves."""
        B, T, V = shares.shape
        zero = jnp.zeros((B, self.tokens.recurrent.shape[0]))
        gates = self.tokens.blend(shares.reshape(B, T // self.group, self.group, V))
        h = jnp.swapaxes(lstm(gates, self.tokens.recurrent, zero, zero), 0, 1)
        return l2_normalize(h) if self.l2_normalize else h

    def mean_pool(self, h: Float[Array, "B S d"]) -> Float[Array, "B d"]:
        """Mean pooling: (1/T) sum_t h_t, what f reads and where D starts."""
        mean = jnp.mean(h, axis=1)
        return l2_normalize(mean) if self.l2_normalize else mean


@pytree
@dataclasses.dataclass(frozen=True)
class DecoderLSTM:
    """D: an LSTM with attention over the hidden states of E.

    The attended context is not fed back into the LSTM, so attention and output of all steps are a few large
    products after the scan.
    """

    attention_prior: Float[Array, "T S"] | None
    join: Float[Array, "_ d"]
    output: Linear
    query: Float[Array, "d d"]
    tokens: TokenProjection

    @classmethod
    def create(cls, config: NetworksConfig, space: SearchSpace, draw: Initializer) -> "DecoderLSTM":
        """First weights for the strings of a space."""
        d, V = config.hidden_size, len(space.vocabulary)
        # One row more than the vocabulary: the start token, which stands before the first.
        tokens = TokenProjection.create(V + 1, d, 1, d, draw)
        query, join, output = draw.kernel(d, d), draw.kernel(2 * d, d), Linear.create(d, V, draw)
        prior = None
        if config.attention_prior is not None:
            group = space.group if config.branches else 1
            own_step = jnp.repeat(jnp.eye(space.length // group), group, axis=0)  # [T, S]
            prior = config.attention_prior * own_step
        return cls(prior, join, output, query, tokens)

    @property
    def start_token(self) -> int:
        """What stands before the first token."""
        return int(self.tokens.embedding.shape[0]) - 1

    def __call__(
        self, h: Float[Array, "B S d"], mean: Float[Array, "B d"], tokens: Int[Array, "B T"]
    ) -> Float[Array, "T B V"]:
        """Logits W of every token, given the tokens before it (teacher forcing).

        Args:
          h: `[B, S, d]` embeddings to decode.
          mean: `[B, d]` their mean, where D's own state starts.
          tokens: `[B, T]` the strings whose prefixes are given.
        """
        start = jnp.full_like(tokens[:, :1], self.start_token)
        shifted = jnp.concatenate([start, tokens[:, :-1]], axis=1)
        states = lstm(self.tokens(shifted[:, :, None]), self.tokens.recurrent, mean, mean)  # [T, B, d]
        return self.attention(h)(states, jnp.arange(tokens.shape[1]))

    def attention(
        self, h: Float[Array, "B S d"]
    ) -> Callable[[Float[Array, "T B d"], Int[Array, " T"]], Float[Array, "T B V"]]:
        """The function from D's states at some positions to their logits.

        Attention (Luong et al. 2015, "general"), then one layer.
        """

        def logits(states: Float[Array, "T B d"], t: Int[Array, " T"]) -> Float[Array, "T B V"]:
            scores = jnp.einsum("tbd,bsd->bts", states @ self.query, h)
            if self.attention_prior is not None:
                scores = scores + self.attention_prior[t][None]
            context = jnp.einsum("bts,bsd->tbd", jax.nn.softmax(scores, axis=-1), h)
            joined = jnp.tanh(jnp.concatenate([context, states], axis=-1) @ self.join)
            return self.output(joined)

        return logits
