"""What a snapshot binds in statements about its tables: the company, the build and the position."""

from sqlalchemy import BigInteger, ColumnElement, Integer, bindparam

COMPANY_ID: ColumnElement[int] = bindparam("company_id", type_=BigInteger)
BUILD: ColumnElement[int] = bindparam("build", type_=Integer)
POSITION: ColumnElement[int] = bindparam("position", type_=BigInteger)
