#!/usr/bin/env python3
"""The package on bookworm."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import package

sys.exit(package.main('bookworm'))
