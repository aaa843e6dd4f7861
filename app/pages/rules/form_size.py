"""How large forms about rules may be: a table has thousands of lines."""

from flask import Blueprint, request

LONGEST_FORM_BYTES = 4 * 1024 * 1024


def limit_large_forms(blueprint: Blueprint) -> None:
    """Limit the size of request bodies of a blueprint's routes."""

    @blueprint.before_request
    def refuse_long_forms() -> None:
        request.max_content_length = LONGEST_FORM_BYTES
        request.max_form_memory_size = LONGEST_FORM_BYTES
