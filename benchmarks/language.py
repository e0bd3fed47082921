"""Does a language model's score mean something, and how fast is it trained, against a loop of PyTorch?

    python benchmarks/language.py signal [--space rnn-cell] [--space-param KEY=VALUE ...] [--seeds 2]
        [--architectures 30] [--child KEY=VALUE ...]
    python benchmarks/language.py speed [--architectures 5] [--child KEY=VALUE ...]

`signal` trains the same random cells with several seeds, and the published ones that the space can express:
the mean Spearman correlation between two seeds (1 is a noiseless score), how far the losses are below the
unigram entropy of the text, and where the published cells rank by their mean score.

`speed` counts tokens of training per CPU second on one thread, and how often the program is traced for all
cells. Where PyTorch can be imported, the same cells are trained there as its users write them, from the same
weights; the losses before and after an update are compared before anything is timed.

Measured on one core of a 2-core virtual machine that others used too, with the defaults of a child and the
words of Python 3.11's help topics (47,666 tokens, 1,747 types): 62,600 tokens/s, against 13,200 in PyTorch
2.14. How the recurrence may be laid out, at 64 units, 32 streams of 20 tokens and 12 nodes, with next to no
softmax, in about so many milliseconds of a step (PyTorch 24):

    activation        node to read     backward pass                ms
    all, then select  gathered         as it comes                  27
    all, then select  sum of one-hot   weight gradients at the end  28
    branch            gathered         as it comes                  18
    branch            sum of one-hot   as it comes                  16
    branch            branch           as it comes                  15
    branch            branch           written by hand              24
    branch            branch           step recomputed              12

Where a branch is not in between, XLA computes an activation again for every node that reads it.
"""

import argparse
import itertools
import os
import time

os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"

import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import spearmanr

from nao.core import STANDARD, Architecture, InputError, Request
from nao.data import load
from nao.evaluators.devices import set_up_devices
from nao.evaluators.language import LanguageChild, LanguageProgram
from nao.evaluators.language.network import initialise_weights
from nao.evaluators.pool import DevicePool
from nao.settings import build, parse
from nao.spaces import RNNCellSpace
from nao.spaces import space as named_space
from nao.spaces.zoo import express, zoo


def published(program: LanguageProgram) -> dict[str, Architecture]:
    """The published cells that the space can express; the name says if it averages other nodes of one."""
    found = {}
    for each in zoo():
        try:
            ours = express(each.architecture, program.space)
        except InputError as error:
            print(f"{each.name}: {error}")
            continue
        averaged = program.space.averaged
        altered = averaged != each.space.averaged
        found[f"{each.name} (averages {averaged})" if altered else each.name] = ours
    return found


def signal(program: LanguageProgram, count: int, seeds: int) -> None:
    """The same cells with several seeds."""
    architectures = program.space.sample(np.random.default_rng(0), count)
    names = published(program)
    began, pool, results = time.process_time(), DevicePool(program), []
    list(pool.prepare())
    print(f"compiling: {time.process_time() - began:.1f} CPU s")
    began = time.process_time()
    every = [*architectures, *names.values()]
    for seed in range(1, seeds + 1):
        found = {result.request: result for result in pool.evaluate([Request(x, seed) for x in every])}
        results.append([found[Request(x, seed)] for x in every])
    each = (time.process_time() - began) / (seeds * len(every))
    trained, failed = seeds * len(every), sum(x.score is None for row in results for x in row)
    steps = program.count_steps(STANDARD)
    print(f"{len(every)} cells, {steps} steps, {each:.2f} CPU s a child, {failed} of {trained} failed")
    scores = np.array([[np.nan if one.score is None else one.score for one in row] for row in results])
    random = scores[:, : len(architectures)]
    both = np.isfinite(random).all(axis=0)
    pairs = itertools.combinations(random[:, both], 2)
    rho = np.mean([spearmanr(*pair).statistic for pair in pairs])
    losses = np.array([one.metrics["valid_loss"] for one in results[0][: len(architectures)] if one.score])
    print(f"Spearman between two seeds {rho:.2f} over {both.sum()} random cells")
    print(
        f"validation loss {losses.mean():.3f} +- {losses.std():.3f}, best {losses.min():.3f}, unigram entropy"
        f" {program.text.unigram_entropy:.3f} nats; perplexity of the best {np.exp(losses.min()):.1f}"
    )
    means, errors = scores.mean(axis=0), scores.std(axis=0, ddof=1) / np.sqrt(seeds)
    print(f"standard error of a mean score {np.nanmean(errors):.4f}, of the means {np.nanstd(means):.4f}")
    for name, score in zip(names, means[len(architectures) :], strict=True):
        rank = 1 + (means[: len(architectures)] > score).sum()
        print(f"{name:30s} score {score:.4f}, rank {rank} of {count + 1}, with the {count} random ones")


def torch_seconds(
    program: LanguageProgram, architecture: Architecture, steps: int
) -> tuple[list[float], float]:
    """(losses of the steps, CPU seconds of a step) of a loop in PyTorch."""
    import torch

    torch.set_num_threads(1)
    child, space, words = program.child, program.space, program.data
    weights = initialise_weights(program.network, jax.random.split(jax.random.key(jnp.uint32(0)))[0])
    tensors = jax.tree.map(lambda x: torch.nn.Parameter(torch.tensor(np.asarray(x))), weights)
    tokens = np.array(architecture.tokens)
    parents, mean = space.parents(tokens).tolist(), space.mean_weights(tokens).tolist()
    known = {"tanh": torch.tanh, "relu": torch.relu, "sigmoid": torch.sigmoid, "identity": lambda x: x}
    functions = [known[space.activations[i]] for i in space.activation_ids(tokens)]
    parameters = [tensors.embedding, tensors.bias, tensors.cell.x, *tensors.cell.nodes]
    sgd = torch.optim.SGD(parameters, child.learning_rate, weight_decay=child.weight_decay)
    rates = torch.optim.lr_scheduler.LambdaLR(sgd, lambda k: 0.5 * (1 + np.cos(np.pi * k / steps)))
    h, losses, seconds = torch.zeros(child.batch, child.units), [], []
    for step in range(steps):
        x, y = (torch.tensor(each[step % len(each)]) for each in (words.x, words.y))
        began = time.process_time()
        sgd.zero_grad()
        embedded, outputs = torch.nn.functional.embedding(x, tensors.embedding), []
        first = torch.cat([tensors.cell.x, tensors.cell.nodes[0]])
        for e in embedded:
            states = []
            for k, W in enumerate([first, *tensors.cell.nodes[1:]]):
                s = states[parents[k]] if k else h
                c, g = ((s if k else torch.cat([e, h], 1)) @ W).chunk(2, dim=1)
                states.append(s + torch.sigmoid(c) * (functions[k](g) - s))
            h = sum(m * s for m, s in zip(mean, states, strict=True) if m)
            outputs.append(h)
        logits = torch.stack(outputs) @ tensors.embedding.T + tensors.bias
        loss = torch.nn.functional.cross_entropy(logits.reshape(-1, logits.shape[-1]), y.reshape(-1).long())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, child.clip)
        sgd.step()
        rates.step()
        h = h.detach()
        seconds.append(time.process_time() - began)
        losses.append(loss.item())
    return losses, float(np.median(seconds))


def speed(program: LanguageProgram, count: int, steps: int = 60) -> None:
    """Tokens of training per CPU second, here and in PyTorch."""
    try:
        import torch

        print(f"PyTorch {torch.__version__}")
    except ImportError:
        print("PyTorch is not installed: nothing to compare with")
        torch = None
    if not isinstance(program.space, RNNCellSpace):
        torch = None  # written for the other cells alone
    traced = []

    def train(*given: object) -> object:
        traced.append(1)
        return program.train(*given)

    compiled, data, rows = jax.jit(train), jax.device_put(program.data), []
    tokens = program.child.batch * program.child.window
    for architecture in program.space.sample(np.random.default_rng(0), count):
        one = jax.tree.map(lambda leaf: leaf[0], program.encode([architecture]))

        def run(steps: int, one: object = one) -> tuple[float, float]:
            began = time.process_time()
            outcome = jax.device_get(compiled(one, np.uint32(0), np.int32(steps), data))
            return time.process_time() - began, float(outcome.train_loss)

        run(1)
        # What is not training, such as the evaluation, is in both times.
        ours = np.median([run(steps + 1)[0] - run(1)[0] for _ in range(5)]) / steps
        line = f"{tokens / ours:9,.0f} tokens/s"
        if torch is not None:
            losses, _ = torch_seconds(program, architecture, 2)
            differences = [abs(run(step + 1)[1] - losses[step]) for step in range(2)]
            if max(differences) > 1e-3:
                raise SystemExit(f"the networks differ: losses {losses}, by {differences}")
            _, theirs = torch_seconds(program, architecture, steps)
            rows.append((ours, theirs))
            line += f"   PyTorch {tokens / theirs:9,.0f}   ratio {theirs / ours:.2f}"
        print(line, flush=True)
    print(f"traced {len(traced)} times for {count} cells")
    if rows:
        ours, theirs = np.mean(rows, axis=0)
        print(f"mean: {tokens / ours:,.0f} and {tokens / theirs:,.0f} tokens/s, ratio {theirs / ours:.2f}")


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["signal", "speed"])
    parser.add_argument("--space", default="rnn-cell")
    parser.add_argument("--data", default="text")
    parser.add_argument("--space-param", nargs="*", default=[], metavar="KEY=VALUE")
    parser.add_argument("--architectures", type=int, default=30)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--child", nargs="*", default=[], metavar="KEY=VALUE")
    options = parser.parse_args()
    set_up_devices(1 if options.what == "speed" else None)
    child = build(LanguageChild, "child", dict(each.split("=", 1) for each in options.child))
    others = {key: parse(value) for key, value in (each.split("=", 1) for each in options.space_param)}
    program = LanguageProgram(named_space(options.space, **others), load(options.data), child)
    if options.what == "signal":
        signal(program, options.architectures, options.seeds)
    else:
        speed(program, options.architectures)


if __name__ == "__main__":
    main()
