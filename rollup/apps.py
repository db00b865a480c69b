from django.apps import AppConfig


class RollupConfig(AppConfig):
    name = "rollup"
