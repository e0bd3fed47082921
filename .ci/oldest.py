"""Prints the oldest versions that a pyproject.toml promises, as constraints for pip.

python .ci/oldest.py pyproject.toml
"""

import sys
import tomllib
from pathlib import Path

project = tomllib.loads(Path(sys.argv[1]).read_text())["project"]
for requirement in [*project["dependencies"], *project["optional-dependencies"]["test"]]:
    name, version = requirement.split(">=")
    print(f"{name}=={version}")
