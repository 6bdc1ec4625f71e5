"""Taking turns: fair, bounded, on one thread, and nobody is kept who has left."""

import gc
import threading
import weakref
from queue import Queue

import pytest

from transformer_lab.server.turns import StoppedError, TakingTurns, TooBusyError


@pytest.fixture
def turns():
    worker = TakingTurns(places=2, line=3)
    yield worker
    worker.close()


@pytest.fixture
def gate(turns):
    """Keeps the worker busy in one step, until it is opened."""
    entered, opened = threading.Event(), threading.Event()

    def steps():
        entered.set()
        opened.wait(30)
        yield from ()

    turns.start(steps, lambda item: None)
    assert entered.wait(30)
    yield opened
    opened.set()


def numbers(name, n, log):
    for i in range(n):
        log.append((name, i))
        yield i


def until_over(heard: Queue) -> list:
    items = []
    while not (items and (items[-1] is None or isinstance(items[-1], Exception))):
        items.append(heard.get(timeout=30))
    return items


def test_a_short_text_does_not_wait_for_the_end_of_a_long_one(turns, gate):
    log, long, short = [], Queue(), Queue()
    turns.start(lambda: numbers("long", 100, log), long.put)
    turns.start(lambda: numbers("short", 3, log), short.put)
    gate.set()
    assert until_over(long) == [*range(100), None]
    assert until_over(short) == [*range(3), None]
    assert log.index(("short", 2)) <= 2 * 3 + 1  # no more than one step of the other between two


def test_every_step_is_on_one_thread_and_at_most_so_many_take_turns(turns, gate):
    threads, live, most, heard = set(), set(), [], [Queue() for _ in range(3)]

    def steps(name):
        live.add(name)
        for _ in range(5):
            threads.add(threading.current_thread())
            most.append(len(live))
            yield name
        live.remove(name)

    for name, queue in enumerate(heard):
        turns.start(lambda name=name: steps(name), queue.put)
    gate.set()
    assert [until_over(queue) for queue in heard] == [[name] * 5 + [None] for name in range(3)]
    assert len(threads) == 1
    assert max(most) == 2


def test_a_full_line_refuses_and_who_left_it_makes_room(turns, gate):
    heard = [Queue() for _ in range(4)]
    waiting = [turns.start(lambda: iter("a"), queue.put) for queue in heard[:3]]
    with pytest.raises(TooBusyError):
        turns.start(lambda: iter("b"), heard[3].put)
    waiting[1].cancel()
    turns.start(lambda: iter("b"), heard[3].put)
    assert isinstance(heard[1].get(timeout=30), StoppedError)
    gate.set()
    assert [until_over(heard[i]) for i in (0, 2, 3)] == [["a", None], ["a", None], ["b", None]]


def test_a_cancelled_text_is_closed_and_takes_no_further_step(turns):
    heard, closed, log = Queue(), threading.Event(), []

    def endless():
        try:
            while True:
                log.append(1)
                yield "more"
        finally:
            closed.set()

    generation = turns.start(endless, heard.put)
    heard.get(timeout=30)
    generation.cancel()
    assert closed.wait(30)
    steps = len(log)
    assert isinstance(until_over(heard)[-1], StoppedError)
    assert len(log) == steps


def test_a_mistake_ends_one_text_and_no_other(turns, gate):
    broken, whole = Queue(), Queue()
    turns.start(lambda: (1 / (2 - i) for i in range(5)), broken.put)
    turns.start(lambda: iter(range(5)), whole.put)
    gate.set()
    assert isinstance(until_over(broken)[-1], ZeroDivisionError)
    assert until_over(whole) == [*range(5), None]


def test_what_is_over_is_not_kept(turns):
    heard = Queue()
    references = []
    for n in range(50):
        generation = turns.start(lambda n=n: iter(range(n % 3 + 1)), heard.put)
        if n % 2:
            generation.cancel()
        references.append(weakref.ref(generation))
        until_over(heard)
    del generation
    until_over_of_one_more = Queue()
    turns.start(lambda: iter(()), until_over_of_one_more.put)
    until_over(until_over_of_one_more)
    gc.collect()
    assert sum(reference() is not None for reference in references) <= 1
    assert len(turns) <= 1


def test_closing_tells_everybody_and_takes_nobody_in():
    turns = TakingTurns(places=1)
    heard = [Queue() for _ in range(3)]
    for queue in heard:
        turns.start(lambda: iter(int, 1), queue.put)
    heard[0].get(timeout=30)
    turns.close()
    assert all(isinstance(until_over(queue)[-1], StoppedError) for queue in heard)
    with pytest.raises(StoppedError):
        turns.start(lambda: iter("a"), heard[0].put)
    assert len(turns) == 0
