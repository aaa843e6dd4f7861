"""SQLSTATEs with which PostgreSQL may refuse a statement."""

import re

# https://www.postgresql.org/docs/current/errcodes-appendix.html: at least one of each class that a statement can meet.
SQLSTATES = re.findall(
    r"\w+",
    """
    08000 08006 0A000 21000 22000 22001 22003 22021 22P02 22P05 23502 23505 23514 25006 25P02 28000 2D000 40000 40001
    40002 40003 40P01 42501 42P01 42703 42883 53000 53100 53200 53300 53400 54000 54001 55000 55006 55P03 57000 57014
    57P01 57P02 57P03 58000 58030 72000 F0000 HV000 P0001 P0002 XX000 XX001 XX002 EV403 EV409 EV410
    """,
)
