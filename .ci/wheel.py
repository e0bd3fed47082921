"""Fails unless a wheel holds the package `nao` with all its rooms, and installs nothing beside it.

python .ci/wheel.py build/dist/nao_search-0.1.0-py3-none-any.whl
"""

import sys
import zipfile
from pathlib import Path

wheel = Path(sys.argv[1])
files = zipfile.ZipFile(wheel).namelist()

distribution = "-".join(wheel.name.split("-")[:2])
expected = {"nao", f"{distribution}.dist-info"}
found = {name.split("/")[0] for name in files}
if found != expected:
    sys.exit(f"{wheel.name} installs {sorted(found)}, but should install {sorted(expected)}")

rooms = {"nao/encoders/__init__.py", "nao/evaluators/__init__.py", "nao/data/__init__.py", "nao/cli.py"}
if missing := sorted((rooms | {"nao/py.typed"}) - set(files)):
    sys.exit(f"{wheel.name} lacks {missing}")
