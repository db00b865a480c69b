"""The servers that the tests stand on are real."""

import pytest
from django.db import connection


@pytest.mark.django_db
def test_postgresql_is_real() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone() == ("on",)
        cursor.execute("SHOW server_version_num")
        assert int(cursor.fetchone()[0]) >= 150000


def test_redis_is_real(redis_client) -> None:
    assert redis_client.info("server")["redis_mode"] == "standalone"
