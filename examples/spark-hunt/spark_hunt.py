"""Hunts logs on a Spark cluster: every partition goes through `tidegate hunt`.

    spark_hunt.py TIDEGATE PACK FORMAT INPUT OUTPUT

TIDEGATE and PACK are paths that every worker can read. INPUT is what Spark reads as lines of text;
OUTPUT is a folder of JSON lines, one record per match.

A partition is a stream of its own: rules match as on one machine. Correlations only see the events of
their partition, so group the lines first by what the correlations group by, or hunt on one machine.
The file and line of a record are those of the partition's stream.
"""

import shlex
import sys

from pyspark.sql import SparkSession


def hunt(lines, tidegate, pack, log_format):
    """The records of an RDD of log lines. A hunt that fails fails the job."""
    words = [tidegate, "hunt", "--pack", pack, "--input-format", log_format, "--threads", "1", "-"]
    return lines.pipe(shlex.join(words), checkCode=True)


def main(tidegate, pack, log_format, source, target):
    spark = SparkSession.builder.appName("tidegate hunt").getOrCreate()
    hunt(spark.sparkContext.textFile(source), tidegate, pack, log_format).saveAsTextFile(target)
    spark.stop()


if __name__ == "__main__":
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    main(*sys.argv[1:])
