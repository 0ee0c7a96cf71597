//! The second floor of bijli, where the rooms meet: the running engine, its verbs and its views.
//!
//! In reading order: time and files ([`duty_cycle`], [`store`], [`run_dir`]), how a day is taken over
//! ([`opening`]), what runs on which thread ([`duty`], [`topology`]), what goes in by hand ([`config_file`],
//! [`config_check`], [`control`], [`credential`], [`broker_access`], [`master_store`], [`candle`]), what comes out ([`screen`],
//! [`alert`], [`replica`], [`report`], [`trade_log`], [`dashboard`]), and the verbs of the command line ([`verb`]).

pub mod duty_cycle;
pub mod store;
pub mod durability;
pub mod persister;
pub mod account_lock;
pub mod kill_latch;
pub mod start_checks;
pub mod capture_store;
pub mod run_dir;
pub mod exit_code;
pub mod words;
pub mod field_json;
pub mod stdout;
pub mod stderr;
pub mod latency_recorder;
pub mod latency_report;
pub mod sector_table;
pub mod config_file;
pub mod config_check;
pub mod control;
pub mod credential;
pub mod broker_access;
pub mod master_store;
pub mod master_sync;
pub mod candle;
pub mod screen;
pub mod alert;
pub mod opening;
pub mod duty;
pub mod topology;
pub mod replica;
pub mod report;
pub mod trade_log;
pub mod dashboard;
pub mod day_run;
pub mod verb;

#[cfg(test)]
mod handmade;
