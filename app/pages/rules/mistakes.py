"""Say at the fields of the editor what is wrong with a rule, in the words of the form."""

import re

from projections.mapping.problems import InvalidRulesError, Problem

# Places in a rule, and the fields of the form that show them.
_PLACES = (
    (re.compile(r"/name"), "name"),
    (re.compile(r"/applies/from"), "from"),
    (re.compile(r"/applies/to"), "last_day"),
    (re.compile(r"/applies/by"), "by"),
    (re.compile(r"/conditions/(\d+)/field"), r"c\1.field"),
    (re.compile(r"/conditions/(\d+)/op"), r"c\1.op"),
    (re.compile(r"/conditions/(\d+)/value(?:/\d+)?"), r"c\1.value"),
    (re.compile(r"/conditions"), "conditions"),
    (re.compile(r"/outcome/shares/(\d+)/bp"), r"s\1.percent"),
    (re.compile(r"/outcome/shares/(\d+)/(?:stream_id|plan_id)"), r"s\1.target"),
    (re.compile(r"/outcome/shares/(\d+)/kind"), r"s\1.kind"),
    (re.compile(r"/outcome/shares/(\d+)/treatment/n"), r"s\1.months"),
    (re.compile(r"/outcome/shares/(\d+)/treatment(?:/\w+)?"), r"s\1.treatment"),
    (re.compile(r"/outcome/shares"), "shares"),
    (re.compile(r"/lookup/field"), "lookup.field"),
    (re.compile(r"/lookup/table(?:/.*)?"), "table"),
)
# What is said of documents, in the words of the form.
_SAID = (
    (re.compile(r"A whole number from 1 to 10000 is expected here\."), "Enter a percentage from 0.01 to 100."),
    (re.compile(r"A whole number from -\d+ to \d+ is expected here\."), "Enter a whole number."),
    (re.compile(r"A whole number from (\d+) to (\d+) is expected here\."), r"Enter a number from \1 to \2."),
    (re.compile(r"(They have to come to 100 %): 10000 basis points\."), r"\1."),
    (re.compile(r"A text is expected here\."), "Enter a value."),
    (re.compile(r"A table with 1 to (\d+) entries is expected here.*"), r"Add a line. At most \1 are possible."),
    (re.compile(r"Revenue needs a stream to be reported in\."), "Choose a stream."),
    (re.compile(r"There is no field “\w+\.metadata\.”.*"), "Enter the key of the metadata, up to 40 characters."),
    (re.compile(r"Write a date as year-month-day.*"), "Enter a day."),
    (re.compile(r"This is missing\."), "Fill this in."),
)
_ELSEWHERE = "rule"


def mistakes_in(error: InvalidRulesError, pointer: str) -> dict[str, str]:
    """Return what is wrong with the rule at `pointer`, by field; what is wrong elsewhere, under `rule`."""
    mistakes: dict[str, str] = {}
    for problem in error.problems:
        field = _field(problem, pointer)
        said = _in_words(problem.detail)
        if said not in mistakes.get(field, ""):
            mistakes[field] = f"{mistakes[field]} {said}" if field in mistakes else said
    return mistakes


def _field(problem: Problem, pointer: str) -> str:
    if not problem.pointer.startswith(f"{pointer}/"):
        return _ELSEWHERE
    place = problem.pointer.removeprefix(pointer)
    return next((found.expand(field) for known, field in _PLACES if (found := known.fullmatch(place))), _ELSEWHERE)


def _in_words(detail: str) -> str:
    for known, said in _SAID:
        if found := known.search(detail):
            return detail.replace(found[0], found.expand(said))
    return detail
