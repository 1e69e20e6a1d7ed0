"""Which format a client gets, from headers as they come and as nobody should send them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.kit.negotiation import OPENMETRICS, TEXT, content_type, takes_gzip

OM = "application/openmetrics-text"
PROMETHEUS_2 = (
    f"{OM};version=1.0.0,{OM};version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    f"{OM};version=1.0.0;escaping=allow-utf-8;q=0.6,{OM};version=0.0.1;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
WITH_PROTOBUF = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
    f"encoding=delimited;q=0.6,{OM};version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3"
)


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ("", TEXT),
        ("*/*", TEXT),
        ("text/plain", TEXT),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", TEXT),
        (OM, OPENMETRICS),
        (f"{OM}; version=1.0.0; charset=utf-8", OPENMETRICS),
        (PROMETHEUS_2, OPENMETRICS),
        (PROMETHEUS_3, OPENMETRICS),
        (WITH_PROTOBUF, OPENMETRICS),
        (f"text/plain;version=0.0.4;q=0.6,{OM};version=1.0.0;q=0.5", TEXT),
        (f"text/plain;version=0.0.4,{OM};version=1.0.0", TEXT),
        (f"{OM};version=1.0.0,text/plain;version=0.0.4", OPENMETRICS),
        (f"*/*,{OM};version=1.0.0", OPENMETRICS),
        (f"{OM};q=0,*/*;q=0.1", TEXT),
        (f"{OM};version=2.0.0", TEXT),
        (f"{OM};version=2.0.0;q=0.9,{OM};version=1.0.0;q=0.1,text/plain;q=0.2", TEXT),
        (f'{OM.upper()}; VERSION="1.0.0"', OPENMETRICS),
        ("image/png", TEXT),
        (f"{OM};q=many", TEXT),
        (f"{OM};q=2", TEXT),
        (f"{OM};q=nan", TEXT),
        (";;;,,,=;q=", TEXT),
    ],
)
def test_the_client_gets_what_it_likes_best(accept: str, wanted: str) -> None:
    """Prometheus' own headers of versions 2 and 3 among them."""
    assert content_type(accept) == wanted


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("", False),
        ("gzip", True),
        ("gzip, deflate, br", True),
        ("br;q=1.0, GZIP;q=0.5", True),
        ("x-gzip", True),
        ("*", True),
        ("gzip;q=0", False),
        ("gzip;q=0, *", False),
        ("*;q=0", False),
        ("identity", False),
        ("deflate", False),
        ("gzip;q=x", False),
    ],
)
def test_gzip_only_for_who_takes_it(header: str, wanted: bool) -> None:  # noqa: FBT001 -- a table
    """Zero means no."""
    assert takes_gzip(header) is wanted


@given(st.text())
def test_no_header_raises(header: str) -> None:
    """Whatever comes, there is an answer."""
    assert content_type(header) in (TEXT, OPENMETRICS)
    assert takes_gzip(header) in (True, False)
