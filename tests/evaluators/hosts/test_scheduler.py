"""The scheduler, told what happened and what time it is: who has what, and what becomes of it."""

import numpy as np
import pytest

from nao.core import Fidelity, Request, Result
from nao.evaluators.hosts.messages import Ended, HostInfo, Report
from nao.evaluators.hosts.scheduler import MOST_LOSSES, Scheduler
from tests.evaluators.hosts.simulation import answered, requests, simulate

GIB = 2**30


def failed(request, reason):
    return Ended("answered", Result(request, status="failed", reason=reason).facts())


def had(scheduler, name):
    """The attempts that a host should have, by request."""
    return {attempt.request: attempt.id for attempt in scheduler.orders(name).attempts}


def say(scheduler, name, ended=None, running=None, now=0.0):
    """Has a host answer its newest orders."""
    orders = scheduler.orders(name)
    waiting = {each.id for each in orders.attempts} - set(ended or {}) - set(running or {})
    scheduler.observe(name, Report(orders.number, frozenset(waiting), running or {}, ended or {}), now)


def started(*infos, n=4, **options):
    scheduler = Scheduler(**options)
    for info in infos:
        scheduler.join(info, 0.0)
    asked = requests(n)
    scheduler.submit(asked)
    return scheduler, asked


class TestLeases:
    def test_while_many_wait_a_host_has_more_than_it_works_on_and_the_last_find_a_free_device(self):
        scheduler, _ = started(HostInfo("a", 2), HostInfo("b", 2), n=14)
        assert len(had(scheduler, "a")) == 6
        assert len(had(scheduler, "b")) == 4  # four are held back, for whichever device is free first
        assert had(scheduler, "a").keys().isdisjoint(had(scheduler, "b"))

    def test_a_result_that_arrives_twice_is_recorded_once(self):
        scheduler, (request, *_) = started(HostInfo("a", 1), n=2)
        ended = {had(scheduler, "a")[request]: answered(request)}
        orders = scheduler.orders("a")
        for _ in range(2):
            scheduler.observe("a", Report(orders.number, ended=ended), 0.0)
        assert [result.request for result in scheduler.take()] == [request]
        assert scheduler.take() == []
        assert scheduler.unanswered == 1

    def test_orders_are_new_only_when_they_are_others(self):
        scheduler, (request, *_) = started(HostInfo("a", 1), n=1)
        first = scheduler.orders("a")
        assert scheduler.orders("a") == first
        say(scheduler, "a", {had(scheduler, "a")[request]: answered(request)})
        assert scheduler.orders("a").number > first.number
        assert scheduler.orders("a").attempts == ()

    def test_what_is_withdrawn_is_ended_and_never_answered(self):
        scheduler, asked = started(HostInfo("a", 1), n=3)
        before = had(scheduler, "a")
        scheduler.withdraw()
        assert had(scheduler, "a") == {}
        say(scheduler, "a", {before[asked[0]]: answered(asked[0])})
        assert (scheduler.take(), scheduler.unanswered) == ([], 0)

    def test_an_answer_that_is_none_is_a_failure_of_its_child(self):
        scheduler, (request,) = started(HostInfo("a", 1), n=1)
        say(scheduler, "a", {had(scheduler, "a")[request]: Ended("answered", {"score": "high", "color": 3})})
        (result,) = scheduler.take()
        assert result.status == "failed"
        assert result.reason.startswith("its host answered with no result: ")

    def test_what_is_asked_twice_is_answered_once(self):
        scheduler, (request,) = started(HostInfo("a", 4), n=1)
        scheduler.submit([request, request])
        assert len(had(scheduler, "a")) == 1


class TestHostsThatGoAway:
    def test_what_a_host_had_is_the_first_to_be_tried_again(self):
        scheduler, asked = started(HostInfo("a", 1), HostInfo("b", 1), n=9)
        of_a = had(scheduler, "a")
        scheduler.leave("a", "the connection is lost")
        of_b = had(scheduler, "b")
        assert set(of_b) <= set(of_a)
        assert set(of_b.values()).isdisjoint(of_a.values())  # other attempts
        assert scheduler.lost == len(of_a)
        assert scheduler.unanswered == len(asked)

    def test_a_host_that_starts_anew_has_lost_what_it_had(self):
        scheduler, _ = started(HostInfo("a", 1), n=1)
        before = had(scheduler, "a")
        scheduler.join(HostInfo("a", 1), 1.0)
        assert had(scheduler, "a").keys() == before.keys()
        assert had(scheduler, "a") != before

    def test_a_host_that_does_not_know_what_it_was_told_has_lost_it(self):
        scheduler, (request,) = started(HostInfo("a", 1), n=1)
        before, orders = had(scheduler, "a"), scheduler.orders("a")
        scheduler.observe("a", Report(orders.number - 1), 0.0)  # from before it was told
        assert had(scheduler, "a") == before
        scheduler.observe("a", Report(orders.number), 0.0)
        assert had(scheduler, "a")[request] != before[request]

    def test_a_child_with_which_host_after_host_goes_away_is_given_up(self):
        scheduler, (request, other) = started(n=2)
        for i in range(MOST_LOSSES + 1):
            assert scheduler.unanswered == 2
            scheduler.join(HostInfo(f"host {i}", 2), 0.0)
            ids = had(scheduler, f"host {i}")
            assert list(ids) == ([request, other] if i < MOST_LOSSES else [request])
            say(scheduler, f"host {i}", running={ids[request]: 1.0})
            scheduler.leave(f"host {i}", "no answer")
        (result,) = scheduler.take()
        assert result.reason == "4 hosts went away while they worked on it, the last one host 3: no answer"
        assert result.request == request

    def test_a_host_that_wants_to_leave_keeps_what_it_has_begun_and_gets_nothing_more(self):
        scheduler, asked = started(HostInfo("a", 1), n=3)
        ids = had(scheduler, "a")
        begun, *others = (request for request in asked if request in ids)
        orders = scheduler.orders("a")
        waiting = frozenset(ids[request] for request in others)
        scheduler.observe("a", Report(orders.number, waiting, {ids[begun]: 1.0}, leaving=True), 1.0)
        assert had(scheduler, "a") == {begun: ids[begun]}
        scheduler.join(HostInfo("b", 3), 1.0)
        assert set(had(scheduler, "b")) == set(asked) - {begun}
        scheduler.observe("a", Report(9, ended={ids[begun]: answered(begun)}, leaving=True), 2.0)
        assert not had(scheduler, "a")
        assert [result.request for result in scheduler.take()] == [begun]
        scheduler.leave("a", "it has left")
        assert scheduler.lost == 0

    def test_a_host_that_leaves_makes_no_room_for_a_suspect(self):
        scheduler, (suspect, *_) = started(HostInfo("a", 2), HostInfo("b", 2), n=4)
        ids = had(scheduler, "a")
        had(scheduler, "b")
        say(scheduler, "a", {ids[suspect]: Ended("died", reason="so")})
        running = dict.fromkeys(had(scheduler, "a").values(), 1.0)
        scheduler.observe("a", Report(9, running=running, leaving=True), 1.0)
        assert suspect not in had(scheduler, "a")
        say(scheduler, "b", {id: answered(request) for request, id in had(scheduler, "b").items()})
        assert set(had(scheduler, "b")) == {suspect}

    def test_a_host_that_is_not_heard_of(self):
        scheduler, _ = started(HostInfo("a", 1), HostInfo("b", 1))
        say(scheduler, "a", now=50.0)
        assert scheduler.silent(now=70.0, seconds=60.0) == ["b"]


class TestDeaths:
    def test_those_that_died_together_are_tried_alone_and_one_of_them_is_the_cause(self):
        scheduler, asked = started(HostInfo("a", 2), n=6)
        ids = had(scheduler, "a")
        one, other = asked[:2]
        died = Ended("died", reason="signal 11")
        say(scheduler, "a", {ids[one]: died, ids[other]: died})
        assert not scheduler.take()
        # First what it still has, then one after the other with nothing else.
        rest = asked[2:4]
        assert list(had(scheduler, "a")) == rest
        say(scheduler, "a", {ids[each]: answered(each) for each in rest})
        assert list(had(scheduler, "a")) == [one]
        say(scheduler, "a", {had(scheduler, "a")[one]: died})
        assert list(had(scheduler, "a")) == [other]
        say(scheduler, "a", {had(scheduler, "a")[other]: answered(other)})
        assert len(had(scheduler, "a")) == 2
        found = {result.request: result for result in scheduler.take()}
        assert found[one].reason == (
            "its process died twice, the second time with nothing else in it: signal 11"
        )
        assert found[other].status == "ok"

    def test_only_the_idlest_of_several_hosts_makes_room(self):
        scheduler, _ = started(HostInfo("a", 1), HostInfo("b", 2), n=20)
        ids = {name: had(scheduler, name) for name in "ab"}
        (victim,) = list(ids["a"])[:1]
        say(scheduler, "a", {ids["a"][victim]: Ended("died", reason="killed")})
        assert len(had(scheduler, "a")) == 2  # gets nothing new
        assert len(had(scheduler, "b")) == 6

    def test_a_host_that_made_room_in_vain_goes_on(self):
        scheduler, _ = started(HostInfo("a", 1), HostInfo("b", 1), n=12)
        ids = {name: had(scheduler, name) for name in "ab"}
        (victim, *rest) = ids["a"]
        say(scheduler, "a", {ids["a"][victim]: Ended("died", reason="killed")})
        assert set(had(scheduler, "a")) == set(rest)  # makes room
        say(scheduler, "b", {ids["b"][each]: answered(each) for each in ids["b"]})
        assert list(had(scheduler, "b")) == [victim]  # has it already
        say(scheduler, "a", {ids["a"][each]: answered(each) for each in rest})
        assert victim not in had(scheduler, "a")
        assert had(scheduler, "a")


class TestTimeOuts:
    def test_one_that_is_given(self):
        scheduler, (slow, quick) = started(HostInfo("a", 2), n=2, timeout=10.0)
        ids = had(scheduler, "a")
        say(scheduler, "a", running={ids[slow]: 9.9, ids[quick]: 1.0})
        assert not scheduler.take()
        say(scheduler, "a", running={ids[slow]: 10.1, ids[quick]: 1.2})
        (result,) = scheduler.take()
        assert result.request == slow
        assert result.reason == "stopped after 10 s: children have 10 s (--child-timeout)"
        assert list(had(scheduler, "a")) == [quick]

    @pytest.mark.parametrize(("seconds", "limit"), [(1.0, 60), (100.0, 2000)])
    def test_one_that_follows_from_those_that_finished(self, seconds, limit):
        scheduler, asked = started(HostInfo("a", 6), n=6)
        ids = had(scheduler, "a")
        last = asked[-1]
        say(scheduler, "a", running={ids[last]: 80_000.0})  # until five have finished they have a day
        say(scheduler, "a", {ids[each]: answered(each, seconds) for each in asked[:5]})
        assert len(scheduler.take()) == 5
        say(scheduler, "a", running={ids[last]: limit - 0.1})
        assert not scheduler.take()
        say(scheduler, "a", running={ids[last]: limit + 0.1})
        (result,) = scheduler.take()
        assert "20 times the median of those that finished" in result.reason

    def test_children_of_another_fidelity_have_a_median_of_their_own(self):
        scheduler, asked = started(HostInfo("a", 6), n=5)
        ids = had(scheduler, "a")
        say(scheduler, "a", {ids[each]: answered(each) for each in asked})
        dear = Request(asked[0].architecture, 9, Fidelity("dear", 10_000))
        scheduler.submit([dear])
        say(scheduler, "a", running={had(scheduler, "a")[dear]: 5000.0})
        assert [result.request for result in scheduler.take()] == asked


class TestMemory:
    def test_a_child_without_enough_is_tried_where_there_is_more(self):
        scheduler, (request,) = started(HostInfo("small", 1, memory=GIB), n=1)
        scheduler.join(HostInfo("large", 1, memory=8 * GIB), 0.0)
        say(scheduler, "small", {had(scheduler, "small")[request]: failed(request, "out of memory: x")})
        assert had(scheduler, "small") == {}
        assert list(had(scheduler, "large")) == [request]
        say(scheduler, "large", {had(scheduler, "large")[request]: failed(request, "out of memory: y")})
        assert [result.reason for result in scheduler.take()] == ["out of memory: y"]

    def test_where_there_is_none_any_more_it_has_failed(self):
        scheduler, asked = started(HostInfo("small", 2, memory=GIB), n=2)
        scheduler.join(HostInfo("large", 1, memory=8 * GIB), 0.0)
        ids = had(scheduler, "small")
        say(scheduler, "small", {ids[asked[0]]: failed(asked[0], "out of memory: x")})
        scheduler.leave("large", "it was turned off")
        assert [result.reason for result in scheduler.take()] == ["out of memory: x"]

    def test_where_all_have_the_same_it_has_failed(self):
        scheduler, (request,) = started(HostInfo("a", 1, memory=GIB), HostInfo("b", 1, memory=GIB), n=1)
        say(scheduler, "a", {had(scheduler, "a")[request]: failed(request, "out of memory: x")})
        assert len(scheduler.take()) == 1


def test_devices_are_busy_and_wait_for_nothing():
    found = simulate(hosts=10, devices=8, children=1600)
    assert len({result.request for result in found.answers}) == len(found.answers) == 1600
    assert found.longest_gap < 1.0
    assert found.busy > 0.97


def test_nothing_is_lost_and_nothing_is_answered_twice_when_hosts_go_away():
    found = simulate(hosts=10, devices=4, children=800, deaths=0.05)
    assert len({result.request for result in found.answers}) == len(found.answers) == 800
    assert {result.status for result in found.answers} == {"ok"}


@pytest.mark.parametrize("seed", range(60))
def test_whatever_happens_everything_is_answered_once(seed):
    """Hosts join, go away, start anew and forget; children die, run out of memory and hang, in any order."""
    rng = np.random.default_rng(seed)
    scheduler, asked = started(n=30, timeout=100.0)
    answers, names, made = [], {}, 0

    def report(name, ended):
        left = [id for id in had(scheduler, name).values() if id not in ended and rng.random() > 0.03]
        running = {id: 1000.0 if rng.random() < 0.03 else 1.0 for id in left}
        scheduler.observe(name, Report(scheduler.orders(name).number, frozenset(), running, ended), 0.0)

    for _ in range(400):
        event = rng.random()
        if event < 0.1 and len(names) < 4:
            made += 1
            names[f"host {made}"] = HostInfo(
                f"host {made}", int(rng.integers(1, 4)), memory=int(rng.integers(3))
            )
            scheduler.join(names[f"host {made}"], 0.0)
        elif names:
            name = str(rng.choice(list(names)))
            leases = had(scheduler, name)
            some = [each for each in leases if rng.random() < 0.5]
            if event < 0.15:
                scheduler.leave(name, "gone")
                del names[name]
            elif event < 0.2:
                scheduler.join(names[name], 0.0)
            elif event < 0.35:
                report(name, {leases[each]: Ended("died", reason="killed") for each in some})
            elif event < 0.45:
                report(name, {leases[each]: failed(each, "out of memory: all of it") for each in some})
            else:
                report(name, {leases[each]: answered(each) for each in some[:1]})
        answers.extend(scheduler.take())
    if not names:
        names["last"] = HostInfo("last", 1)
        scheduler.join(names["last"], 0.0)
    for _ in range(200):  # from now on all goes well
        for name in names:
            leases = had(scheduler, name)
            say(scheduler, name, {id: answered(each) for each, id in leases.items()})
        answers.extend(scheduler.take())
    assert scheduler.unanswered == 0
    assert sorted(result.request.seed for result in answers) == [request.seed for request in asked]
