"""check-layers.py finds a circle, wherever somebody makes one."""

import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
CHECK = REPOSITORY / "scripts/check-layers.py"

GOOD = {
    "harness/common/text.h": "",
    "harness/common/text.c": '#include "harness/common/text.h"\n',
    "harness/runner/plan.h": '#include "harness/common/text.h"\n',
    "harness/runner/tests/test.c": '#include "harness/runner/plan.h"\n',
    "scripts/growbench/__init__.py": "",
    "scripts/growbench/data/load.py": "from pathlib import Path\n",
    "scripts/growbench/plots/time.py": "from growbench.data.load import Run\n",
    "scripts/growbench/plots/peak.py": "from growbench.plots import time\n",
}
BAD = {
    "files": (
        {
            "harness/runner/plan.c": '#include "harness/runner/run.h"\n',
            "harness/runner/run.h": '#include "harness/runner/plan.h"\n',
        },
        "circle of files",
    ),
    "folders": (
        {
            "harness/common/names.h": '#include "harness/runner/names.h"\n',
            "harness/runner/names.h": "",
        },
        "circle of folders",
    ),
    "within a function": (
        {"scripts/growbench/plots/time.py": "def f():\n    from growbench.plots.peak import g\n"},
        "circle of files",
    ),
    "order": (
        {
            "scripts/growbench/data/load.py": "from growbench.cli.plot import main\n",
            "scripts/growbench/cli/plot.py": "",
        },
        "data/load uses scripts/growbench/cli/plot",
    ),
}


def check(folder: Path, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return subprocess.run(
        [sys.executable, CHECK, *files], cwd=folder, capture_output=True, text=True, check=False
    )


def test_data_that_flows_one_way_is_good(tmp_path):
    done = check(tmp_path, GOOD)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("added, said", BAD.values(), ids=BAD)
def test_a_circle_is_named(tmp_path, added, said):
    done = check(tmp_path, {**GOOD, **added})
    assert done.returncode == 1 and said in done.stderr
