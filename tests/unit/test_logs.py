"""What log records look like."""

import json
import logging

import pytest
import structlog

from upthread.runtime import logs
from upthread.runtime.calls import trace


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    """The JSON lines written so far."""
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_records_are_json_where_no_terminal_is(capsys: pytest.CaptureFixture[str]) -> None:
    """Each record is one JSON object on one line, with its time, its level and all that was said with it."""
    logs.configure()
    structlog.get_logger().info("posted", post=7, title="line\nbreak", where=object)
    [record] = lines(capsys)
    assert list(record)[:3] == ["timestamp", "level", "event"]
    assert (record["level"], record["event"], record["post"], record["title"]) == ("info", "posted", 7, "line\nbreak")


def test_records_of_libraries_look_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    """What a library says by the standard library's logging comes out in the same form, with its logger's name."""
    logs.configure()
    logging.getLogger("a.library").warning("%d things", 3)
    [record] = lines(capsys)
    assert (record["level"], record["event"], record["logger"]) == ("warning", "3 things", "a.library")


def test_records_carry_the_request_id(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever is logged while a request is served carries the request's id, and nothing else does."""
    logs.configure()
    log = structlog.get_logger()
    log.info("before")
    token = logs.request_id.set("abc")
    log.info("ours")
    logging.getLogger("a.library").warning("theirs")
    logs.request_id.reset(token)
    assert [record.get("request_id") for record in lines(capsys)] == [None, "abc", "abc"]


def test_records_carry_the_trace_id(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever is logged within a trace carries the trace's id, so that one leads to the other."""
    logs.configure()
    log = structlog.get_logger()
    log.info("before")
    with trace.within({"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}):
        log.info("ours")
    assert [record.get("trace_id") for record in lines(capsys)] == [None, "4bf92f3577b34da6a3ce929d0e0e4736"]


def test_errors_have_their_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    """A traceback is one field of its record, so that a line stays a record."""
    logs.configure()
    try:
        _ = 1 / 0
    except ZeroDivisionError:
        structlog.get_logger().exception("ours")
        logging.getLogger("a.library").exception("theirs")
    assert ["ZeroDivisionError" in str(record["exception"]) for record in lines(capsys)] == [True, True]


def test_level_is_a_threshold(capsys: pytest.CaptureFixture[str]) -> None:
    """Records less severe than the level that was set are not written, whoever makes them."""
    logs.configure("warning")
    structlog.get_logger().info("quiet")
    logging.getLogger("a.library").info("quiet")
    structlog.get_logger().error("loud")
    assert [record["event"] for record in lines(capsys)] == ["loud"]


def test_readable_records(capsys: pytest.CaptureFixture[str]) -> None:
    """For people, a record is a line of plain text with the same things on it."""
    logs.configure(readable=True)
    structlog.get_logger().info("posted", post=7)
    logging.getLogger("a.library").warning("theirs")
    ours, theirs = capsys.readouterr().err.splitlines()
    assert "posted" in ours
    assert "post=7" in ours
    assert "theirs" in theirs
