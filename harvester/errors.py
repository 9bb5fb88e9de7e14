"""What can go wrong between us and a portal, each with the stable code its issue carries.

An error carries facts; only the pipeline records them. Whoever raises one names the address and the value seen.
"""

from __future__ import annotations

from portal.catalog.model import Issue


class HarvestError(Exception):
    """A portal could not be read to the end. Raised by connectors, caught once, in the pipeline."""

    code = "harvest.failed"

    def __init__(self, detail: str, *, url: str | None = None, seen: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.url = url
        self.seen = seen

    def issue(self) -> Issue:
        """The line the run keeps of it."""
        return Issue(
            code=self.code, url=self.url, seen=self.seen and self.seen[:500], detail=self.detail[:500]
        )


class RunOver(Exception):
    """This run asks no more questions: it has gone on for too long, or its process is to end.

    No HarvestError, so that no connector takes it for a failure of the portal's and tries another way.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail

    def issue(self) -> Issue:
        """The line the run keeps of it."""
        return Issue(code=self.code, detail=self.detail)


STOPPED = "run.stopped"
"""The code of a run that ended because its process did: it is asked for again."""


class PortalUnreachable(HarvestError):
    """No answer: the name does not resolve, the connection is refused, or it stays silent."""

    code = "portal.unreachable"


class PortalResting(PortalUnreachable):
    """It failed so often in a row that we leave it alone for a while: nothing was asked."""


class PortalTimedOut(HarvestError):
    """The answer did not end within the deadline, or came too slowly."""

    code = "portal.timed-out"


class PortalCertificateInvalid(HarvestError):
    """TLS could not be verified."""

    code = "portal.certificate-invalid"


class AddressRefused(HarvestError):
    """The address is not public, not http(s), or otherwise one we never ask."""

    code = "portal.address-refused"


class RedirectRefused(HarvestError):
    """A redirect that loops, goes on too long, or leads from https to http."""

    code = "portal.redirect-refused"


class PortalBlocked(HarvestError):
    """The portal turned us away: 401, 403, or a challenge page in place of data."""

    code = "portal.blocked"


class RobotsRefused(HarvestError):
    """The portal's robots.txt keeps programs away from a page that would be scraped."""

    code = "portal.robots-refused"


class PortalBusy(HarvestError):
    """The portal asks us to come back later than we wait for within a run.

    ``retry_after_s`` is what it asked for, in seconds.
    """

    code = "portal.busy"

    def __init__(
        self,
        detail: str,
        *,
        url: str | None = None,
        retry_after_s: float | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(detail, url=url)
        self.retry_after_s = retry_after_s
        self.status = status


class PortalAnsweredError(HarvestError):
    """An HTTP status of 400 or above that retries did not cure, or an error said in the body."""

    code = "portal.answered-error"

    def __init__(
        self, detail: str, *, url: str | None = None, seen: str | None = None, status: int | None = None
    ) -> None:
        super().__init__(detail, url=url, seen=seen)
        self.status = status


class AnswerTooLarge(HarvestError):
    """More bytes than allowed, on the wire or decoded."""

    code = "portal.answer-too-large"


class AnswerCutShort(HarvestError):
    """The body ended before it was whole."""

    code = "portal.answer-cut-short"


class PortalNotUnderstood(HarvestError):
    """The answer is not what this kind of portal gives (HTML in place of JSON, a malformed document)."""

    code = "portal.not-understood"


class PagingBroken(HarvestError):
    """Pages repeat, or end before the number of datasets the portal states."""

    code = "listing.paging-broken"


class SourceInvalid(HarvestError):
    """The source's own options are wrong, so that its portal cannot be asked."""

    code = "source.invalid"
