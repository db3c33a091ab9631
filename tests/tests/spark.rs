//! `examples/spark-hunt` through a real Spark.
#![forbid(unsafe_code)]

use std::env;
use std::process::Command;

use anyhow::{Result, ensure};
use tests::workspace;

#[test]
fn a_log_that_goes_through_spark_gives_the_records_that_it_gives_here() -> Result<()> {
    let example = workspace::root().join("examples/spark-hunt");
    let mut python = Command::new("python3");
    python.arg(example.join("test_spark_hunt.py")).arg(workspace::tidegate()?);
    python.env("PYTHONPATH", env::join_paths([workspace::target().join("spark"), example])?);
    // Its workers run the same Python.
    python.env("PYSPARK_PYTHON", "python3").env("SPARK_LOCAL_IP", "127.0.0.1");
    let output = python.output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(
        output.status.success(),
        "run `cargo xtask setup` for Spark: {said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    ensure!(said.contains("100 records, the same through Spark"), "{said}");
    Ok(())
}
