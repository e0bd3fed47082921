"""Does a child's score mean something: do two training seeds rank architectures alike?

    python benchmarks/child_signal.py [--space cnn-cell-small] [--steps 15 30 60] [--architectures 40] [...]

Trains the same random architectures with two seeds and prints, for each number of training steps, the
mean and spread of the scores, the Spearman correlation between the seeds (1 is a noiseless score), how far
the best tenth lies above the mean in standard deviations, and the time of a child. A longer training does
not help once the task is saturated: then only noise tells the architectures apart.
"""

import argparse
import time

import numpy as np
from scipy.stats import spearmanr

from nao.core import Request
from nao.data import load
from nao.evaluators.devices import set_up_devices
from nao.evaluators.images import Child, ImageProgram
from nao.evaluators.pool import DevicePool
from nao.spaces import space as named_space


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--space", default="cnn-cell-small")
    parser.add_argument("--data", default="digits")
    parser.add_argument("--steps", type=int, nargs="+", default=[15])
    parser.add_argument("--architectures", type=int, default=40)
    parser.add_argument("--channels", type=int, default=Child().channels)
    parser.add_argument("--batch", type=int, default=Child().batch)
    parser.add_argument("--learning-rate", type=float, default=Child().learning_rate)
    options = parser.parse_args()
    set_up_devices()
    given = {"channels": options.channels, "batch": options.batch, "learning_rate": options.learning_rate}
    space, dataset = named_space(options.space), load(options.data)
    architectures = space.sample(np.random.default_rng(0), options.architectures)
    print("steps   mean     std  spearman  loss rho  best tenth  seconds")
    for steps in options.steps:
        pool = DevicePool(ImageProgram(space, dataset, Child(steps=steps, **given)))
        list(pool.prepare())
        began, results = time.perf_counter(), []
        for seed in (1, 2):
            requests = [Request(architecture, seed) for architecture in architectures]
            found = {result.request: result for result in pool.evaluate(requests)}
            results.append([found[request] for request in requests])
        seconds = (time.perf_counter() - began) / (2 * len(architectures))
        keep = [i for i in range(len(architectures)) if all(row[i].status == "ok" for row in results)]
        scores = np.array([[row[i].score for i in keep] for row in results])
        losses = np.array([[row[i].metrics["valid_loss"] for i in keep] for row in results])
        one = scores[0]
        top = (np.sort(one)[-len(one) // 10 :].mean() - one.mean()) / one.std()
        rho, loss_rho = (spearmanr(*x).statistic for x in (scores, losses))
        print(
            f"{steps:5d}  {one.mean():.4f}  {one.std():.4f}  {rho:8.2f}  {loss_rho:8.2f}  {top:10.2f}"
            f"  {seconds:.3f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
