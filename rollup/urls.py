"""Addresses of the explorer's pages."""

from django.urls import path

from rollup import views

urlpatterns = [
    path("blocks/", views.blocks, name="blocks_page"),
    path("blocks/<int:number>/", views.block, name="block_page"),
    path("self-custody/", views.self_custody, name="self_custody_page"),
]
