"""The API's own pages in a real browser: they draw themselves from our own files, under our own policy."""

from playwright.sync_api import expect

from tests.browser.conftest import Complaints


def test_the_openapi_page_draws_itself_and_asks_nobody_else(browser, stack):
    context = browser.new_context()
    page = context.new_page()
    complaints = Complaints()
    complaints.watch(page)
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{stack.base_url}/api/v1/docs")
    expect(page.get_by_text("Place an order", exact=True)).to_be_visible()
    expect(page.locator(".opblock")).not_to_have_count(0)
    assert [url for url in asked if not url.startswith((stack.base_url, "data:"))] == []
    assert complaints.found == []
    context.close()


def test_a_problem_leads_to_its_row(browser, stack):
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{stack.base_url}/api/v1/orders")
    page.goto(f"{stack.base_url}/docs/errors#price_band")
    expect(page.locator("#price_band")).to_be_in_viewport()
    expect(page.locator("#price_band")).to_contain_text("422")
    context.close()
