#!/usr/bin/env python3
"""The package on trixie."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import package

sys.exit(package.main('trixie'))
