"""RE2's answers: a line of JSON in, a line of JSON out.

In:  {"pattern": "...", "texts": ["...", ...]}
Out: {"found": [true, false, ...]} or {"refused": "why"}
"""

import json
import sys

import re2

options = re2.Options()
options.log_errors = False

for line in sys.stdin:
    case = json.loads(line)
    try:
        pattern = re2.compile(case["pattern"], options)
        answer = {"found": [pattern.search(text) is not None for text in case["texts"]]}
    except re2.error as error:
        answer = {"refused": str(error)}
    print(json.dumps(answer))
