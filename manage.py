#!/usr/bin/env python
"""Django's command-line entry point."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "exchange.settings")
    from django.core.management import execute_from_command_line

    from exchange.away import why_away

    try:
        execute_from_command_line(sys.argv)
    except Exception as error:
        reason = why_away(error)
        if not reason:
            raise
        sys.exit(f"{sys.argv[1]}: {reason}")


if __name__ == "__main__":
    main()
