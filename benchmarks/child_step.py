"""How fast is one training step of a child network, against PyTorch eager on the same network?

    python benchmarks/child_step.py [--space cnn-cell-small] [--architectures 12] [--steps 10]

One SGD step at C=8, N=1, 8x8 images, batch 128, on one thread; CPU seconds of the process, the two taken
in turn for each architecture, so that their ratio holds on a noisy machine. Needs PyTorch, which nothing
else here does. The PyTorch network is built for one architecture, as its users write it; its weights are
those of the JAX child, and the two losses of the first step are compared before anything is timed.

The machine's limit: a network of `cnn-cell-small` at this size does about 0.1-0.4 GFLOP in the forward
pass and three to four times that in a step, little of it in products large enough to run near the peak of
a core (50-100 GFLOP/s): its 65,536-float maps are read and written some 20 times for each separable
convolution, so the step is bound by the second-level cache, at about 10-20 GB/s for a fused loop.
"""

import argparse
import os
import statistics
import time

os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"

import jax
import jax.numpy as jnp
import numpy as np
import torch
from torch import nn
from torch.nn import functional

from nao.evaluators.images import network as networks
from nao.evaluators.images.initial import initialise_weights
from nao.evaluators.images.operations import Operation, parse_operation
from nao.evaluators.images.program import encode_branches
from nao.evaluators.images.shifted import SHIFTED
from nao.evaluators.images.stages import Dense, Pool, Separable, Skip
from nao.spaces import space as named_space

torch.set_num_threads(1)


def tensor(array: object) -> nn.Parameter:
    return nn.Parameter(torch.tensor(np.asarray(array)))


class TorchOperation(nn.Module):
    """One branch, with its flat parameters."""

    def __init__(self, op: Operation, parameters: np.ndarray, channels: int, stride: int):
        super().__init__()
        self.op, self.stride = op, stride
        self.arrays, self.norms = nn.ParameterList(), nn.ModuleList()
        at = 0
        for i, stage in enumerate(op):
            for shape, _ in stage.weight_shapes(channels, stride if i == 0 else 1):
                size = int(np.prod(shape))
                self.arrays.append(tensor(parameters[at : at + size].reshape(shape)))
                at += size
            if stage.weight_shapes(channels, stride if i == 0 else 1):
                self.norms.append(nn.BatchNorm2d(channels))
                at += 2 * channels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        arrays, norms = iter(self.arrays), iter(self.norms)
        for i, stage in enumerate(self.op):
            stride = self.stride if i == 0 else 1
            match stage:
                case Dense(window):
                    x = functional.relu(x)
                    x = next(norms)(
                        functional.conv2d(x, next(arrays), None, stride, [s // 2 for s in window])
                    )
                case Separable(window):
                    x = functional.relu(x)
                    depthwise = next(arrays)[:, None]
                    x = functional.conv2d(x, depthwise, None, stride, window[0] // 2, groups=x.shape[1])
                    x = next(norms)(functional.conv2d(x, next(arrays)))
                case Pool("max", window):
                    if window[0] % 2 == 0:
                        x = functional.pad(x, (0, 1, 0, 1), value=-torch.inf)
                    x = functional.max_pool2d(x, window, stride, (window[0] - 1) // 2)
                case Pool(_, window) if window[0] % 2 == 0:
                    ones = functional.pad(torch.ones_like(x[:1, :1]), (0, 1, 0, 1))
                    x = functional.avg_pool2d(functional.pad(x, (0, 1, 0, 1)), window, stride)
                    x = x / functional.avg_pool2d(ones, window, stride)
                case Pool(_, window):
                    x = functional.avg_pool2d(x, window, stride, window[0] // 2, count_include_pad=False)
                case Skip() if stride == 2:
                    x = functional.relu(x)
                    shifted = functional.pad(x[:, :, 1:, 1:], (0, 1, 0, 1))
                    halves = [functional.conv2d(v, next(arrays), None, 2) for v in (x, shifted)]
                    x = next(norms)(torch.cat(halves, 1))
        return x


class TorchProjection(nn.Module):
    """ReLU, pointwise convolution, batch normalisation in front of a cell."""

    def __init__(self, matrix: np.ndarray, rows: np.ndarray, halve: bool):
        super().__init__()
        self.weight, self.halve = tensor(matrix[:, rows][:, :, None, None]), halve
        self.norm = nn.BatchNorm2d(matrix.shape[0])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.relu(x)
        if not self.halve:
            return self.norm(functional.conv2d(x, self.weight))
        half = self.weight.shape[0] // 2
        shifted = functional.pad(x[:, :, 1:, 1:], (0, 1, 0, 1))
        halves = [functional.conv2d(x, self.weight[:half], None, 2)]
        halves.append(functional.conv2d(shifted, self.weight[half:], None, 2))
        return self.norm(torch.cat(halves, 1))


class TorchNetwork(nn.Module):
    """The child network of one architecture `[2, B, 2, 2]`, as a PyTorch user would build it."""

    def __init__(self, net: networks.Network, weights: networks.Weights, branches: np.ndarray):
        super().__init__()
        weights = jax.tree.map(np.asarray, weights)
        self.branches = [branches[0 if plan.stride == 1 else 1] for plan in net.plans]
        self.loose = [
            [i for i in range(net.blocks) if not (b[:, :, 0] == i + 2).any()] for b in self.branches
        ]
        self.stem, self.stem_norm = tensor(weights.stem), nn.BatchNorm2d(weights.stem.shape[0])
        self.projections, self.operations = nn.ModuleList(), nn.ModuleList()
        for i, (plan, w) in enumerate(zip(net.plans, weights.cells, strict=True)):
            for back, matrix in zip((2, 1), w.projections, strict=True):
                rows = np.arange(matrix.shape[1])
                if i >= back:
                    rows = rows.reshape(net.blocks, -1)[self.loose[i - back]].reshape(-1)
                self.projections.append(TorchProjection(matrix, rows, back == 2 and plan.halve))
            for j, (index, op) in enumerate(self.branches[i].reshape(-1, 2)):
                stride = plan.stride if index < 2 else 1
                self.operations.append(
                    TorchOperation(net.operations[op], w.branches[j], plan.channels, stride)
                )
        rows = np.arange(weights.head.shape[1]).reshape(net.blocks, -1)[self.loose[-1]].reshape(-1)
        self.head, self.bias = tensor(weights.head[:, rows]), tensor(weights.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stem_norm(functional.conv2d(x, self.stem, None, 1, 1))
        before, previous = x, x
        run, project = iter(self.operations), iter(self.projections)
        for branches, loose in zip(self.branches, self.loose, strict=True):
            states = [next(project)(before), next(project)(previous)]
            for block in branches:
                states.append(sum(next(run)(states[index]) for index, _ in block))
            before, previous = previous, torch.cat([states[2 + i] for i in loose], 1)
        return functional.relu(previous).mean((2, 3)) @ self.head.T + self.bias


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--space", default="cnn-cell-small")
    parser.add_argument("--architectures", type=int, default=12)
    parser.add_argument("--steps", type=int, default=10)
    options = parser.parse_args()
    space = named_space(options.space)
    net = networks.Network(
        tuple(parse_operation(o.name) for o in space.operations), space.blocks, 1, 8, (8, 8, 1), 10, SHIFTED
    )
    rng = np.random.default_rng(0)
    images = rng.normal(size=(1, 8, 8, 128)).astype(np.float32)
    labels = rng.integers(0, 10, 128)

    def objective(w: networks.Weights, a: networks.Genotype) -> jax.Array:
        logits, _ = networks.forward(net, w, None, a, jnp.asarray(images))
        return -jnp.mean(jax.nn.log_softmax(logits)[jnp.arange(128), labels])

    def step(w: networks.Weights, m: networks.Weights, a: networks.Genotype) -> tuple[object, ...]:
        loss, g = jax.value_and_grad(objective)(w, a)
        m = jax.tree.map(lambda m, g, w: 0.9 * m + g + 5e-4 * w, m, g, w)
        return jax.tree.map(lambda w, m: w - 0.1 * m, w, m), m, loss

    start = time.process_time()
    compiled = jax.jit(step, donate_argnums=(0, 1))
    initial = jax.jit(lambda a, key: initialise_weights(net, a, key))
    rows = []
    for i, architecture in enumerate(space.sample(rng, options.architectures)):
        branches = space.branches(np.asarray(architecture.tokens))
        data = encode_branches(branches)
        w = initial(data, jax.random.key(i))
        torch_net = TorchNetwork(net, w, branches)
        sgd = torch.optim.SGD(torch_net.parameters(), 0.1, 0.9, weight_decay=5e-4)
        x, y = torch.tensor(images.transpose(3, 0, 1, 2).copy()), torch.tensor(labels)
        w, m, loss = compiled(w, jax.tree.map(jnp.zeros_like, w), data)
        if i == 0:
            print(f"first call, compiling: {time.process_time() - start:.1f} CPU s")
        seconds = [[], []]
        for turn in range(options.steps + 1):
            start = time.process_time()
            w, m, latest = compiled(w, m, data)
            jax.block_until_ready(latest)
            seconds[0].append(time.process_time() - start)
            start = time.process_time()
            sgd.zero_grad()
            torch_loss = functional.cross_entropy(torch_net(x), y)
            torch_loss.backward()
            sgd.step()
            seconds[1].append(time.process_time() - start)
            if turn == 0 and abs(torch_loss.item() - float(loss)) > 1e-3 * abs(float(loss)):
                raise SystemExit(f"the networks differ: loss {torch_loss.item()} and {float(loss)}")
        ours, theirs = (statistics.median(s[1:]) for s in seconds)
        rows.append((ours, theirs))
        print(f"{1e3 * ours:8.1f} ms  PyTorch {1e3 * theirs:8.1f} ms  ratio {theirs / ours:5.2f}", flush=True)
    ours, theirs = (statistics.mean(column) for column in zip(*rows, strict=True))
    name = f"PyTorch {torch.__version__}"
    print(f"mean: {1e3 * ours:.1f} ms, {name} {1e3 * theirs:.1f} ms, ratio {theirs / ours:.2f}")


if __name__ == "__main__":
    main()
