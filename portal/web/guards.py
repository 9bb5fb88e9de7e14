"""What every answer carries and what no request may exceed."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, abort, request

from portal.settings import Settings
from portal.web.languages import language, language_in_address

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

_YEAR_S = 365 * 24 * 3600


def limits(settings: Settings) -> dict[str, object]:
    """Flask's settings for an installation."""
    host = urlsplit(settings.base_url).hostname if settings.base_url else None
    is_https = bool(settings.base_url and settings.base_url.startswith("https:"))
    return {
        "SECRET_KEY": settings.secret_key,
        # The machine's own names stay allowed: health checks ask for them.
        "TRUSTED_HOSTS": [host, "127.0.0.1", "localhost", "[::1]"] if host else None,
        "MAX_CONTENT_LENGTH": 1 << 20,
        "MAX_FORM_MEMORY_SIZE": 1 << 18,
        "MAX_FORM_PARTS": 200,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SECURE": is_https,
        # Browsers take a name that begins so only over https, from this very host, for the whole of it.
        "SESSION_COOKIE_NAME": "__Host-nachuan" if is_https else "nachuan",
        "SESSION_COOKIE_PATH": "/",
        # Static addresses carry a digest of the file, see addresses.asset.
        "SEND_FILE_MAX_AGE_DEFAULT": _YEAR_S,
    }


def guard(app: Flask) -> None:
    """Puts the headers on every answer, and validators on pages; refuses what no database keeps."""
    app.before_request(_refuse_nul)
    app.after_request(_finish)


def _refuse_nul() -> None:
    # Nobody means one, and PostgreSQL takes none in any text: it would be an error of ours somewhere inside.
    if "\0" in request.path:
        abort(404)
    if b"%00" in request.query_string or b"\0" in request.query_string:
        abort(400)
    if request.method == "POST" and any("\0" in value for _, value in request.form.items(multi=True)):
        abort(400)


def _finish(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if response.mimetype != "text/html":
        return response
    response.headers["Content-Language"] = language()
    if not language_in_address():
        response.vary.add("Accept-Language")
    response.headers.setdefault("Cache-Control", "no-cache")
    if response.status_code == 200 and request.method in ("GET", "HEAD") and not response.is_streamed:
        response.add_etag()
        response.make_conditional(request)
    return response
