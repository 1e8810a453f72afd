# Copyright (c) 2026 guarded.deploy maintainers
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Stands where ansible-test expects its downloaded get-pip: installs pip out of Python's own ensurepip instead.

ansible-test runs a file of this content with the arguments that get-pip takes: options, and requirements such as "pip==24.2".
"""

import ensurepip
import os
import runpy
import sys

ensurepip.bootstrap(upgrade=True)
# ensurepip turns the configuration off for its own call, and leaves it off: the package index may stand there.
os.environ.pop("PIP_CONFIG_FILE", None)
for name in [name for name in sys.modules if name == "pip" or name.startswith("pip.")]:
    del sys.modules[name]
# Options of get-pip that pip does not know.
sys.argv[1:] = ["install", *(text for text in sys.argv[1:] if text not in ("--no-setuptools", "--no-wheel"))]
runpy.run_module("pip", run_name="__main__", alter_sys=True)
