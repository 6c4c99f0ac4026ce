"""The HTML report as PDF, by WeasyPrint: the same page gives the same bytes."""

import io
import logging
import os
from typing import Any

# What WeasyPrint would take from the clock otherwise: the time that a font was changed.
_NO_TIME = {"SOURCE_DATE_EPOCH": "0"}


class NoWeasyPrint(Exception):
    """WeasyPrint is not installed, or does not work. The message says what to do."""


def pdf(html: str) -> bytes:
    """The page as paper has it. Raises NoWeasyPrint."""
    try:
        import weasyprint
    except (ImportError, OSError) as error:
        raise NoWeasyPrint(
            f"no PDF: {error}; install the package weasyprint (in a checkout: make setup report)"
        ) from None
    logging.getLogger("weasyprint").setLevel(logging.ERROR)
    before = os.environ.get("SOURCE_DATE_EPOCH")
    os.environ.update(_NO_TIME)
    try:
        buffer = io.BytesIO()
        document = weasyprint.HTML(string=html, url_fetcher=_fetcher(weasyprint))
        document.write_pdf(buffer, **{_identifier(weasyprint): b"growbench"})
        return buffer.getvalue()
    finally:
        if before is None:
            del os.environ["SOURCE_DATE_EPOCH"]
        else:
            os.environ["SOURCE_DATE_EPOCH"] = before


def _identifier(weasyprint: Any) -> str:
    """What the option is called that names the file: pdf_identifier from WeasyPrint 59 on."""
    known = getattr(weasyprint, "DEFAULT_OPTIONS", {})
    return "pdf_identifier" if "pdf_identifier" in known else "identifier"


def _fetcher(weasyprint: Any) -> Any:
    """Fetches nothing from anywhere: all that the page needs is in it."""
    if hasattr(weasyprint, "URLFetcher"):  # from 68 on
        return weasyprint.URLFetcher(allowed_protocols=["data"])
    return _only_data


def _only_data(url: str, *arguments: Any, **options: Any) -> dict:
    from weasyprint import default_url_fetcher

    if not url.startswith("data:"):
        raise ValueError(f"the report has no use for {url}")
    return default_url_fetcher(url, *arguments, **options)
