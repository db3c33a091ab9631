"""Holds events, one JSON line each on standard input, against the published schema of their class.

The schema is the framework's own export, which the package ships, turned into JSON Schema with the
profile that the events name.
"""

import json
import sys

from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema


def main():
    schemas = {}
    events = wrong = 0
    for line in sys.stdin:
        event = json.loads(line)
        events += 1
        version, class_uid = event["metadata"]["version"], event["class_uid"]
        if (version, class_uid) not in schemas:
            schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version))
            name = schema.lookup_class_name_from_uid(class_uid)
            profiles = event["metadata"]["profiles"]
            schemas[version, class_uid] = Draft202012Validator(schema.get_class_schema(name, profiles))
        for error in schemas[version, class_uid].iter_errors(event):
            wrong += 1
            print(f"{error.json_path}: {error.message[:300]}")
        # What the schema says in prose: a class and its activity make the type.
        if event["type_uid"] != class_uid * 100 + event["activity_id"]:
            wrong += 1
            print("type_uid is not class_uid * 100 + activity_id")
    print(f"{events} events, {wrong} wrong")
    return 1 if wrong or not events else 0


sys.exit(main())
