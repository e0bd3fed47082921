"""Architectures that a search is to begin with: a file of them, or a published one.

Axis letters: none.
"""

from nao.core import Architecture, InputError, SearchSpace
from nao.inputs import user_path
from nao.scores import read_architectures
from nao.spaces import zoo


def read_starts(source: str, space: SearchSpace) -> list[Architecture]:
    """The architectures that a user names.

    Args:
      source: the name of a published architecture (`nao.spaces.zoo`), in capitals or not; or a file with one
        architecture on each line. Empty lines, and those that begin with `#`, are none.
      space: whose strings they are. A published cell becomes a string of it, if it has one.

    Returns:
      At least one, each once.

    Raises:
      InputError: there is neither, the file cannot be read, a line is no string of the space, or the space
        does not have the published cell.
    """
    names = {each.name.lower(): each for each in zoo.zoo()}
    if source.lower() in names:
        entry = names[source.lower()]
        try:
            return [zoo.express(entry.architecture, space)]
        except InputError as error:
            raise InputError(f"{entry.name}: {error}") from error
    path = user_path(source)
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        known = ", ".join(each.name for each in zoo.zoo())
        raise InputError(
            f"there is no file {source!s:.100}, and no published architecture of that name; there are {known}"
        ) from error
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
    return read_architectures(content, str(path), space)
