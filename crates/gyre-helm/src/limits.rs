//! How much of a chart is read.

/// Bytes of a chart when unpacked; Helm's own limit.
pub const CHART_BYTES_MAX: usize = 100 * 1024 * 1024;
/// Bytes of an archive when unpacked: the files, and what stands between them.
pub const ARCHIVE_BYTES_MAX: usize = 2 * CHART_BYTES_MAX;
/// Bytes of one file of a chart; Helm's own limit.
pub const FILE_BYTES_MAX: usize = 5 * 1024 * 1024;
/// Files of one chart, its subcharts included.
pub const FILES_MAX: usize = 100_000;
/// How deep subcharts nest.
pub const SUBCHART_DEPTH_MAX: usize = 32;
/// How deep `--set a.b.c` nests; Helm's own limit.
pub const SET_DEPTH_MAX: usize = 30;
/// The largest index of `--set a[1]`; Helm's own limit.
pub const SET_INDEX_MAX: i64 = 65_536;
/// How many sets of parsed templates one chart keeps, one for each set of subcharts that was switched on.
pub const PARSED_SETS_MAX: usize = 16;
/// Bytes of a release record when unpacked.
pub const RECORD_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Steps that a validator takes with one schema and its values.
pub const SCHEMA_STEPS_MAX: u64 = 5_000_000;
/// Pairs of a schema and a value that are looked at to count the steps.
pub const SCHEMA_PAIRS_MAX: usize = 1_000_000;
/// How deep a validator goes: references, alternatives and values inside of values.
pub const SCHEMA_DEPTH_MAX: usize = 300;
