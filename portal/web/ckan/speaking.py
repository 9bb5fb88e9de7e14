"""In which language an answer names what has a name in both."""

from __future__ import annotations

from flask import request

from portal.web.site import site


def speaking() -> str:
    """The language of the address (``/en/api/3/…``), else the installation's.

    Not the client's: what asks twice is to get the same twice, whatever library it asks with.
    """
    return str(request.environ.get("nachuan.language") or site().settings.locale)
