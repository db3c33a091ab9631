"""pySigma's answers, by its SQLite backend: a line of JSON in, a line of JSON out.

In:  {"rule": "<YAML>", "events": [{"field": "text", ...}, ...]}
Out: {"matches": [true, false, ...]} or {"refused": "why"}

Each event is a row of text columns that compare without regard to (ASCII) case. Install what
requirements.txt names into an environment of its own.
"""

import json
import sqlite3
import sys

import re2
from sigma.backends.sqlite import sqliteBackend
from sigma.collection import SigmaCollection


def regexp(pattern, value):
    return value is not None and re2.search(pattern, str(value)) is not None


def matches(rule, events, fields):
    backend = sqliteBackend()
    queries = backend.convert(SigmaCollection.from_yaml(rule))
    database = sqlite3.connect(":memory:")
    database.create_function("REGEXP", 2, regexp, deterministic=True)
    columns = ", ".join(f'"{name}" TEXT COLLATE NOCASE' for name in fields)
    places = ", ".join("?" for _ in fields)
    found = []
    database.execute(f"CREATE TABLE logs ({columns})")
    for event in events:
        database.execute("DELETE FROM logs")
        database.execute(f"INSERT INTO logs VALUES ({places})", [event.get(name) for name in fields])
        found.append(any(database.execute(query).fetchone() for query in queries))
    database.close()
    return found


for line in sys.stdin:
    case = json.loads(line)
    try:
        answer = {"matches": matches(case["rule"], case["events"], case["fields"])}
    except Exception as error:  # Whatever pySigma or SQLite says is the answer.
        answer = {"refused": f"{type(error).__name__}: {error}"[:200]}
    print(json.dumps(answer), flush=True)
