"""Hunts a log through Spark and on this machine: the same records.

    python test_spark_hunt.py TIDEGATE
"""

import json
import os
import subprocess
import sys
import tempfile

from pyspark.sql import SparkSession

import spark_hunt

RULE = """
title: Bot API
id: 3a9e12b8-5f3c-4a7e-9d43-0c58b1a6f001
author: tidegate contributors
logsource: {category: proxy}
detection: {selection: {cs-host: api.telegram.org}, condition: selection}
"""


def record(line):
    """What a record says, without where in which stream."""
    match = json.loads(line)
    return json.dumps({key: match[key] for key in match if key not in ("file", "line")}, sort_keys=True)


def main(tidegate):
    with tempfile.TemporaryDirectory() as folder:
        path = lambda name: os.path.join(folder, name)
        with open(path("rule.yml"), "w") as file:
            file.write(RULE)
        subprocess.run([tidegate, "pack", path("rule.yml"), "-o", path("rules.pack")], check=True)
        with open(path("log.jsonl"), "w") as file:
            for number in range(10_000):
                host = "api.telegram.org" if number % 100 == 0 else "www.example.com"
                line = {"method": "GET", "authority": host, "path": f"/a{number % 7}"}
                file.write(json.dumps(line) + "\n")
        words = [tidegate, "hunt", "--pack", path("rules.pack"), path("log.jsonl")]
        here = subprocess.run(words, check=True, capture_output=True, text=True).stdout
        spark = (
            SparkSession.builder.master("local[2]")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .getOrCreate()
        )
        lines = spark.sparkContext.textFile(path("log.jsonl"), minPartitions=4)
        there = spark_hunt.hunt(lines, tidegate, path("rules.pack"), "envoy").collect()
        spark.stop()
        expect = sorted(record(line) for line in here.splitlines())
        assert len(expect) == 100, len(expect)
        assert sorted(map(record, there)) == expect
        print(f"{len(there)} records, the same through Spark")


if __name__ == "__main__":
    main(os.path.abspath(sys.argv[1]))
