"""Several hosts with everything on each, and any of them may die, freeze or be cut off at any moment."""

from random import Random

import pytest

from tests.prove.hosts.accidents import Accidents
from tests.prove.hosts.business_day import Day
from tests.prove.hosts.planted import ACKNOWLEDGES_EARLY, CLOCK_WAKES_NOBODY
from tests.prove.hosts.stage import staged
from tests.prove.hosts.work_under_way import WorkUnderWay
from tests.support.promises import Trials

_CUT_SECONDS, _LONG_CUT_SECONDS = 16.0, 60.0
# Leases last for a minute at most.
_MOST_SECONDS = 240.0
_LOST_AFTER_SECONDS = 20.0


@pytest.mark.promise(
    "Two hosts, killed, frozen and cut off: acknowledged is kept, nothing twice, all converge", trials=(0, 1)
)
def test_whatever_happens_to_hosts_and_servers_they_end_with_stripes_truth(trials: Trials) -> None:
    for seed in trials.seeds():
        with staged(hosts=2, seed=seed) as stage:
            random = Random(seed)
            accidents = Accidents(stage, random, cut_seconds=_LONG_CUT_SECONDS if trials.is_long else _CUT_SECONDS)
            day = Day(stage, random)
            day.live(accidents.some())
            trials.say(day.converge())
            day.stop()
            for host in stage.hosts:
                host.stop()
            assert list(day.violations()) == []


@pytest.mark.planted("webhooks are acknowledged before they are committed (two hosts)", trials=(0, 1))
def test_hosts_that_acknowledge_too_early_are_found(trials: Trials) -> None:
    for seed in trials.seeds():
        with staged(hosts=2, seed=seed, bug=ACKNOWLEDGES_EARLY) as stage:
            random = Random(seed)
            accidents, day = Accidents(stage, random, cut_seconds=_CUT_SECONDS), Day(stage, random)
            day.live([accidents.postgres_dies, accidents.a_process_dies, accidents.postgres_dies])
            day.stop()
            assert any(one.startswith("acknowledged and lost") for one in day.violations())


@pytest.mark.promise("Redis lost at random moments: syncs, previews and exports end all the same", trials=(0, 20))
def test_what_is_under_way_when_redis_is_lost_ends_without_anybodys_help(trials: Trials) -> None:
    losses = sum(1 for _ in trials.seeds())
    with staged(hosts=1, seed=trials.seed) as stage:
        work = WorkUnderWay(stage, trials.seed)
        work.lose(losses)
        seconds = work.seconds_until_over(_MOST_SECONDS)
        stage.hosts[0].stop()
        trials.say(work.said(losses, seconds))
        assert list(work.violations()) == []


@pytest.mark.planted("only a wake-up call in Redis says that there is work (losses of Redis)", trials=(0, 3))
def test_work_that_only_redis_knows_of_is_found_to_be_lost(trials: Trials) -> None:
    losses = sum(1 for _ in trials.seeds())
    with staged(hosts=1, seed=trials.seed, bug=CLOCK_WAKES_NOBODY) as stage:
        work = WorkUnderWay(stage, trials.seed)
        work.lose(losses)
        work.seconds_until_over(_LOST_AFTER_SECONDS)
        stage.hosts[0].stop()
        assert any(one.startswith(("sync", "preview")) for one in work.violations())
