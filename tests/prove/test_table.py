"""The table of what was proved adds up what belongs together, and says how to see a violation again."""

from tests.support.promise_table import Proved, printed

HELD = Proved("No event is lost", is_planted=False, trials=40, violations=0, seconds=2.0, seed=11, reproduction="")
AGAIN = "python -m pytest tests/x.py::test_y --prove --seed 13 --trials 1"


def test_table_sums_a_promise_over_its_tests_and_says_how_to_see_a_violation_again() -> None:
    violated = HELD._replace(trials=3, violations=1, reproduction=AGAIN)
    missed = HELD._replace(promise="the rows are forgotten", is_planted=True, violations=1, reproduction="other")

    lines = [line.split() for line in printed([HELD, violated, missed])]

    assert ["No", "event", "is", "lost", "43", "1", "11"] in lines
    assert ["the", "rows", "are", "forgotten", "40", "2.0", "NO"] in lines
    assert ["to", "see", "it", "again:", *AGAIN.split()] in lines
    assert " ".join(lines[-1]) == "0 of 1 promises held; 0 of 1 planted bugs were found"
