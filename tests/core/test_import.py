"""What `import degrade` needs, and how long it takes."""

import subprocess
import sys


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_import_loads_nothing_before_it_is_needed() -> None:
    lazy = ("torch", "torchvision", "timm", "lightning", "lightning_fabric", "lpips", "pandas", "scipy", "av")
    assert run(f"import sys, degrade; print(set({lazy}) & set(sys.modules))") == "set()"


def test_everything_that_is_exported_is_there() -> None:
    assert run("import degrade; print(all(hasattr(degrade, name) for name in degrade.__all__))") == "True"


def test_import_takes_less_than_half_a_second_more_than_numpy_and_cv2() -> None:
    code = """
import time, numpy, cv2
before = time.process_time()
import degrade
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
