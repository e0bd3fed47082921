"""Files of an `EmbeddingTable` for other programs: NumPy, Parquet, and TensorBoard's projector.

What is written where follows from the name: `X.npz` and `X.parquet` are files, and a name without an ending
is the folder of a projector, which `tensorboard --logdir` opens.

Axis letters: N architectures, T tokens, D numbers of an embedding.
"""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from nao import folder
from nao.analysis.table import NONE, EmbeddingTable
from nao.inputs import InputError, imported, user_path

RIGHT = "X.npz, X.parquet, or a folder for TensorBoard's projector, such as X/"
FILES = (".npz", ".parquet")
PROJECTOR = """\
embeddings {
  tensor_path: "embeddings.tsv"
  metadata_path: "metadata.tsv"
}
"""


def writer(out: Path | str) -> Callable[[EmbeddingTable], None]:
    """What writes a table to a place, whose name says how: `X.npz`, `X.parquet`, or a folder.

    Raises:
      InputError: it has another ending, its folder is not there, or a package is not installed.
    """
    place = user_path(out)
    ending = "" if str(out).endswith("/") else place.suffix
    if not str(out) or ending not in ("", *FILES) or place.name in FILES:
        raise InputError(f"embeddings are written to {RIGHT}, not to {str(out)!r:.100}")
    if not place.parent.is_dir():
        raise InputError(f"there is no folder {place.parent} to write {place.name} in")
    if place.exists() and place.is_dir() != (ending == ""):
        raise InputError(f"{place} is a {'folder' if ending else 'file'}; write to {RIGHT}")
    if ending == ".npz":
        return lambda table: write_npz(table, place)
    if ending == ".parquet":
        check_parquet()
        return lambda table: write_parquet(table, place)
    return lambda table: write_projector(table, place)


def write_npz(table: EmbeddingTable, file: Path) -> None:
    """An array for each column, and `about` as JSON; `np.load` needs no pickles.

    Numbers that are not there are nan, and whole ones -1.

    Raises:
      InputError: the disk does not take it.
    """
    stream = io.BytesIO()
    arrays: dict[str, Any] = {**table.columns(), "about": np.array(json.dumps(dict(table.about)))}
    np.savez_compressed(stream, **arrays)
    folder.write(file, stream.getvalue())


def write_parquet(table: EmbeddingTable, file: Path) -> None:
    """A column for each; `tokens` and `embedding` are lists of a fixed size, and what is not there is null.

    `about` is JSON in the metadata, under `nao`.

    Raises:
      InputError: pyarrow is not installed, or the disk does not take it.
    """
    arrow, parquet = check_parquet()
    columns = {name: _arrow_column(arrow, column) for name, column in table.columns().items()}
    made = arrow.table(columns, metadata={"nao": json.dumps(dict(table.about))})
    stream = io.BytesIO()
    parquet.write_table(made, stream, compression="zstd")
    folder.write(file, stream.getvalue())


def check_parquet() -> tuple[Any, Any]:
    """The modules `pyarrow` and `pyarrow.parquet`.

    Raises:
      InputError: they are not installed.
    """
    arrow, parquet = (imported(name, "embed", "a .parquet file") for name in ("pyarrow", "pyarrow.parquet"))
    return arrow, parquet


def _arrow_column(arrow: Any, column: Shaped[np.ndarray, " N *_"]) -> Any:
    """A column of numbers, of text, or of lists."""
    if column.ndim == 2:
        return arrow.FixedSizeListArray.from_arrays(arrow.array(column.ravel()), column.shape[1])
    if column.dtype.kind == "U":
        return arrow.array(column.tolist(), arrow.string())
    return arrow.array(column, mask=np.isnan(column) if column.dtype.kind == "f" else column == NONE)


def write_projector(table: EmbeddingTable, place: Path) -> None:
    """The folder of an embedding projector: `embeddings.tsv`, `metadata.tsv` and `projector_config.pbtxt`.

    The metadata are all columns but `tokens` and `embedding`, with a line of their names; what is not there
    is empty.

    Raises:
      InputError: the disk does not take it.
    """
    try:
        place.mkdir(exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {place}: {error.strerror}") from error
    columns = {name: column for name, column in table.columns().items() if column.ndim == 1}
    lines = ["\t".join(columns), *map("\t".join, zip(*map(_words, columns.values()), strict=True))]
    vectors = io.StringIO()
    np.savetxt(vectors, table.embedding, fmt="%.6g", delimiter="\t")
    folder.write(place / "embeddings.tsv", vectors.getvalue())
    folder.write(place / "metadata.tsv", "\n".join(lines) + "\n")
    folder.write(place / "projector_config.pbtxt", PROJECTOR)


def _words(column: Shaped[np.ndarray, " N"]) -> list[str]:
    """A column as text without tabs or line ends."""
    if column.dtype.kind == "U":
        return [" ".join(text.split()) for text in column.tolist()]
    if column.dtype.kind == "f":
        return ["" if value != value else f"{value:.9g}" for value in column.tolist()]
    return ["" if value == NONE else str(value) for value in column.tolist()]
