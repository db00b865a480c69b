"""Addresses of the pages of accounts."""

from django.urls import path

from accounts import views

urlpatterns = [path("docs/errors", views.errors, name="errors_page")]
