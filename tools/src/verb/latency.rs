//! `bijli latency`: percentiles of each stage from frame to order, as a table, JSON, SVG or a page.
//!
//! A finished run has its whole distributions in `latency.json`; of a running one the snapshot gives the
//! percentiles. Values are nanoseconds of the machine's monotonic clock.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;

use crate::dashboard::SnapshotSource;
use crate::exit_code;
use crate::latency_report::LatencyReport;
use crate::report::plots;
use crate::run_dir::RunDir;
use crate::stdout::print_line;

/// Arguments of `latency`.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// The run directory; default: the newest under ./runs.
    #[arg(long, value_name = "RUN_DIR")]
    dir: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Also write the percentile picture as SVG.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Also write the percentile picture as an offline page.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

/// Runs the verb; gives the exit code.
#[must_use]
pub fn run(args: &Args) -> i32 {
    let read = RunDir::named_or_newest(args.dir.as_deref())
        .map_err(|error| error.to_string())
        .and_then(|run| read(&run));
    let report = match read {
        Ok(report) => report,
        Err(error) => {
            eprintln!("error: {error}");
            return exit_code::NO_DATA;
        }
    };
    for (path, text) in [
        (&args.svg, LatencyReport::to_svg as fn(&LatencyReport) -> String),
        (&args.html, html),
    ] {
        if let Some(path) = path
            && let Err(error) = fs::write(path, text(&report))
        {
            eprintln!("error: {}: {error}", path.display());
            return exit_code::ERROR;
        }
    }
    if args.json {
        print_line(&serde_json::to_string(&report).expect("plain data"));
    } else {
        print_line(report.to_table().trim_end());
    }
    if report.is_empty() {
        exit_code::NO_DATA
    } else {
        exit_code::OK
    }
}

/// From the finished run's file, else from the running one's snapshot.
fn read(run: &RunDir) -> Result<LatencyReport, String> {
    let path = run.latency_json();
    if path.is_file() {
        return from_file(&path);
    }
    let sight = SnapshotSource::new(run.clone())
        .look()
        .map_err(|error| error.to_string())?;
    Ok(sight.readouts.latency_report())
}

fn from_file(path: &Path) -> Result<LatencyReport, String> {
    let named = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
    let text = fs::read_to_string(path).map_err(|error| named(&error))?;
    serde_json::from_str(&text).map_err(|error| named(&error))
}

/// The picture as a page of its own.
fn html(report: &LatencyReport) -> String {
    let picture = plots::latency(report).map_or("<p>Nothing was timed.</p>".to_owned(), |plot| {
        plot.to_inline_html(Some("latency"))
    });
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>bijli latency</title>{}\n\
         <style>body{{font-family:system-ui,sans-serif;margin:2rem}}</style></head>\n\
         <body><h1>Latency by percentile</h1>{picture}<pre>{}</pre></body></html>\n",
        plots::script(),
        report.to_table()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::latency_report::StageLatency;

    fn report() -> LatencyReport {
        LatencyReport {
            stages: vec![StageLatency::from_percentiles(
                "engine", 1_000, 2_000, 9_000, 20_000, 90_000,
            )],
        }
    }

    #[test]
    fn a_finished_run_is_read_from_its_file() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let run = RunDir::new(folder.path());
        assert!(read(&run).is_err());
        fs::write(
            run.latency_json(),
            serde_json::to_string(&report()).expect("plain data"),
        )
        .expect("fresh");
        assert_eq!(read(&run), Ok(report()));
        fs::write(run.latency_json(), "{").expect("fresh");
        assert!(read(&run).is_err_and(|error| error.contains("latency.json")));
    }

    #[test]
    fn the_page_stands_alone() {
        let page = html(&report());
        assert!(page.contains("id=\"latency\"") && page.contains("9.00µs"));
        assert!(html(&LatencyReport::default()).contains("Nothing was timed."));
    }
}
