"""Runs jobs in this process, in several, or on a cluster. The results are the same."""

import asyncio
import itertools
import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, nullcontext
from typing import Any

from degrade.core.errors import DatasetError, SpecError
from degrade.core.memory import keep_freed_memory

Work = Callable[[Any], Any]
"""Does a job; pickles small."""
Next = Callable[[], Any]
"""Gives the next job; None if there is none, at least until another is done."""


def jobs_left(take: Next) -> Iterator[Any]:
    """All jobs that there are now."""
    return iter(take, None)


def run_serial(work: Work, take: Next) -> Iterator[Any]:
    """Does all jobs in this process, and yields what comes of each."""
    for job in jobs_left(take):
        yield work(job)


def run_processes(work: Work, take: Next, count: int) -> Iterator[Any]:
    """Does all jobs in so many processes, of which this is one, and yields what comes of each.

    This one has no start to wait for, so a dataset of a few seconds gains by the others, too.

    Raises:
        DatasetError: A process died, or none could start.
    """
    context = multiprocessing.get_context("spawn")
    begun = context.Event()
    with ProcessPoolExecutor(count - 1, context, initializer=_start_worker, initargs=(work, begun)) as pool:
        running: set[Future[Any]] = set()
        try:
            while True:
                for job in itertools.islice(jobs_left(take), 3 * (count - 1) - len(running)):
                    with _one_thread_each(), _interrupt_held():  # what is started here
                        running.add(pool.submit(_work, job))
                if (own := take()) is not None:
                    yield work(own)
                elif not running:
                    return
                done, running = wait(running, timeout=None if own is None else 0, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        except BrokenProcessPool as error:
            if not begun.is_set():
                raise DatasetError(UNGUARDED) from error
            raise DatasetError("a worker process died, perhaps for want of memory; go on with --resume") from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


UNGUARDED = 'no worker process could start; what a script does belongs under `if __name__ == "__main__":`'
MARK = "FILM_DEGRADE_WORKER"
"""In the environment of workers."""

_own: Work


def end_unguarded() -> None:
    """Ends a worker that, as it starts, runs a script which would start workers of its own.

    Each worker imports the script. Its parent says in one line what is wrong.
    """
    if MARK in os.environ and getattr(multiprocessing.current_process(), "_inheriting", False):
        sys.exit(1)


def _start_worker(work: Work, begun: Any) -> None:
    global _own
    _own = work
    begun.set()
    keep_freed_memory()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which lets each job finish
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Ends this worker when its parent is killed, so that it never writes beside a resumed run."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _work(job: Any) -> Any:
    return _own(job)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes started meanwhile do linear algebra in one thread: they are as many as there are cores."""
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", MARK)
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _interrupt_held() -> Iterator[None]:
    """Delivers Ctrl-C only afterwards; processes started meanwhile never get it. POSIX only."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


QUIET = logging.CRITICAL
"""Dask's logs; what goes wrong is said once, by what is raised."""


def run_dask(work: Work, take: Next, address: str, count: int) -> Iterator[Any]:
    """Does all jobs on a Dask cluster, and yields what comes of each; jobs of workers that die are done again.

    Args:
        work: Pickled to the workers, which must see the same files.
        take: See `Next`.
        address: Of the scheduler, ``tcp://host:8786``; ``local`` starts one on this machine.
        count: Processes of a local one.

    Raises:
        SpecError: dask.distributed is not installed, or there is no scheduler.
        DatasetError: A job failed on several workers that died, or the scheduler did.
    """
    try:
        from distributed import Client, KilledWorker, LocalCluster, as_completed
        from distributed.utils import LoopRunner, silence_logging_cmgr
    except ImportError as error:
        raise SpecError("needs the extra `cluster`: pip install 'film-degrade[cluster]'", "--scheduler") from error
    if address == "local":
        with _one_thread_each():
            try:
                own = LocalCluster(n_workers=count, threads_per_worker=1, dashboard_address=None, silence_logs=QUIET)
            except RuntimeError as error:  # of its nannies
                raise DatasetError(UNGUARDED) from error
    else:
        try:
            LoopRunner().run_sync(_greet, address)
        except Exception as error:  # of what answers in its place, or of the address
            raise SpecError(f"no Dask scheduler answers at {address!r}", "--scheduler") from error
        own = None
    client = Client(own or address, timeout="10s", set_as_default=False)
    with silence_logging_cmgr(QUIET), own or nullcontext(), client:
        try:
            running, shared = as_completed(loop=client.loop), client.submit(_same, work, pure=False)  # sent once
            while True:
                places = 3 * max(1, sum(client.nthreads().values()))
                for job in itertools.islice(jobs_left(take), max(0, places - running.count())):
                    running.add(client.submit(_call, shared, job, pure=False))
                if running.is_empty():
                    return
                yield next(running).result()
        except KilledWorker as error:
            raise DatasetError(
                "a job's workers died one after the other, perhaps for want of memory; go on with --resume"
            ) from error
        except (CancelledError, OSError) as error:
            if isinstance(error, OSError) and error.errno:  # a job's own: Dask's have no number
                raise
            raise DatasetError("the Dask scheduler is gone; go on with --resume") from error


async def _greet(address: str) -> None:
    """Raises if none answers that speaks as a scheduler does; `Client` would wait on for a web server's words."""
    from distributed import Security, rpc

    async with rpc(address, connection_args=Security().get_connection_args("client")) as there:
        await asyncio.wait_for(there.identity(), 10)


def _same(work: Work) -> Work:
    return work


def _call(work: Work, job: Any) -> Any:
    return work(job)
