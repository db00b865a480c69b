"""The explorer's pages."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.api.paging import ID_MAX
from accounts.problems import Problem
from rollup import pages


def blocks(request: HttpRequest) -> HttpResponse:
    """All blocks with live status."""
    return render(request, "rollup/blocks.html", {"page": pages.block_list()})


def block(request: HttpRequest, number: int) -> HttpResponse:
    """One block: what it did, its proof, its transaction."""
    if number > ID_MAX:
        raise Http404
    try:
        page = pages.block_page(number)
    except Problem as problem:
        raise Http404(problem.detail) from None
    # Not "block": within a template's block that is the block's own name.
    return render(request, "rollup/block.html", {"page": page, "facts": page["block"]})


@login_required
def self_custody(request: HttpRequest) -> HttpResponse:
    """A key of one's own, made and kept in the browser; the page itself talks to REST."""
    return render(request, "rollup/self-custody.html", pages.custody_page())
