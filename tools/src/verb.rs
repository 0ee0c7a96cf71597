//! The verbs of the command line, one file each: arguments in, exit code out.

pub mod demo;
pub mod run;
pub mod sim;
pub mod broker_arguments;
pub mod login;
pub mod account;
pub mod ctl;
pub mod config;
pub mod status;
pub mod top;
pub mod latency;
pub mod snapshot;
pub mod journal;
pub mod replay;
pub mod report;
pub mod instruments;
