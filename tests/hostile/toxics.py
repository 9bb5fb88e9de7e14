"""Toxiproxy's toxics: each takes a script and gives one that is worse."""

from __future__ import annotations

from collections.abc import Callable

from tests.hostile.talk import Script, Talk


def latency(script: Script, seconds: float) -> Script:
    """Answers late."""

    def late(talk: Talk) -> None:
        talk.wait(seconds)
        script(talk)

    return late


def bandwidth(script: Script, bytes_per_s: int) -> Script:
    """Sends no faster than this."""

    def narrow(talk: Talk) -> None:
        def transmit(onward: Callable[[bytes], None], data: bytes) -> None:
            step = max(1, bytes_per_s // 20)
            for start in range(0, len(data), step):
                onward(data[start:start + step])
                talk.wait(step / bytes_per_s)

        with talk.spoiled(transmit):
            script(talk)

    return narrow


def slow_close(script: Script, seconds: float) -> Script:
    """Keeps the connection a while before closing it."""

    def slow(talk: Talk) -> None:
        try:
            script(talk)
        finally:
            talk.wait(seconds)
        talk.hang_up()

    return slow


def timeout(seconds: float = 60.0) -> Script:
    """Takes the request, says nothing, then closes."""

    def mute(talk: Talk) -> None:
        talk.wait(seconds)
        talk.hang_up()

    return mute


def slicer(script: Script, size: int = 1) -> Script:
    """Sends small pieces, each on its own."""

    def sliced(talk: Talk) -> None:
        def transmit(onward: Callable[[bytes], None], data: bytes) -> None:
            for start in range(0, len(data), size):
                onward(data[start:start + size])

        with talk.spoiled(transmit):
            script(talk)

    return sliced


def limit_data(script: Script, most_bytes: int) -> Script:
    """Closes the connection after this many bytes, headers included."""

    def limited(talk: Talk) -> None:
        sent = 0

        def transmit(onward: Callable[[bytes], None], data: bytes) -> None:
            nonlocal sent
            onward(data[:most_bytes - sent])
            sent += len(data)
            if sent >= most_bytes:
                talk.hang_up()

        with talk.spoiled(transmit):
            script(talk)

    return limited


def reset_peer(script: Script | None = None, after_bytes: int = 0) -> Script:
    """Resets the connection, at once or after this many bytes of the script."""

    def rude(talk: Talk) -> None:
        sent = 0

        def transmit(onward: Callable[[bytes], None], data: bytes) -> None:
            nonlocal sent
            onward(data[:after_bytes - sent])
            sent += len(data)
            if sent >= after_bytes:
                # What is not yet read when the reset comes is lost; let the reader have it.
                talk.wait(0.05)
                talk.reset()

        with talk.spoiled(transmit):
            if script is not None and after_bytes:
                script(talk)
        talk.reset()

    return rude
