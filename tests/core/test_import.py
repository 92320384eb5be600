"""What `import degrade` needs, and how long it takes."""

import subprocess
import sys

import pytest

LAZY = ("torch", "torchvision", "timm", "lightning", "lightning_fabric", "lpips", "pandas", "scipy", "numba", "av")


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_import_loads_nothing_before_it_is_needed() -> None:
    code = "import sys; from degrade import Pipeline, Spec, load, load_spec, open_source"
    assert run(f"{code}; print(set({LAZY}) & set(sys.modules))") == "set()"


@pytest.mark.parametrize(
    ("command", "given"),
    [
        *(("degrade.cli", given) for given in (["--help"], ["--version"], ["generate", "--help"], ["match", "--help"])),
        *(("degrade.benchmark.cli", given) for given in (["--help"], ["--version"], ["restore", "--help"])),
    ],
)
def test_help_waits_for_nothing_but_the_command_line(command: str, given: list[str]) -> None:
    heavy = ("degrade.core.op", "numpy", "cv2", "yaml", "skimage", "albumentations", "PIL", *LAZY)
    code = f"""
import sys
from {command} import main
sys.argv = ["command", *{given}]
try:
    main()
except SystemExit:
    print(sorted(set({heavy}) & set(sys.modules)))
"""
    assert run(code).splitlines()[-1] == "[]"


def test_listing_what_there_is_needs_no_library_of_one_op() -> None:
    code = f"""
import sys
from degrade.cli import main
sys.argv = ["degrade", "ls"]
try:
    main()
except SystemExit as end:
    print(end.code, sorted((set({LAZY}) - {{"av"}}) & set(sys.modules)))
"""
    assert run(code).splitlines()[-1] == "0 []"


def test_everything_that_is_exported_is_there() -> None:
    assert run("import degrade; print(all(hasattr(degrade, name) for name in degrade.__all__))") == "True"


def test_import_takes_less_than_half_a_second_more_than_numpy_and_cv2() -> None:
    code = """
import time, numpy, cv2
before = time.process_time()
from degrade import Pipeline, Spec, load, load_spec, open_source
print(time.process_time() - before)
"""
    assert min(float(run(code)) for _ in range(3)) < 0.5


def test_importing_sets_no_threads_and_no_seed() -> None:
    code = """
import random, cv2, numpy as np
random.seed(1); np.random.seed(1); cv2.setNumThreads(3)
before = random.getstate(), np.random.get_state()[1].tobytes(), cv2.getNumThreads()
import degrade
degrade.ops.Noise()(np.zeros((4, 4), np.uint8), seed=0)
assert before == (random.getstate(), np.random.get_state()[1].tobytes(), cv2.getNumThreads())
"""
    run(code)
