"""What goes wrong is answered with a page or a problem document, never with a stack trace."""

import pytest
from django.test import Client, override_settings
from django.urls import path

from exchange import urls


def broken(request: object) -> None:
    raise RuntimeError("secret inner detail")


urlpatterns = [path("broken", broken), *urls.urlpatterns]


@pytest.mark.django_db
def test_an_unknown_page_is_a_small_page() -> None:
    answer = Client().get("/no/such/page")
    assert answer.status_code == 404
    assert b"Nothing is served at this address" in answer.content
    assert answer["Content-Type"].startswith("text/html")


@pytest.mark.django_db
def test_an_unknown_address_of_the_api_is_a_problem() -> None:
    answer = Client().get("/api/v1/no/such/thing")
    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "not_found"


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/no/such/page", "/api/v1/no/such/thing", "/api/v1/account"])
def test_what_a_client_does_wrong_is_no_line_in_our_log(path: str, caplog: pytest.LogCaptureFixture) -> None:
    assert Client().get(path).status_code in (401, 404)
    assert [record for record in caplog.records if record.name == "django.request"] == []


@override_settings(ROOT_URLCONF=__name__)
def test_a_fault_of_ours_tells_nothing_of_the_inside() -> None:
    # No database mark: the page must not need what may be broken.
    answer = Client(raise_request_exception=False).get("/broken")
    assert answer.status_code == 500
    assert b"Something went wrong" in answer.content
    assert b"secret" not in answer.content and b"Traceback" not in answer.content


def test_a_foreign_host_name_is_refused_with_a_page() -> None:
    answer = Client().get("/", headers={"host": "evil.example"})
    assert answer.status_code == 400
    assert b"could not be understood" in answer.content


def test_a_form_without_its_token_is_refused_with_a_page() -> None:
    answer = Client(enforce_csrf_checks=True).post("/accounts/login/", {"login": "a", "password": "b"})
    assert answer.status_code == 403
    assert b"the form has expired" in answer.content
