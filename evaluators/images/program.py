"""Image classification as a program: child networks of cells, trained on one data set.

Axis letters: n architectures, B blocks.
"""

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from nao.core import Architecture, Cost, Fidelity, InputError, Json
from nao.data import Dataset, as_images
from nao.data import make as make_dataset
from nao.evaluators.images import training
from nao.evaluators.images.batches import Images, arrange
from nao.evaluators.images.cell import CellGenotype
from nao.evaluators.images.child import Child
from nao.evaluators.images.cost import count_cost, count_memory
from nao.evaluators.images.native import NATIVE
from nao.evaluators.images.network import Genotype, Network
from nao.evaluators.images.operations import parse_operation
from nao.evaluators.images.shifted import SHIFTED
from nao.evaluators.program import Report, check_parts, steps_of
from nao.settings import build
from nao.spaces import make as make_space
from nao.spaces.cells import CellSpace


@dataclasses.dataclass(frozen=True)
class ImageProgram:
    """Trains child networks to classify images (a `nao.evaluators.program.Program`).

    The score is the accuracy on the validation images.

    Attributes:
      space: cells made of operations that child networks know: a normal and a reduction cell.
      dataset: what to train on.
      child: what the network is and how it is trained.

    Raises:
      InputError: the parts do not fit each other.
    """

    space: CellSpace
    dataset: Dataset
    child: Child = dataclasses.field(default_factory=Child)

    def __post_init__(self) -> None:
        space, dataset, child = self.space, self.dataset, self.child
        if len(space.cells) != 2:
            raise InputError(
                f"{space.name}: a child needs a normal and a reduction cell, not {len(space.cells)} cells"
            )
        height, width = dataset.shape[:2]
        if min(height, width) < 4:
            raise InputError(
                f"images must be 4x4 at least, since they are halved twice, not {height}x{width}"
            )
        if child.cutout >= min(height, width):
            raise InputError(
                f"cutout must be smaller than the images of {dataset.name}, which are {height}x{width}, "
                f"not {child.cutout}"
            )
        if not len(dataset.y_valid):
            raise InputError(f"{dataset.name} has no validation images, by which architectures are scored")
        images = len(dataset.y_train)
        if images < child.batch:
            smaller = f": use a smaller one (--batch {1 << (images.bit_length() - 1)})" if images else ""
            raise InputError(
                f"{dataset.name} has {images} training images, fewer than a batch of {child.batch}{smaller}"
            )
        _ = self.network  # knows all operations, or says which one it does not

    @functools.cached_property
    def network(self) -> Network:
        """What is fixed when the program is compiled."""
        return Network(
            tuple(parse_operation(operation.name) for operation in self.space.operations),
            self.space.blocks,
            self.child.cells,
            self.child.channels,
            self.dataset.shape,
            self.dataset.classes,
            SHIFTED if jax.default_backend() == "cpu" else NATIVE,
        )

    @property
    def data(self) -> Images:
        """The images, on the host."""
        return arrange(self.dataset)

    @property
    def memory(self) -> int:
        """See `Program`."""
        return count_memory(self.network, self.child.batch)

    def encode(self, architectures: Sequence[Architecture]) -> Genotype:
        """The cells of each architecture, with arrays `[n, 2B]`."""
        return encode_branches(np.stack([self._branches(architecture) for architecture in architectures]))

    def count_steps(self, fidelity: Fidelity) -> int:
        """As many as the fidelity says, at most the child's own; the learning rate is zero after the last."""
        return steps_of(fidelity, self.child.count_steps(len(self.dataset.y_train)))

    def train(self, architecture: Genotype, seed: Any, steps: Any, data: Images) -> training.Outcome:
        """See `Program`, and `nao.evaluators.images.training`."""
        return training.train(self.network, self.child, architecture, seed, steps, data)

    def report(self, outcome: training.Outcome) -> Report:
        """Accuracies and mean losses; a training whose loss did not stay finite has failed."""
        metrics, scores = {"train_loss": float(outcome.train_loss)}, {}
        for i, (split, y) in enumerate((("valid", self.dataset.y_valid), ("test", self.dataset.y_test))):
            if len(y):
                scores[split] = int(outcome.correct[i]) / len(y)
                metrics[f"{split}_loss"] = float(outcome.loss[i]) / len(y)
        test_score = scores.get("test")
        if np.isfinite([outcome.train_loss, outcome.loss[0]]).all():
            return Report(scores["valid"], test_score, metrics)
        reason = f"diverged: the loss was not finite after {int(outcome.steps)} steps"
        return Report(None, test_score, metrics, reason)

    def cost(self, architecture: Architecture) -> Cost:
        """Parameters and FLOPs of the child network."""
        return count_cost(self.network, self._branches(architecture))

    def configuration(self) -> Mapping[str, Json]:
        """What identifies the program in a study, and what `make` takes."""
        return {
            "program": "images",
            "space": self.space.configuration(),
            "data": self.dataset.configuration(),
            "child": dataclasses.asdict(self.child),
        }

    def _branches(self, architecture: Architecture) -> np.ndarray:
        """`[2, B, 2, 2]` (input, operation) of each branch of the normal and the reduction cell."""
        return self.space.branches(np.asarray(architecture.tokens))


def make(configuration: Mapping[str, Json]) -> ImageProgram:
    """The program that a configuration describes.

    Raises:
      InputError: a part of it cannot be made, or the data is no longer what it was.
    """
    check_parts(configuration, "an image program")
    space = make_space(configuration["space"])
    if not isinstance(space, CellSpace):
        raise InputError(f"{space.name} has no network of images: give a space of their cells, as cnn-cell")
    child = build(Child, "child", configuration["child"])
    return ImageProgram(space, as_images(make_dataset(configuration["data"])), child)


def encode_branches(branches: np.ndarray) -> Genotype:
    """Branches `[..., 2, B, 2, 2]` as the program reads them; see `CellSpace.branches`."""
    flat = branches.reshape(*branches.shape[:-4], 2, -1, 2)
    normal, reduction = (CellGenotype(flat[..., i, :, 0], flat[..., i, :, 1]) for i in range(2))
    return Genotype(normal, reduction)
