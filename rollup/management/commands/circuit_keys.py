"""manage.py circuit_keys: make the keys of a circuit, write what a ceremony needs, or take a ceremony's keys."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from rollup.prover import keys
from rollup.prover.circuits import NAMES


class Command(BaseCommand):
    """Prints what is being done, then what is there."""

    help = "Make a circuit's keys where they are missing, or import those of a ceremony, and say what is there."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which circuit; a ceremony's file."""
        parser.add_argument("name", nargs="?", choices=NAMES, default=getattr(settings, "ROLLUP_PARAMETERS", "dev"))
        parser.add_argument("--r1cs", type=Path, metavar="FILE", help="write the circuit as a ceremony needs it")
        parser.add_argument("--ceremony", type=Path, metavar="ZKEY", help="a .zkey, verified by snarkjs before")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make or import them."""
        try:
            if options["ceremony"]:
                files = keys.import_ceremony(options["name"], options["ceremony"], self.stdout.write)
            else:
                files = keys.ensure(options["name"], self.stdout.write)
            if options["r1cs"]:
                keys.export_r1cs(options["name"], options["r1cs"])
        except keys.KeysFailed as error:
            raise CommandError(str(error)) from error
        self.stdout.write(
            f"{files.name}: {files.info['constraints']:,} constraints, {files.info['setup']}, in {files.proving.parent}"
        )
        self.stdout.write(f"verifying key {files.fingerprint}")
        if files.is_unsafe:
            self.stderr.write(self.style.WARNING(keys.UNSAFE))
