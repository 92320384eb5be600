import threading

import pytest
import torch

from degrade.models._concurrency import run_concurrently

CPU = torch.device("cpu")


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def where():
    return threading.get_ident(), torch.get_num_threads(), torch.is_grad_enabled()


def test_without_gradients_each_has_a_thread_of_its_own(two_threads):
    both_there = threading.Barrier(2, timeout=60)

    def meet():
        both_there.wait()
        return where()

    with torch.no_grad():
        (one, threads, grad), (other, _, _) = run_concurrently(CPU, meet, meet)
    assert one != other
    assert threads == 1
    assert not grad
    assert torch.get_num_threads() == 2


def test_with_gradients_they_run_here(two_threads):
    assert run_concurrently(CPU, where, where) == (where(), where())


def test_an_error_is_the_callers_and_leaves_the_threads_alone(two_threads):
    with torch.no_grad(), pytest.raises(ZeroDivisionError):
        run_concurrently(CPU, where, lambda: 1 / 0)
    assert torch.get_num_threads() == 2
