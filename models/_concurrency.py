"""Independent passes through a clip, run concurrently."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

T = TypeVar("T")


def run_concurrently(device: torch.device, first: Callable[[], T], second: Callable[[], T]) -> tuple[T, T]:
    """What both return; on a CPU, where no gradient is wanted, each with half of PyTorch's threads.

    A recurrent pass is a long row of small operations. Two passes on a core each wait for nothing, where one
    operation shared by two cores waits for the slower of them every time.
    """
    threads = torch.get_num_threads()
    if device.type != "cpu" or threads == 1 or torch.is_grad_enabled() or torch.is_autocast_enabled("cpu"):
        return first(), second()

    def alone(task: Callable[[], T]) -> T:
        torch.set_num_threads(threads // 2)  # of this thread, and of those that are started later
        with torch.no_grad():
            return task()

    try:
        with ThreadPoolExecutor(2) as pool:
            one, other = pool.map(alone, (first, second))
    finally:
        torch.set_num_threads(threads)
    return one, other
