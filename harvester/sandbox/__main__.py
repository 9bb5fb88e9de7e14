"""``python -m harvester.sandbox``: the make-believe federation until Ctrl-C."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime, timezone
from threading import Event

from harvester.sandbox.serve import serve
from harvester.sandbox.world import SIZE


def main() -> None:
    """Serve and say where; ticks are dated by the real time."""
    parser = argparse.ArgumentParser(prog="python -m harvester.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=8099)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", type=int, default=SIZE, help="datasets in all")
    arguments = parser.parse_args()
    with serve(
        arguments.port, arguments.seed, arguments.size, clock=lambda: datetime.now(timezone.utc)
    ) as sandbox:
        for source in sandbox.sources():
            sys.stdout.write(f"{source.kind:9} {source.url:50} {source.title}\n")
        sys.stdout.write(
            f"\nPOST {sandbox.address}/_sandbox/tick lets time pass; POST {sandbox.address}/_sandbox/fault"
            ' {"portal": "zj-hangzhou", "name": "half-listing"} breaks something, {"name": null} mends it.\n'
        )
        sys.stdout.flush()
        try:
            Event().wait()
        except KeyboardInterrupt:
            sys.stdout.write("\n")


if __name__ == "__main__":
    main()
