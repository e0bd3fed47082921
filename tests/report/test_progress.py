"""Progress: few plain lines where nobody looks, one live line in a terminal."""

import io

import pytest
from rich.console import Console

import nao
from nao.report import observer
from nao.report.progress import Live, Pace
from tests.fakes import LinearEncoder, PairSpace, SumEvaluator


class Clock:
    """Time that only passes when it is told to."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr("nao.report.progress.time", clock)
    return clock


class Slow(SumEvaluator):
    """Takes three seconds of the clock for each architecture."""

    clock = None

    def evaluate(self, requests):
        for result in super().evaluate(requests):
            self.clock.now += 3.0
            yield result


def lines(clock, out=None, evaluator=None, **settings):
    """The lines that a search of 40 + 2 x 10 architectures prints."""
    console = Console(file=io.StringIO(), width=80)
    evaluator = evaluator or Slow(failing=())
    evaluator.clock = clock
    defaults = {"iterations": 2, "seeds": 5, "initial": 40, "new": 10}
    nao.optimize(
        PairSpace(),
        evaluator,
        LinearEncoder(),
        out=out,
        observer=observer(console),
        **{**defaults, **settings},
    )
    return console.file.getvalue().splitlines()


def test_plain_lines_say_what_is_done(clock):
    text = lines(clock)
    assert text[0] == "searching: 60 architectures to evaluate, 40 of them initial"
    assert text[1] == "initial: training 40 architectures"
    # One at most every ten seconds: here every fourth architecture.
    between = [line for line in text if " left" in line and line.startswith("initial")]
    assert [line.split()[1] for line in between] == [f"{n}/60," for n in range(4, 41, 4)]
    assert between[0].endswith("2:48 left")
    assert "iteration 1 of 2: fitting the encoder to 40 architectures" in text
    assert "iteration 2 of 2: training 10 architectures" in text
    assert text[-1].startswith("iteration 2 of 2: mean ")


def test_the_last_set_need_not_be_evaluated(clock):
    text = lines(clock, evaluate_last=False)
    assert text[0] == "searching: 50 architectures to evaluate, 40 of them initial"
    assert text[-1] == "iteration 2 of 2: fitting the encoder to 50 architectures"


def test_there_are_never_many_lines(clock):
    text = lines(clock, initial=1000, iterations=0)
    assert len(text) <= 3 + 10


def test_the_best_so_far_is_shown(clock):
    console = Console(file=io.StringIO())
    watching = observer(console)
    evaluator = Slow(failing=())
    evaluator.clock = clock
    found = nao.optimize(PairSpace(), evaluator, LinearEncoder(), iterations=0, initial=8, observer=watching)
    scores = [trial.score for trial in found.trials]
    shown = [line for line in console.file.getvalue().splitlines() if "/8" in line]
    order = [2, 1, 0, 5]  # as they finish on three devices
    assert f"best {max(scores[i] for i in order):.4f}" in shown[0]


def test_going_on_and_being_complete(clock, tmp_path):
    lines(clock, tmp_path, iterations=1)
    text = lines(clock, tmp_path, iterations=2)
    assert text[0] == "going on: 50 of 60 architectures are evaluated"
    assert not any(line.startswith(("initial", "iteration 1")) for line in text)
    assert lines(clock, tmp_path) == ["this search is complete; nothing is left to evaluate"]


def test_a_terminal_gets_one_live_line():
    console = Console(
        file=io.StringIO(), width=100, force_terminal=True, color_system=None, legacy_windows=False
    )
    watching = observer(console)
    assert isinstance(watching, Live)
    nao.optimize(
        PairSpace(),
        SumEvaluator(pause=0.01),
        LinearEncoder(),
        iterations=1,
        initial=40,
        new=20,
        seeds=5,
        observer=watching,
    )
    text = console.file.getvalue()
    assert "60/60" in text
    assert "left" in text
    assert "initial: training" in text
    assert "iteration 1 of 1: mean" in text
    assert text.count("searching") == 1
    assert "\x1b[?25h" in text  # the cursor is shown again


def test_the_bar_goes_away_when_a_search_is_interrupted():
    class Interrupted(SumEvaluator):
        def evaluate(self, requests):
            yield from list(super().evaluate(requests[:3]))
            raise KeyboardInterrupt

    console = Console(file=io.StringIO(), force_terminal=True)
    with pytest.raises(KeyboardInterrupt):
        nao.optimize(PairSpace(), Interrupted(), LinearEncoder(), observer=observer(console))
    assert "\x1b[?25h" in console.file.getvalue()


def test_pace(clock):
    pace = Pace()
    assert pace.left(10, 1) is None
    pace.start()
    clock.now = 5.0
    pace.fitted()
    for _ in range(4):
        clock.now += 2.0
        pace.evaluated()
    assert pace.left(10, 3) == 10 * 2.0 + 3 * 5.0


def test_compiling_is_said_and_is_not_the_pace_of_the_children(clock):
    class Compiling(Slow):
        compiled = False

        def prepare(self):
            if not self.compiled:
                yield "compiling"
                self.clock.now += 60.0
                self.compiled = True

    text = lines(clock, evaluator=Compiling(failing=()), iterations=1)
    assert text[1:3] == ["initial: compiling", "initial: training 40 architectures"]
    first = next(line for line in text if " left" in line)
    assert first.endswith("2:18 left")  # 46 times three seconds
    assert sum("compiling" in line for line in text) == 1


def test_failures_are_said_with_their_commonest_reason(clock):
    evaluator = Slow(failing=tuple(range(10)))
    evaluator.clock = clock
    console = Console(file=io.StringIO(), width=80)
    nao.optimize(
        PairSpace(), evaluator, LinearEncoder(), initial=20, iterations=0, observer=observer(console)
    )
    last = console.file.getvalue().splitlines()[-1]
    assert "20 failed: " in last
    assert "diverged" in last or "its score is nan" in last


def test_what_happens_to_the_evaluator_is_said_when_it_happens(clock):
    class Shaken(Slow):
        said = ()

        def evaluate(self, requests):
            for result in super().evaluate(requests):
                self.said = ["this machine: its process died"] * (len(self.evaluated) == 3)
                yield result

        def notices(self):
            said, self.said = self.said, ()
            return said

    text = lines(clock, evaluator=Shaken(failing=()), iterations=1)
    assert text.count("initial: this machine: its process died") == 1
