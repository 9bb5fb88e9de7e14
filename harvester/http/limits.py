"""How much, how long and how often: the numbers one question to a portal is held to."""

from __future__ import annotations

from msgspec import Struct


class Limits(Struct, frozen=True, kw_only=True):
    """Bounds on one run's questions. Sizes are bytes, on the wire and decoded alike."""

    connect_s: float = 10.0
    """To reach one of the host's addresses and shake hands."""
    fall_back_s: float = 2.0
    """To reach an address while the host has another: a broken IPv6 route must not use up all the time."""
    read_gap_s: float = 30.0
    """Longest silence within an answer."""
    deadline_s: float = 300.0
    """Longest wait for one whole answer, headers included; our own work between reads is not counted."""
    stream_deadline_s: float = 1800.0
    """The same for ``Http.stream``."""
    run_s: float = 72 * 3600.0
    """Longest a run goes on asking, and so keeps a worker from other portals: 200,000 questions at one a second."""
    slowest_bytes_per_s: float = 1000.0
    """An answer slower than this over ``rate_window_s`` is given up."""
    rate_window_s: float = 60.0
    header_bytes: int = 256 * 1024
    memory_bytes: int = 256 * 1024**2
    """Largest answer of ``get`` and ``post``, which keep it in memory."""
    stream_bytes: int = 5 * 1024**3
    """Largest answer of ``stream``."""
    inflation: int = 200
    """Decoded bytes per byte on the wire, beyond the first ``inflation_free_bytes``."""
    inflation_free_bytes: int = 10 * 1024**2
    redirects: int = 5
    retries: int = 3
    """Further tries of one question after the first."""
    retries_a_run: int = 100
    first_wait_s: float = 1.0
    """Upper bound of the first random wait before a retry; it doubles with each."""
    longest_wait_s: float = 120.0
    """A portal that asks us to wait longer than this within a run is left alone: ``PortalBusy``."""
