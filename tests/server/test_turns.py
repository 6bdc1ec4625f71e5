"""Taking turns: fair, bounded, on one thread, and nobody is kept who has left."""

import asyncio
import gc
import threading
import time
import weakref

import anyio
import pytest

from transformer_lab.server.turns import RoundRobin, StoppedError, TooBusyError

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture(autouse=True)
def no_loop_is_running():
    """The browser of other tests leaves its event loop running in this thread."""
    running = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    yield
    asyncio._set_running_loop(running)


@pytest.fixture
async def turns():
    worker = RoundRobin(slots=2, queue=2)
    yield worker
    await worker.close()


@pytest.fixture
async def gate(turns):
    """Keeps the worker busy in one step, until it is opened."""
    entered, opened = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def steps():
        loop.call_soon_threadsafe(entered.set)
        opened.wait(30)
        yield from ()

    turns.start(steps())
    await asyncio.wait_for(entered.wait(), 30)
    yield opened
    opened.set()


def numbers(name, n, log):
    for i in range(n):
        log.append((name, i))
        yield i


def letters(text):
    yield from text


async def until_over(generation) -> list:
    """Its items, and at last None or the exception that ended it."""
    items = []
    try:
        with anyio.fail_after(30):
            async for item in generation:
                items.append(item)
    except (StoppedError, ZeroDivisionError) as error:
        return [*items, error]
    return [*items, None]


async def test_a_short_text_does_not_wait_for_the_end_of_a_long_one(turns, gate):
    log = []
    long = turns.start(numbers("long", 100, log))
    short = turns.start(numbers("short", 3, log))
    gate.set()
    assert await until_over(long) == [*range(100), None]
    assert await until_over(short) == [*range(3), None]
    assert log.index(("short", 2)) <= 2 * 3 + 1  # no more than one step of the other between two


async def test_every_step_is_on_one_thread_and_at_most_so_many_take_turns(turns, gate):
    threads, live, most = set(), set(), []

    def steps(name):
        live.add(name)
        for _ in range(5):
            threads.add(threading.current_thread())
            most.append(len(live))
            yield name
        live.remove(name)

    started = [turns.start(steps(name)) for name in range(3)]
    gate.set()
    assert [await until_over(each) for each in started] == [[n] * 5 + [None] for n in range(3)]
    assert len(threads) == 1
    assert max(most) == 2


async def test_who_came_first_is_served_first(turns, gate):
    order = []
    started = [turns.start(numbers(name, 1, order)) for name in range(3)]
    gate.set()
    for generation in started:
        await until_over(generation)
    assert order == [(name, 0) for name in range(3)]


async def test_a_full_line_refuses_and_who_left_it_makes_room(turns, gate):
    waiting = [turns.start(letters("a")) for _ in range(3)]
    with pytest.raises(TooBusyError):
        turns.start(letters("b"))
    waiting[1].cancel()
    assert isinstance((await until_over(waiting[1]))[0], StoppedError)
    last = turns.start(letters("b"))
    gate.set()
    assert [await until_over(each) for each in (waiting[0], waiting[2], last)] == [
        ["a", None],
        ["a", None],
        ["b", None],
    ]


async def test_a_cancelled_text_is_closed_and_takes_no_further_step(turns):
    closed, log = threading.Event(), []

    def endless():
        try:
            while True:
                log.append(1)
                yield "more"
        finally:
            closed.set()

    generation = turns.start(endless())
    await anext(generation)
    generation.cancel()
    assert isinstance((await until_over(generation))[-1], StoppedError)
    assert closed.is_set()
    steps = len(log)
    await asyncio.sleep(0.05)
    assert len(log) == steps


async def test_a_step_that_is_under_way_when_cancelled_keeps_the_thread_until_its_end(turns):
    """Never two steps at once, not even of one that is cancelled."""
    entered, at_once, most = asyncio.Event(), [], []
    loop = asyncio.get_running_loop()

    def slow():
        at_once.append(1)
        most.append(len(at_once))
        loop.call_soon_threadsafe(entered.set)
        time.sleep(0.05)
        at_once.pop()
        yield "slow"

    first = turns.start(slow())
    second = turns.start(slow())
    await entered.wait()
    first.cancel()
    assert isinstance((await until_over(first))[-1], StoppedError)
    assert await until_over(second) == ["slow", None]
    assert max(most) == 1


async def test_a_mistake_ends_one_text_and_no_other(turns, gate):
    broken = turns.start(1 / (2 - i) for i in range(5))
    whole = turns.start(numbers("whole", 5, []))
    gate.set()
    assert isinstance((await until_over(broken))[-1], ZeroDivisionError)
    assert await until_over(whole) == [*range(5), None]


async def test_what_is_over_is_not_kept(turns):
    references = []
    for n in range(50):
        generation = turns.start(numbers("", n % 3 + 1, []))
        if n % 2:
            generation.cancel()
        references.append(weakref.ref(generation))
        await until_over(generation)
    del generation
    await until_over(turns.start(letters("")))
    gc.collect()
    assert sum(reference() is not None for reference in references) <= 1
    assert len(turns) <= 1


async def test_closing_tells_everybody_and_takes_nobody_in():
    turns = RoundRobin(slots=1)
    started = [turns.start(zeros()) for _ in range(3)]
    await anext(started[0])
    await turns.close()
    assert [type((await until_over(each))[-1]) for each in started] == [StoppedError] * 3
    with pytest.raises(StoppedError):
        turns.start(letters("a"))
    assert len(turns) == 0


def zeros():
    while True:
        yield 0
