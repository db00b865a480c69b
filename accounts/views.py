"""Pages of accounts."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.problems import PROBLEMS


def errors(request: HttpRequest) -> HttpResponse:
    """The table of error codes; problem documents point at its rows."""
    return render(request, "accounts/errors.html", {"problems": PROBLEMS})
